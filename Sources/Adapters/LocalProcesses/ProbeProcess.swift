// Runs a probe as a child process in a throw-away sandbox.
private import Foundation
private import Glibc
package import Ports
private import Subprocess

/// Bubblewrap where it works, a plain child process elsewhere; `ProbeResult.sandbox` says which it was.
///
/// In bubblewrap the child has namespaces of its own (no network, no other process, no home, an empty /tmp), no capabilities and no environment but
/// `PENSTOCK_LIBRARIES`, and sees, read-only: /usr, the program with the libraries it was linked with, the folders of native libraries and the
/// named files. All processes in it end when it ends, and it ends when we do, even when we are killed. There is no system call filter.
///
/// Without bubblewrap only the process limits hold, and what the child starts ends with it unless it leaves our process group.
package struct ProbeProcess: ProbeRunner {
    package enum Isolation: Sendable {
        /// Bubblewrap when it works here, else none.
        case best
        case none
    }

    private let executable: String
    private let libraryDirectories: [String]
    private let bubblewrap: String?
    private let limits: [String]

    /// Finds out once whether bubblewrap works here (in many containers it may not make namespaces).
    package init(
        executable: String, libraryDirectories: [String], isolation: Isolation = .best, memoryBytes: Int = 16 << 30
    ) async {
        self.executable = SandboxFiles.resolved(executable)
        self.libraryDirectories = libraryDirectories.map(SandboxFiles.resolved).filter { $0.hasPrefix("/") && FileManager.default.fileExists(atPath: $0) }
        limits =
            FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit")
            ? ["/usr/bin/prlimit", "--core=0", "--as=\(memoryBytes)", "--fsize=\(64 << 20)", "--nofile=256"] : []
        bubblewrap = isolation == .best ? await Bubblewrap.working() : nil
    }

    package func run(_ request: ProbeRequest) async throws(ProbeError) -> ProbeResult {
        for file in request.readOnlyFiles where !file.hasPrefix("/") || !FileManager.default.fileExists(atPath: file) {
            throw ProbeError(.unavailable, "The probe's file \(file) is not there or not an absolute path; bring it to the artifact store first.")
        }
        return try await Race(
            configuration: configuration(for: request), request: request,
            sandbox: [bubblewrap == nil ? "none" : "bubblewrap"] + (limits.isEmpty ? [] : ["rlimits"])
        ).run()
    }

    private func configuration(for request: ProbeRequest) -> Configuration {
        let command = limitedCommand(for: request)
        let libraries = libraryDirectories.joined(separator: ":")
        var options = PlatformOptions()
        options.createSession = true
        // Ends with a kill of the whole group at once: nothing in a probe is worth an orderly end.
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
        guard let bubblewrap else {
            return Configuration(
                executable: .path(.init(command[0])), arguments: Arguments(Array(command.dropFirst())),
                environment: .custom(["PENSTOCK_LIBRARIES": libraries]), workingDirectory: "/", platformOptions: options)
        }
        let files = SandboxFiles(executable: executable, libraryDirectories: libraryDirectories, named: request.readOnlyFiles)
        let arguments = Bubblewrap.isolation + files.arguments + ["--chdir", "/tmp", "--setenv", "PENSTOCK_LIBRARIES", libraries, "--"] + command
        return Configuration(
            executable: .path(.init(bubblewrap)), arguments: Arguments(arguments), environment: .custom([:] as [Environment.Key: String]),
            workingDirectory: "/", platformOptions: options)
    }

    private func limitedCommand(for request: ProbeRequest) -> [String] {
        guard !limits.isEmpty else { return [executable] + request.arguments }
        // On all cores for the whole time, and a little more: the deadline should speak first.
        let cores = Int64(max(1, ProcessInfo.processInfo.activeProcessorCount))
        let seconds = min(max(request.timeout.components.seconds, 0), 1_000_000)
        return limits + ["--cpu=\((seconds + 2) * cores)", "--", executable] + request.arguments
    }
}

/// What of the file system a child needs to start, as bubblewrap's arguments.
struct SandboxFiles {
    let arguments: [String]

    init(executable: String, libraryDirectories: [String], named: [String]) {
        var paths = [executable] + Self.linkedLibraries(of: executable)
        for directory in libraryDirectories {
            paths.append(directory)
            // A link out of the folder needs what it points to.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            paths += names.map { Self.resolved(directory + "/" + $0) }
        }
        paths += named
        var seen: Set<String> = []
        arguments = paths.filter { seen.insert($0).inserted && !$0.hasPrefix("/usr/") }.flatMap { ["--ro-bind", $0, $0] }
    }

    /// Foundation's own call leaves some relative links as they are.
    static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// The shared libraries that this process has loaded, when the child is our own program: a Swift runtime may lie outside /usr.
    private static func linkedLibraries(of executable: String) -> [String] {
        // Read to its end, not to its size, which the kernel gives as 0.
        guard resolved("/proc/self/exe") == executable, let handle = FileHandle(forReadingAtPath: "/proc/self/maps"),
            let data = try? handle.readToEnd()
        else { return [] }
        let maps = String(decoding: data, as: UTF8.self)
        return maps.split(separator: "\n").compactMap { line in
            guard let slash = line.firstIndex(of: "/"), line[slash...].contains(".so"), !line[slash...].hasPrefix("/lib") else { return nil }
            return String(line[slash...])
        }
    }
}

/// One child against its deadline.
private struct Race: Sendable {
    let configuration: Configuration
    let request: ProbeRequest
    let sandbox: [String]

    private enum Finish: Sendable {
        case result(ProbeResult)
        case failed(ProbeError)
        case deadline
    }

    func run() async throws(ProbeError) -> ProbeResult {
        let finish = await withTaskGroup(of: Finish.self) { group in
            group.addTask { await child() }
            group.addTask {
                try? await Task.sleep(for: request.timeout)
                return .deadline
            }
            let first = await group.next() ?? .deadline
            // Cancelling the child kills its group; the end of this scope waits until it is gone.
            group.cancelAll()
            return first
        }
        if Task.isCancelled { throw ProbeError(.cancelled, "The probe was cancelled.") }
        switch finish {
        case .result(let result): return result
        case .failed(let error): throw error
        case .deadline:
            throw ProbeError(.timedOut, "The probe took over \(request.timeout) and was ended; the model or the data may be too large for it.")
        }
    }

    private func child() async -> Finish {
        do {
            // Not a pipe: writing to a child that has ended would end us by SIGPIPE.
            let input = try InputFile(request.input)
            let outcome = try await Subprocess.run(
                configuration, input: .fileDescriptor(.init(rawValue: input.descriptor), closeAfterSpawningProcess: false),
                output: .bytes(limit: max(0, request.outputLimit)), error: .discarded)
            let status: ProbeResult.Status =
                switch outcome.terminationStatus {
                case .exited(let code): .exited(Int(code))
                case .signaled(let signal): .signalled(Int(signal))
                }
            return .result(ProbeResult(output: outcome.standardOutput, sandbox: sandbox, status: status))
        } catch let error as ProbeError {
            return .failed(error)
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            return .failed(ProbeError(.outputTooLarge, "The probe wrote more than \(request.outputLimit) bytes and was ended."))
        } catch {
            return .failed(ProbeError(.unavailable, "The probe could not be run: \(error)."))
        }
    }
}

/// A temporary file that has no name any more, read from its start.
private struct InputFile: ~Copyable {
    let descriptor: Int32

    init(_ bytes: [UInt8]) throws(ProbeError) {
        var name = Array((FileManager.default.temporaryDirectory.path + "/probe-XXXXXX").utf8CString)
        descriptor = mkstemp(&name)
        if descriptor >= 0 {
            unlink(name)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        var written = 0
        while descriptor >= 0, written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            written += count
        }
        guard descriptor >= 0, written == bytes.count, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw ProbeError(.unavailable, "The probe's input of \(bytes.count) bytes could not be written to the folder for temporary files; make room there.")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
