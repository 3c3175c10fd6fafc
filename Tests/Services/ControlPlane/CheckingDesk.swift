// A release desk in memory that refuses what no real desk could be asked.
internal import Decisions
internal import Evidence
internal import Inference
internal import Pipelines
internal import Ports
internal import Primitives
internal import Registry
internal import Releases
internal import Synchronization

/// Takes any envelope of the right type, signed or not; what it tests is the way there and back.
final class CheckingDesk: ReleaseDesk {
    struct State {
        var versions: [Registration] = []
        var provenance: [Statement<SLSAProvenance>] = []
        var proposals: [Proposal] = []
        var answers: [Approval] = []
        var stops: [StopOrder] = []
        var advances: [AdvanceOrder] = []
        var observations: [Observation] = []
        var table: Envelope?
        var batches: [DecisionBatch] = []
    }

    let state = Mutex(State())
    let ledger: any LedgerStore
    let key = SigningKey()

    init(ledger: any LedgerStore) { self.ledger = ledger }

    func register(_ envelope: Envelope) async throws(DeskError) -> ModelVersionView {
        let statement: Statement<Registration> = try read(envelope, statementPayloadType)
        let taken = state.withLock { state in
            let taken = state.versions.contains { $0.version == statement.predicate.version }
            if !taken { state.versions.append(statement.predicate) }
            return taken
        }
        guard !taken else { throw DeskError(.conflict, rule: "version", "that version exists") }
        return ModelVersionView(registration: statement.predicate, evaluations: [])
    }

    func evaluate(_ version: ModelVersionID, dataset: Digest) async throws(DeskError) -> Evaluation {
        let registration = try await modelVersion(version).registration
        return Evaluation(
            artifact: registration.artifact, dataset: dataset, contract: registration.contract, label: "late", rows: 10, metrics: ["auc": 0.8],
            runtime: "test", sandbox: [], measured: registration.registered)
    }

    func record(provenance envelope: Envelope) async throws(DeskError) {
        let statement: Statement<SLSAProvenance> = try read(envelope, statementPayloadType)
        state.withLock { $0.provenance.append(statement) }
    }

    func lineage(of version: ModelVersionID) async throws(DeskError) -> LineageView {
        let registration = try await modelVersion(version).registration
        return LineageView(version: version, artifact: registration.artifact, author: registration.author, steps: [])
    }

    func modelVersions() async throws(DeskError) -> [ModelVersionView] {
        state.withLock { $0.versions.map { ModelVersionView(registration: $0, evaluations: []) } }
    }

    func modelVersion(_ version: ModelVersionID) async throws(DeskError) -> ModelVersionView {
        guard let found = try await modelVersions().first(where: { $0.registration.version == version }) else {
            throw DeskError(.notFound, rule: "version", "there is no \(version)")
        }
        return found
    }

    func propose(_ envelope: Envelope) async throws(DeskError) -> ReleaseView {
        let proposal: Proposal = try read(envelope, Proposal.payloadType)
        state.withLock { $0.proposals.append(proposal) }
        return try await release(proposal.release)
    }

    func answer(_ envelope: Envelope, release: ReleaseID) async throws(DeskError) -> ReleaseView {
        let answer: Approval = try read(envelope, Approval.payloadType)
        guard answer.release == release else { throw DeskError(.invalid, rule: "release", "the answer is for another release") }
        guard answer.person != (try await self.release(release)).proposal.proposer else { throw DeskError(.forbidden, rule: "four-eyes", "who proposed does not approve") }
        state.withLock { $0.answers.append(answer) }
        return try await self.release(release)
    }

    func stop(_ envelope: Envelope, release: ReleaseID) async throws(DeskError) -> ReleaseView {
        let order: StopOrder = try read(envelope, StopOrder.payloadType)
        guard order.release == release else { throw DeskError(.invalid, rule: "release", "the order is for another release") }
        state.withLock { $0.stops.append(order) }
        return try await self.release(release)
    }

    func advance(_ envelope: Envelope, release: ReleaseID) async throws(DeskError) -> ReleaseView {
        let order: AdvanceOrder = try read(envelope, AdvanceOrder.payloadType)
        guard order.release == release else { throw DeskError(.invalid, rule: "release", "the order is for another release") }
        state.withLock { $0.advances.append(order) }
        return try await self.release(release)
    }

    func rollout(of release: ReleaseID) async throws(DeskError) -> RolloutView {
        RolloutView(
            release: try await self.release(release).id, step: 0, state: "watching", paused: nil, escalations: [], steps: [], answered: 3, breach: nil, lastAnswered: nil,
            breachToLastMilliseconds: nil)
    }

    func releases() async throws(DeskError) -> [ReleaseView] {
        state.withLock { state in
            state.proposals.map { proposal in
                ReleaseView(
                    id: proposal.release, phase: state.stops.contains { $0.release == proposal.release } ? .aborted : .awaitingApproval, proposal: proposal,
                    spec: nil, specBytes: nil, results: [], approvals: state.answers.filter { $0.release == proposal.release }, missing: "", ending: nil,
                    changed: proposal.proposed, history: [])
            }
        }
    }

    func release(_ id: ReleaseID) async throws(DeskError) -> ReleaseView {
        guard let found = try await releases().first(where: { $0.id == id }) else { throw DeskError(.notFound, rule: "release", "there is no \(id)") }
        return found
    }

    func routingTable() async throws(DeskError) -> Envelope? { state.withLock { $0.table } }

    func lease(answering nonce: [UInt8]) async throws(DeskError) -> Envelope? {
        guard let table = state.withLock({ $0.table }) else { return nil }
        let read: RoutingTable = try read(table, RoutingTable.payloadType)
        return Envelope(signing: Lease(system: read.system, environment: read.environment, order: read.order, nonce: nonce), as: Lease.payloadType, by: [key])
    }

    func observe(_ envelope: Envelope) async throws(DeskError) {
        let observation: Observation = try read(envelope, Observation.payloadType)
        state.withLock { $0.observations.append(observation) }
    }

    func nodes() async throws(DeskError) -> [NodeView] {
        state.withLock { state in
            Set(state.observations.map(\.node)).sorted().map { node in NodeView(node: node, observations: state.observations.filter { $0.node == node }) }
        }
    }

    func live(at instant: Instant?) async throws(DeskError) -> [LiveView] {
        state.withLock { state in
            state.observations.filter { $0.at <= instant ?? $0.at }.map {
                LiveView(
                    service: $0.service, at: $0.at, order: $0.order, release: state.proposals[0].release, model: nil, artifact: nil, spec: $0.spec, approvedBy: [],
                    criteria: [], observedOn: [$0.node])
            }
        }
    }

    func record(_ batch: DecisionBatch) async throws(DeskError) {
        let isNext = state.withLock { state in
            if state.batches.contains(batch) { return true }
            guard batch.first == (state.batches.last { $0.node == batch.node }?.last ?? 0) + 1 else { return false }
            state.batches.append(batch)
            return true
        }
        guard isNext else { throw DeskError(.conflict, rule: "order", "that batch is not the next") }
    }

    func recordedThrough(_ node: NodeID) async throws(DeskError) -> UInt64 { state.withLock { $0.batches.last { $0.node == node }?.last ?? 0 } }

    func recordedBatch(of node: NodeID, with sequence: UInt64) async throws(DeskError) -> LedgeredBatch? {
        state.withLock { state in
            state.batches.enumerated().first { $1.node == node && $1.first <= sequence && sequence <= $1.last }.map { LedgeredBatch(batch: $1, index: $0) }
        }
    }

    func decisionService(of release: ReleaseID) async throws(DeskError) -> DecisionService {
        throw DeskError(.notFound, rule: "missing", "no files here")
    }

    func checkpoint() async throws(DeskError) -> [UInt8] {
        do {
            let position = try await ledger.position()
            return Checkpoint(origin: "penstock/test/dev", size: position.size, root: position.root).signed(by: key, name: "penstock/test/dev")
        } catch {
            throw DeskError(.unavailable, rule: "ledger", "no ledger")
        }
    }

    private func read<Value: Codable>(_ envelope: Envelope, _ type: String) throws(DeskError) -> Value {
        do { return try envelope.decodeUnverified(as: type) } catch { throw DeskError(.invalid, rule: "envelope", error.message) }
    }
}
