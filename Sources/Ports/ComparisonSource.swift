// What the release controller reads to judge a rollout.
package import Decisions
package import Primitives

/// Something that became known about a request under exposure.
package struct Sighting: Hashable, Sendable {
    package enum What: Hashable, Sendable {
        case compared
        /// Its outcome, told for the first time.
        case truth(Bool)
        /// Its outcome was told otherwise before.
        case contradicted
    }

    /// Its place in the order of the store.
    package var cursor: Int64
    package var record: ComparisonRecord
    package var what: What

    package init(cursor: Int64, record: ComparisonRecord, what: What) {
        self.cursor = cursor
        self.record = record
        self.what = what
    }
}

/// Comparisons and their outcomes in an order that never changes, so that a fold over them can be made again.
package protocol ComparisonSource: Sendable {
    /// What is known about a candidate on one step of its plan after the cursor, oldest first; empty when that is all. 0 is before everything.
    func sightings(of candidate: ReleaseID, step: Int, after cursor: Int64, limit: Int) async throws(DecisionStoreError) -> [Sighting]
}
