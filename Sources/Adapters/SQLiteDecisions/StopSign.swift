// Set once a write failed in a way that leaves unknown what reached the disk.
internal import Ports
private import Synchronization

final class StopSign: Sendable {
    private let failure = Mutex<DecisionStoreError?>(nil)

    func set(_ error: DecisionStoreError) {
        failure.withLock { failure in
            failure = failure ?? DecisionStoreError(.unavailable, "the decision store takes nothing since \(error.message); restart to learn what was kept")
        }
    }

    func check() throws(DecisionStoreError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
