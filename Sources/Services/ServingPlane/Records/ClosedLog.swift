// Stands where a decision log could not be opened, so that a node serves what records nothing.
package import Decisions
package import Ports

/// Takes nothing and says why.
package struct ClosedLog: DecisionLog {
    private let reason: DecisionLogError

    package init(_ reason: DecisionLogError) { self.reason = reason }

    package func append(_ payload: [UInt8], kind: LogFrame.Kind, durable: Bool, completion: @escaping @Sendable (Result<UInt64, DecisionLogError>) -> Void) {
        completion(.failure(reason))
    }

    package func read(after sequence: UInt64, limit bytes: Int) async throws(DecisionLogError) -> [DecisionLogEntry] { throw reason }

    package func acknowledge(through sequence: UInt64) async throws(DecisionLogError) { throw reason }

    package func status() -> DecisionLogStatus {
        DecisionLogStatus(oldest: 1, last: 0, durable: 0, acknowledged: 0, bytes: 0, waiting: 0, overloaded: 0, lost: 0, broken: reason.message)
    }
}
