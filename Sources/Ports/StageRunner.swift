// Runs one stage of a pipeline as a process that sees only what the stage declares.
private import Pipelines

package struct StageRunnerError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case unavailable, cancelled }
        private var value: Value
        /// The process could not be started or watched.
        package static let unavailable = Code(value: .unavailable)
        package static let cancelled = Code(value: .cancelled)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// A file or folder of this machine and the name under which the process sees it. Absolute paths.
package struct Mount: Hashable, Sendable {
    package var source: String
    package var target: String

    package init(_ source: String, as target: String) {
        self.source = source
        self.target = target
    }
}

package struct StageProcessRequest: Hashable, Sendable {
    /// The first is a path inside.
    package var arguments: [String]
    /// A path inside, made when it is not there.
    package var workingDirectory: String
    package var readOnly: [Mount]
    /// Where the stage writes its outputs.
    package var writable: [Mount]
    package var environment: [String: String]
    package var timeout: Duration
    /// A file of this machine that gets what the process says on both outputs, appended.
    package var log: String
    /// Past this the process is ended.
    package var logBytes: Int
    /// The largest file that the process may write.
    package var fileBytes: Int

    package init(
        arguments: [String], workingDirectory: String, readOnly: [Mount], writable: [Mount], environment: [String: String], timeout: Duration, log: String,
        logBytes: Int = StageLimits.logBytes, fileBytes: Int = StageLimits.fileBytes
    ) {
        self.arguments = arguments
        self.workingDirectory = workingDirectory
        self.readOnly = readOnly
        self.writable = writable
        self.environment = environment
        self.timeout = timeout
        self.log = log
        self.logBytes = logBytes
        self.fileBytes = fileBytes
    }
}

package enum StageExit: Hashable, Sendable {
    case exited(Int)
    case signalled(Int)
    case timedOut
    case saidTooMuch
}

package struct StageProcessResult: Hashable, Sendable {
    package var exit: StageExit
    /// The layers that were around the process; the first is `none` when it saw the whole machine.
    package var sandbox: [String]

    package init(exit: StageExit, sandbox: [String]) {
        self.exit = exit
        self.sandbox = sandbox
    }
}

/// - When `run` has returned or thrown, neither the process nor anything that it started still runs.
/// - A process that fails is a result, not an error.
/// - With a sandbox, what was not named is not there: no file, no network, no variable of ours.
package protocol StageRunner: Sendable {
    /// What `sandbox` will say, before anything runs.
    var layers: [String] { get }
    func run(_ request: StageProcessRequest) async throws(StageRunnerError) -> StageProcessResult
}
