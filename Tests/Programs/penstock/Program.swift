// The built program, run from outside as a person runs it.
import Foundation
import Synchronization
import Testing

/// What one run left: how it ended, and what it printed.
struct Run: Sendable {
    var code: Int32
    /// Ended by a signal: it crashed, or ran over the time that a test gives it.
    var isKilled: Bool
    var output: String
    var errors: String

    var lines: [Substring] { output.split(separator: "\n") }
}

struct ProgramError: Error, CustomStringConvertible {
    var description: String
}

/// `penstock`, which lies beside the test bundle; PENSTOCK_PROGRAM names another.
struct Program: Sendable {
    var path: String

    static let built = Result {
        let beside = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).deletingLastPathComponent().appending(path: "penstock")
        let path = ProcessInfo.processInfo.environment["PENSTOCK_PROGRAM"] ?? beside.path
        guard FileManager.default.isExecutableFile(atPath: path) else { throw ProgramError(description: "there is no program at \(path); build it first") }
        return Program(path: path)
    }

    static let repository = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "../../..").standardized.path
    static let libraries = repository + "/.deps/lib"

    /// Nothing of the caller's own installation, and this repository's native libraries.
    private static let environment: [String: String] = {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PENSTOCK_") }
        environment["PENSTOCK_LIBRARIES"] = libraries
        // Where nothing answers: an installation that runs on this machine is left alone.
        environment["PENSTOCK_URL"] = "http://127.0.0.1:1"
        environment["PENSTOCK_NODE_URL"] = "http://127.0.0.1:1"
        environment["SWIFT_BACKTRACE"] = "enable=no"
        return environment
    }()

    /// Runs to the end, in the given folder. `wrapper` is a command that runs the program, which it gets as its last arguments.
    func run(_ arguments: [String], in folder: String, _ variables: [String: String?] = [:], wrapper: [String] = []) async throws -> Run {
        let process = Process()
        let command = wrapper + [path] + arguments
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = URL(filePath: folder)
        process.environment = variables.reduce(into: Self.environment) { $0[$1.key] = $1.value }
        process.standardInput = FileHandle.nullDevice
        let output = try Unnamed(), errors = try Unnamed()
        (process.standardOutput, process.standardError) = (output.handle, errors.handle)
        try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Void, any Error>) in
            let once = Once(ended)
            process.terminationHandler = { _ in once.resume(.success(())) }
            do { try process.run() } catch { return once.resume(.failure(error)) }
            let number = process.processIdentifier
            DispatchQueue.global().asyncAfter(deadline: .now() + 60) {
                once.resume(.failure(ProgramError(description: "penstock \(arguments.joined(separator: " ")) did not end within 60 s"))) { kill(number, SIGKILL) }
            }
        }
        return Run(
            code: process.terminationStatus, isKilled: process.terminationReason == .uncaughtSignal, output: try output.content(), errors: try errors.content())
    }

    /// Runs and expects success.
    @discardableResult
    func succeed(_ arguments: [String], in folder: String, _ variables: [String: String?] = [:]) async throws -> Run {
        let run = try await run(arguments, in: folder, variables)
        guard run.code == 0, !run.isKilled else { throw ProgramError(description: "penstock \(arguments.joined(separator: " ")): \(run.code) \(run.errors)") }
        return run
    }
}

/// The first end counts.
private final class Once: Sendable {
    private let waiting: Mutex<CheckedContinuation<Void, any Error>?>

    init(_ continuation: CheckedContinuation<Void, any Error>) { waiting = Mutex(continuation) }

    func resume(_ end: Result<Void, any Error>, first: () -> Void = {}) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        guard let continuation else { return }
        first()
        continuation.resume(with: end)
    }
}

/// A file without a name. A pipe would stay open in whatever the program leaves running, and fill up.
private struct Unnamed {
    let handle: FileHandle

    init() throws {
        var name = Array((NSTemporaryDirectory() + "/penstock-output-XXXXXX").utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw ProgramError(description: "no temporary file can be made") }
        unlink(name)
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    func content() throws -> String {
        try handle.seek(toOffset: 0)
        return String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
    }
}
