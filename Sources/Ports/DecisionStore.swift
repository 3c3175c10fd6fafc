// Where the control plane keeps the decisions and outcomes of all nodes.
package import Decisions
package import Inference
package import Primitives

package struct DecisionStoreError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case contradiction, damaged, unavailable }
        private var value: Value
        /// An entry is stored already, and says something else: two logs have one node's name, or one was changed.
        package static let contradiction = Code(value: .contradiction)
        /// What is stored does not have its commitment: an operator must look. Nothing is repaired by itself.
        package static let damaged = Code(value: .damaged)
        /// The store cannot be read or written now.
        package static let unavailable = Code(value: .unavailable)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// One entry of a node's log, where the control plane has it.
package struct KeptEntry: Hashable, Sendable {
    package var node: NodeID
    package var sequence: UInt64
    package var payload: [UInt8]
    /// The batch that it came in, its commitment computed anew from what is stored.
    package var batch: DecisionBatch

    package init(node: NodeID, sequence: UInt64, payload: [UInt8], batch: DecisionBatch) {
        self.node = node
        self.sequence = sequence
        self.payload = payload
        self.batch = batch
    }
}

/// Decisions that have the same release, answer and reason, and their outcomes.
package struct DecisionTally: Hashable, Sendable {
    package var release: ReleaseID
    package var version: String?
    package var outcome: Outcome
    package var reason: String
    package var decisions = 0
    /// Decisions with a truth: told once, or told alike several times.
    package var joined = 0
    /// Of these, where it is true or not zero.
    package var positive = 0
    /// Decisions about which different things were told; none of them is believed.
    package var contradicted = 0
    /// Decisions about which the same was told more than once.
    package var repeated = 0
    /// Decisions too young for an outcome, without one.
    package var immature = 0
    /// Joined decisions with a score.
    package var scored = 0
    /// Of these, where a score from one half up meant true.
    package var right = 0
    /// Sum over the scored of the squared difference of score and truth.
    package var squaredError = 0.0

    package init(release: ReleaseID, version: String?, outcome: Outcome, reason: String) {
        self.release = release
        self.version = version
        self.outcome = outcome
        self.reason = reason
    }
}

/// How long a release's decisions took on their nodes, from the request's last byte to the record, in microseconds.
package struct DecisionLatency: Hashable, Sendable {
    package var release: ReleaseID
    package var p50: Int
    package var p99: Int

    package init(release: ReleaseID, p50: Int, p99: Int) {
        self.release = release
        self.p50 = p50
        self.p99 = p99
    }
}

/// Which decisions a report is about.
package struct DecisionSelection: Hashable, Sendable {
    package var service: ServiceName
    package var from: Instant?
    /// Not included.
    package var to: Instant?
    package var outcome: OutcomeName?
    /// Decisions after this are too young for an outcome.
    package var matureBefore: Instant?

    package init(service: ServiceName, from: Instant?, to: Instant?, outcome: OutcomeName?, matureBefore: Instant?) {
        self.service = service
        self.from = from
        self.to = to
        self.outcome = outcome
        self.matureBefore = matureBefore
    }
}

/// Keeps what nodes send. The promises below are what its tests try to break.
///
/// - When `take` has returned, the entries survive kill -9 and power loss.
/// - Entries of a node are dense from 1. Entries that are there already are compared and not stored again; a gap stores nothing.
/// - A batch and its entries become visible together or not at all, and a batch never changes.
/// - Every read of an entry checks it against its batch's commitment.
///
/// Any thread may call anything.
package protocol DecisionStore: Sendable {
    /// The answer is the last entry that is stored now: below `frames.first - 1` when entries before them are missing.
    func take(_ frames: [LogFrame], from node: NodeID) async throws(DecisionStoreError) -> UInt64
    /// Those that begin after `sequence`, in their order.
    func batches(of node: NodeID, after sequence: UInt64) async throws(DecisionStoreError) -> [DecisionBatch]
    func nodes() async throws(DecisionStoreError) -> [NodeID]
    /// The decision with this id; more than one where a node gave it twice.
    func decisions(_ id: DecisionID) async throws(DecisionStoreError) -> [KeptEntry]
    /// All that was told about a decision, in the order of arrival at each node.
    func outcomes(of id: DecisionID) async throws(DecisionStoreError) -> [KeptEntry]
    func tally(_ selection: DecisionSelection) async throws(DecisionStoreError) -> [DecisionTally]
    /// One for each release that decided.
    func latencies(_ selection: DecisionSelection) async throws(DecisionStoreError) -> [DecisionLatency]
}
