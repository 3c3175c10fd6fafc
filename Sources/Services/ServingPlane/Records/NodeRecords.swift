// A node's decision log as its event loops use it.
package import Decisions
internal import NIOCore
package import Ports
private import Synchronization

/// The log, and the key that hides entities and values in it.
package struct NodeRecords: Sendable {
    package var log: any DecisionLog
    package var key: RecordKey

    package init(log: any DecisionLog, key: RecordKey) {
        self.log = log
        self.key = key
    }
}

/// Several durable appends that are answered together. The log completes them in order, on its own thread or on the caller's.
final class DurableAppends: Sendable {
    private struct State {
        var left: Int
        var kept = 0
        var failure: DecisionLogError?
    }

    struct Result: Sendable {
        var kept: Int
        /// The first one; what came after it is not kept either, or would not be counted on.
        var failure: DecisionLogError?
    }

    private let state: Mutex<State>
    private let completion: @Sendable (Result) -> Void

    private init(_ count: Int, _ completion: @escaping @Sendable (Result) -> Void) {
        state = Mutex(State(left: count))
        self.completion = completion
    }

    /// At least one payload. `completion` is called once.
    static func append(_ payloads: [[UInt8]], kind: LogFrame.Kind, to log: any DecisionLog, completion: @escaping @Sendable (Result) -> Void) {
        let appends = DurableAppends(payloads.count, completion)
        for payload in payloads { log.append(payload, kind: kind, durable: true) { appends.complete($0) } }
    }

    private func complete(_ result: Swift.Result<UInt64, DecisionLogError>) {
        let whole = state.withLock { state -> Result? in
            state.left -= 1
            switch result {
            case .success: state.kept += 1
            case .failure(let error): state.failure = state.failure ?? error
            }
            return state.left == 0 ? Result(kept: state.kept, failure: state.failure) : nil
        }
        if let whole { completion(whole) }
    }
}
