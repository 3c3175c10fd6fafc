// What the control plane's routes ask of the release controller.
package import Decisions
package import Evidence
package import Inference
package import Primitives
package import Registry
package import Releases

package struct DeskError: Error, Sendable, CustomStringConvertible {
    package enum Category: String, Sendable, Codable {
        /// What was sent cannot be taken, whoever sends it.
        case invalid
        /// The signer may not do this.
        case forbidden
        case notFound = "not-found"
        /// Somebody else was first, or the release is in another phase.
        case conflict
        /// Cannot be done now; trying again later may help.
        case unavailable
        /// What is stored contradicts the ledger: an operator must look.
        case damaged
    }

    package var category: Category
    /// The broken rule's name, for programs: `four-eyes`, `evidence`, …
    package var rule: String
    package var message: String

    package init(_ category: Category, rule: String, _ message: String) {
        self.category = category
        self.rule = rule
        self.message = message
    }

    package var description: String { message }
}

package struct ModelVersionView: Codable, Sendable {
    package var registration: Registration
    package var evaluations: [Evaluation]

    package init(registration: Registration, evaluations: [Evaluation]) {
        self.registration = registration
        self.evaluations = evaluations
    }
}

package struct LineageView: Codable, Sendable {
    package var version: ModelVersionID
    package var artifact: Digest
    package var author: PersonID
    /// From the model to the raw files; empty when nobody recorded how the model came about.
    package var steps: [LineageStep]

    package init(version: ModelVersionID, artifact: Digest, author: PersonID, steps: [LineageStep]) {
        self.version = version
        self.artifact = artifact
        self.author = author
        self.steps = steps
    }
}

package struct ReleaseView: Codable, Sendable {
    package var id: ReleaseID
    package var phase: ReleasePhase
    package var proposal: Proposal
    package var spec: Digest?
    package var specBytes: Base64Bytes?
    package var results: [CriterionResult]
    package var approvals: [Approval]
    /// Who must still sign, in words; empty when complete or not yet asked for.
    package var missing: String
    package var ending: String?
    package var changed: Instant
    package var history: [HistoryLine]

    package struct HistoryLine: Codable, Sendable {
        package var index: Int
        package var kind: String
        package var at: Instant
        /// Who, which step, and what the guardrails said.
        package var detail: String?
        /// What a person signed that it came from.
        package var signed: SignedDeed?

        package init(index: Int, kind: String, at: Instant, detail: String?, signed: SignedDeed? = nil) {
            self.index = index
            self.kind = kind
            self.at = at
            self.detail = detail
            self.signed = signed
        }
    }

    package init(
        id: ReleaseID, phase: ReleasePhase, proposal: Proposal, spec: Digest?, specBytes: Base64Bytes?, results: [CriterionResult],
        approvals: [Approval], missing: String, ending: String?, changed: Instant, history: [HistoryLine]
    ) {
        self.id = id
        self.phase = phase
        self.proposal = proposal
        self.spec = spec
        self.specBytes = specBytes
        self.results = results
        self.approvals = approvals
        self.missing = missing
        self.ending = ending
        self.changed = changed
        self.history = history
    }
}

package struct NodeView: Codable, Sendable {
    package var node: NodeID
    /// The newest observation of each service.
    package var observations: [Observation]

    package init(node: NodeID, observations: [Observation]) {
        self.node = node
        self.observations = observations
    }
}

/// What was meant to be live and what was seen live at one instant, and on what evidence.
package struct LiveView: Codable, Sendable {
    package var service: ServiceName
    package var at: Instant
    package var order: TableOrder
    package var release: ReleaseID
    package var model: ModelVersionID?
    package var artifact: Digest?
    package var spec: Digest
    package var approvedBy: [PersonID]
    package var criteria: [CriterionResult]
    /// Nodes that had reported this spec active by then.
    package var observedOn: [NodeID]

    package init(
        service: ServiceName, at: Instant, order: TableOrder, release: ReleaseID, model: ModelVersionID?, artifact: Digest?, spec: Digest,
        approvedBy: [PersonID], criteria: [CriterionResult], observedOn: [NodeID]
    ) {
        self.service = service
        self.at = at
        self.order = order
        self.release = release
        self.model = model
        self.artifact = artifact
        self.spec = spec
        self.approvedBy = approvedBy
        self.criteria = criteria
        self.observedOn = observedOn
    }
}

/// Takes what people, validators and nodes send, decides by the domain's rules, and appends what was decided to the ledger.
///
/// Every call that changes something is durable when it returns. A refused call leaves no entry. All calls throw `DeskError`.
package protocol ReleaseDesk: Sendable {
    /// A registration statement signed by its author. The artifact and the contract must be in the artifact store.
    func register(_ envelope: Envelope) async throws(DeskError) -> ModelVersionView
    /// Measures a version on a stored CSV file with the serving runtime in a probe, and records the signed statement.
    func evaluate(_ version: ModelVersionID, dataset: Digest) async throws(DeskError) -> Evaluation
    /// A provenance statement signed by a person. Sent again it changes nothing.
    func record(provenance envelope: Envelope) async throws(DeskError)
    func lineage(of version: ModelVersionID) async throws(DeskError) -> LineageView
    func modelVersions() async throws(DeskError) -> [ModelVersionView]
    func modelVersion(_ version: ModelVersionID) async throws(DeskError) -> ModelVersionView

    /// A signed proposal. Files must be in the artifact store. Answers when the criteria were looked at once.
    func propose(_ envelope: Envelope) async throws(DeskError) -> ReleaseView
    /// A signed approval or rejection.
    func answer(_ envelope: Envelope, release: ReleaseID) async throws(DeskError) -> ReleaseView
    /// A signed `StopOrder`: pause, abort, or roll back.
    func stop(_ envelope: Envelope, release: ReleaseID) async throws(DeskError) -> ReleaseView
    /// A signed `AdvanceOrder`: promote to the next step, or resume. Refused while the guardrails do not allow it.
    func advance(_ envelope: Envelope, release: ReleaseID) async throws(DeskError) -> ReleaseView
    /// How a release fares on its plan.
    func rollout(of release: ReleaseID) async throws(DeskError) -> RolloutView
    func releases() async throws(DeskError) -> [ReleaseView]
    func release(_ id: ReleaseID) async throws(DeskError) -> ReleaseView

    /// The newest signed table, or `nil` before the first.
    func routingTable() async throws(DeskError) -> Envelope?
    /// A signed `Lease` on the newest table for whoever sent these 16 bytes; `nil` before the first table.
    func lease(answering nonce: [UInt8]) async throws(DeskError) -> Envelope?
    /// A node's signed observation.
    func observe(_ envelope: Envelope) async throws(DeskError)
    func nodes() async throws(DeskError) -> [NodeView]
    /// `at` nil means now.
    func live(at instant: Instant?) async throws(DeskError) -> [LiveView]
    /// Commits to a stored batch of a node's decisions, once however often it is asked.
    func record(_ batch: DecisionBatch) async throws(DeskError)
    /// The last entry of a node's log that the ledger commits to; 0 for none.
    func recordedThrough(_ node: NodeID) async throws(DeskError) -> UInt64
    /// What the ledger says of the batch with a node's entry.
    func recordedBatch(of node: NodeID, with sequence: UInt64) async throws(DeskError) -> LedgeredBatch?
    /// The decision file of a release.
    func decisionService(of release: ReleaseID) async throws(DeskError) -> DecisionService
    /// Signs and saves a checkpoint of the ledger as it is now; the bytes of the signed note.
    func checkpoint() async throws(DeskError) -> [UInt8]
}
