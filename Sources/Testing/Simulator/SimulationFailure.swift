// What a simulation found, with all that is needed to see it again.

/// A broken promise. The same program runs into it again with the same seed and steps.
package struct SimulationFailure: Error, CustomStringConvertible {
    package var seed: UInt64
    /// Counted from 1; the steps after the last asked for are those in which everything is to come to rest.
    package var step: Int
    /// The promise's name, for tests.
    package var promise: Promise
    package var message: String
    /// What happened last, newest at the end.
    package var trace: [String]

    package enum Promise: String, Sendable {
        case approved, order, share, ended, fold, ledger, acknowledged, rest
        /// The simulation itself could not go on.
        case simulation
    }

    package var description: String {
        "seed \(seed), step \(step), promise '\(promise.rawValue)': \(message)\n" + trace.map { "    " + $0 }.joined(separator: "\n")
    }
}
