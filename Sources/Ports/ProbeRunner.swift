// Runs our own program once more as a child that is trusted with nothing, to handle data that could break it.

package struct ProbeError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case unavailable, timedOut, outputTooLarge, cancelled }
        private var value: Value
        /// The child could not be started or watched.
        package static let unavailable = Code(value: .unavailable)
        package static let timedOut = Code(value: .timedOut)
        package static let outputTooLarge = Code(value: .outputTooLarge)
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

package struct ProbeRequest: Hashable, Sendable {
    /// For our own executable.
    package var arguments: [String]
    /// Absolute paths of files that the child may read, under the same names. It sees nothing else of the user's.
    package var readOnlyFiles: [String]
    /// What the child reads from its standard input.
    package var input: [UInt8]
    package var timeout: Duration
    /// Most bytes that the child may write to its standard output.
    package var outputLimit: Int

    package init(arguments: [String], readOnlyFiles: [String], input: [UInt8], timeout: Duration, outputLimit: Int) {
        self.arguments = arguments
        self.readOnlyFiles = readOnlyFiles
        self.input = input
        self.timeout = timeout
        self.outputLimit = outputLimit
    }
}

package struct ProbeResult: Hashable, Sendable {
    package enum Status: Hashable, Sendable {
        case exited(Int)
        /// Ended by a signal: the child crashed, or ran over a limit.
        case signalled(Int)
    }

    package var output: [UInt8]
    /// The layers that were around the child, for the record; the first is `none` when it was not isolated.
    package var sandbox: [String]
    package var status: Status

    package init(output: [UInt8], sandbox: [String], status: Status) {
        self.output = output
        self.sandbox = sandbox
        self.status = status
    }
}

/// Runs a child to its end.
///
/// - When `run` has returned or thrown, neither the child nor anything that it started still runs.
/// - A child that fails or crashes is a result, not an error.
/// - The child has no network, no environment of ours and no files but those named, as far as `sandbox` says so.
package protocol ProbeRunner: Sendable {
    func run(_ request: ProbeRequest) async throws(ProbeError) -> ProbeResult
}
