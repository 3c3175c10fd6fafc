// Comparisons for tests and simulations.
package import Decisions
package import Ports
package import Primitives
private import Synchronization

package final class MemoryComparisons: ComparisonSource {
    private struct State {
        var sightings: [Sighting] = []
        var failure: DecisionStoreError?
    }

    private let state = Mutex(State())

    package init() {}

    package func add(_ record: ComparisonRecord, _ what: Sighting.What = .compared) {
        state.withLock { $0.sightings.append(Sighting(cursor: Int64($0.sightings.count) + 1, record: record, what: what)) }
    }

    /// Every read fails while this is set.
    package func fail(with error: DecisionStoreError?) { state.withLock { $0.failure = error } }

    package func sightings(of candidate: ReleaseID, step: Int, after cursor: Int64, limit: Int) async throws(DecisionStoreError) -> [Sighting] {
        let (found, failure) = state.withLock { state in
            (Array(state.sightings.dropFirst(Int(max(0, cursor))).lazy.filter { $0.record.candidate == candidate && $0.record.step == step }.prefix(limit)), state.failure)
        }
        if let failure { throw failure }
        return found
    }
}
