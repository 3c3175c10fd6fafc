// Runs a stage of a pipeline in a throw-away sandbox.
private import Foundation
private import Glibc
package import Ports
private import Subprocess

/// Bubblewrap where it works. Where it does not, the stage runs as a plain process with the same environment, and `layers` says `none`: the record of
/// the run keeps that, and a policy may refuse it.
package struct StageProcess: StageRunner {
    private let bubblewrap: String?
    private let limiter: String?

    /// `isolated` false is for machines and tests without namespaces.
    package init(isolated: Bool = true) async {
        bubblewrap = isolated ? await Bubblewrap.working() : nil
        limiter = FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit") ? "/usr/bin/prlimit" : nil
    }

    package var layers: [String] { [bubblewrap == nil ? "none" : "bubblewrap"] + (limiter == nil ? [] : ["rlimits"]) }

    package func run(_ request: StageProcessRequest) async throws(StageRunnerError) -> StageProcessResult {
        let descriptor = open(request.log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StageRunnerError(.unavailable, "the log \(request.log) cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        let configuration = configuration(for: request)
        let finish = await withTaskGroup(of: Finish.self) { group in
            group.addTask { await Self.child(configuration, descriptor) }
            group.addTask { await Self.deadline(request.timeout) }
            group.addTask { await Self.watch(descriptor, limit: request.logBytes) }
            let first = await group.next() ?? .timedOut
            // Cancelling the child kills its group; the end of this scope waits until it is gone.
            group.cancelAll()
            return first
        }
        if Task.isCancelled { throw StageRunnerError(.cancelled, "the stage was cancelled") }
        switch finish {
        case .exited(let code): return StageProcessResult(exit: .exited(code), sandbox: layers)
        case .signalled(let signal): return StageProcessResult(exit: .signalled(signal), sandbox: layers)
        case .timedOut: return StageProcessResult(exit: .timedOut, sandbox: layers)
        case .saidTooMuch: return StageProcessResult(exit: .saidTooMuch, sandbox: layers)
        case .failed(let message): throw StageRunnerError(.unavailable, message)
        }
    }

    private enum Finish: Sendable {
        case exited(Int), signalled(Int), timedOut, saidTooMuch
        case failed(String)
    }

    private static func child(_ configuration: Configuration, _ descriptor: Int32) async -> Finish {
        do {
            let outcome = try await Subprocess.run(
                configuration, input: .none, output: .fileDescriptor(.init(rawValue: descriptor), closeAfterSpawningProcess: false),
                error: .fileDescriptor(.init(rawValue: descriptor), closeAfterSpawningProcess: false))
            switch outcome.terminationStatus {
            // Bubblewrap and shells tell a signal of their child as 128 and its number.
            case .exited(let code): return code > 128 && code < 128 + 65 ? .signalled(Int(code) - 128) : .exited(Int(code))
            case .signaled(let signal): return .signalled(Int(signal))
            }
        } catch {
            return .failed("the stage's process could not be run: \(error)")
        }
    }

    private static func deadline(_ timeout: Duration) async -> Finish {
        try? await Task.sleep(for: timeout)
        return .timedOut
    }

    /// Looks at the log's size now and then: a file has no size limit that another of the process's files would not have too.
    private static func watch(_ descriptor: Int32, limit: Int) async -> Finish {
        var status = stat()
        let began = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(50))
            if fstat(descriptor, &status) == 0, Int(status.st_size) - began > limit { return .saidTooMuch }
        }
        return .timedOut
    }

    private func configuration(for request: StageProcessRequest) -> Configuration {
        var options = PlatformOptions()
        options.createSession = true
        // A stage's outputs are thrown away when it does not end by itself, so there is nothing to end in order.
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
        let limits = limiter.map { [$0, "--core=0", "--fsize=\(request.fileBytes)", "--"] } ?? []
        guard let bubblewrap else {
            let command = limits + request.arguments
            return Configuration(
                executable: .path(.init(command[0])), arguments: Arguments(Array(command.dropFirst())),
                environment: .custom(Dictionary(uniqueKeysWithValues: request.environment.map { (Environment.Key(rawValue: $0) ?? "PENSTOCK", $1) })),
                workingDirectory: .init(request.workingDirectory), platformOptions: options)
        }
        var arguments = Bubblewrap.isolation
        for mount in request.readOnly { arguments += ["--ro-bind", mount.source, mount.target] }
        for mount in request.writable { arguments += ["--bind", mount.source, mount.target] }
        for (name, value) in request.environment.sorted(by: { $0.key < $1.key }) { arguments += ["--setenv", name, value] }
        arguments += ["--dir", request.workingDirectory, "--chdir", request.workingDirectory, "--"] + limits + request.arguments
        return Configuration(
            executable: .path(.init(bubblewrap)), arguments: Arguments(arguments), environment: .custom([:] as [Environment.Key: String]), workingDirectory: "/",
            platformOptions: options)
    }
}
