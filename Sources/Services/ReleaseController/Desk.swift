// The commands of people, validators and nodes.
package import Decisions
package import Evidence
package import Inference
package import Ports
package import Primitives
package import Registry
internal import Releases

extension ReleaseController: ReleaseDesk {
    package func register(_ envelope: Envelope) async throws(DeskError) -> ModelVersionView {
        let trust = try await trust()
        let registration: Registration
        do { registration = try Registration.open(envelope, trust: trust) } catch {
            throw error.code == .malformed ? DeskError(.invalid, rule: "invalid", error.message) : DeskError(.forbidden, rule: "authority", error.message)
        }
        try await files.check(registration)
        try await record(.registered(envelope, at: dependencies.clock.now()))
        return try await modelVersion(registration.version)
    }

    package func evaluate(_ version: ModelVersionID, dataset: Digest) async throws(DeskError) -> Evaluation {
        guard let registration = await keeper.state.versions[version]?.registration else { throw Self.missing(version) }
        do throws(ArtifactError) {
            guard try await dependencies.artifacts.contains(dataset) else {
                throw ArtifactError(.missing, "the data set \(dataset.short) is not in the artifact store; upload it first", digest: dataset)
            }
        } catch { throw DeskError(error) }
        let outcome: EvaluationOutcome
        do {
            outcome = try await dependencies.probe.evaluate(
                ProbeSubject(artifact: registration.artifact, format: registration.format, contract: registration.contract), dataset: dataset)
        } catch { throw DeskError(.invalid, rule: "evaluation", error.message) }
        guard outcome.metrics.values.allSatisfy(\.isFinite) else {
            throw DeskError(.invalid, rule: "evaluation", "the probe measured something that is not a number; look at the data set and measure again")
        }
        let evaluation = Evaluation(
            artifact: registration.artifact, dataset: dataset, contract: registration.contract, label: outcome.label, rows: outcome.rows,
            metrics: outcome.metrics, runtime: outcome.runtime, sandbox: outcome.sandbox, measured: dependencies.clock.now())
        let envelope = Envelope(signing: evaluation.statement, as: statementPayloadType, by: [keys.validator])
        try await record(.evidence(envelope, at: evaluation.measured))
        return evaluation
    }

    package func record(provenance envelope: Envelope) async throws(DeskError) {
        let trust = try await trust()
        let recorded: RecordedProvenance
        do { recorded = try SystemState.provenance(envelope, trust: trust) } catch { throw DeskError(error) }
        let now = dependencies.clock.now()
        try await keeper.exclusively { keeper throws(DeskError) in
            guard keeper.state.provenance[recorded.digest]?.contains(recorded) != true else { return }
            try await keeper.record([.provenance(envelope, at: now)])
        }
    }

    package func lineage(of version: ModelVersionID) async throws(DeskError) -> LineageView {
        let state = await keeper.state
        guard let registration = state.versions[version]?.registration else { throw Self.missing(version) }
        return LineageView(version: version, artifact: registration.artifact, author: registration.author, steps: state.lineage(of: registration.artifact))
    }

    package func modelVersions() async throws(DeskError) -> [ModelVersionView] {
        let state = await keeper.state
        return state.versions.values.map(\.registration)
            .sorted { ($0.version.model, $0.version.number) < ($1.version.model, $1.version.number) }
            .map { ModelVersionView(registration: $0, evaluations: state.evaluations[$0.artifact] ?? []) }
    }

    package func modelVersion(_ version: ModelVersionID) async throws(DeskError) -> ModelVersionView {
        let state = await keeper.state
        guard let registration = state.versions[version]?.registration else { throw Self.missing(version) }
        return ModelVersionView(registration: registration, evaluations: state.evaluations[registration.artifact] ?? [])
    }

    package func propose(_ envelope: Envelope) async throws(DeskError) -> ReleaseView {
        let trust = try await trust()
        let now = dependencies.clock.now()
        guard !trust.isExpired(at: now) else {
            throw DeskError(
                .forbidden, rule: "trust",
                "the trust root expired on \(trust.expires): what is live goes on and can be rolled back, and nothing new is released; "
                    + "renewing a trust root is not built yet")
        }
        let proposal: Proposal
        do { proposal = try Proposal.open(envelope, trust: trust) } catch { throw DeskError(error) }
        try await insisting { state throws(DeskError) in try await self.propose(proposal, envelope, state, trust, now) }
        await settle()
        return try await release(proposal.release)
    }

    private func propose(_ proposal: Proposal, _ envelope: Envelope, _ state: SystemState, _ trust: TrustRoot, _ now: Instant) async throws(DeskError) {
        let model = proposal.model.flatMap { state.versions[$0]?.registration }
        if let version = proposal.model, model == nil { throw Self.missing(version) }
        if proposal.number > 0, state.route(of: proposal.service) == nil {
            throw DeskError(.conflict, rule: "phase", "\(proposal.service) has no live fallback yet; release that first with 'penstock release propose --fallback'")
        }
        try await files.check(proposal, model: model, isFirst: state.isFirst(proposal.service), trust: trust)
        try await refuseWithoutEvidence(proposal, model, state, now)
        try await keeper.exclusively { keeper throws(DeskError) in
            // What was looked at: evidence only grows, but what answers may have been taken back.
            guard keeper.state.table?.order == state.table?.order else { throw DeskError(.conflict, rule: "order", "\(proposal.release) was looked at too early; look again") }
            try await keeper.record([.release(proposal.release, .proposed(envelope, at: now))])
        }
    }

    /// A proposal whose evidence is not there is refused at once and leaves no entry: a rehearsal is made by the controller, all else must exist.
    private func refuseWithoutEvidence(_ proposal: Proposal, _ model: Registration?, _ state: SystemState, _ now: Instant) async throws(DeskError) {
        guard let model else { return }
        let results = try await files.policy(proposal.policy).results(
            artifact: model.artifact, baseline: nil, isFirst: state.isFirst(proposal.service), evaluations: state.evaluations[model.artifact] ?? [], rehearsals: [], at: now)
        if let lacking = results.first(where: { $0.validator == "evaluation" && $0.verdict == .missing }) {
            throw DeskError(
                .invalid, rule: "evidence",
                "there is no fresh evaluation of \(model.version), so '\(lacking.criterion)' is not met; measure it with 'penstock registry evaluate \(model.version) --data …'")
        }
    }

    package func answer(_ envelope: Envelope, release id: ReleaseID) async throws(DeskError) -> ReleaseView {
        let approval: Approval
        do { approval = try envelope.decodeUnverified(as: Approval.payloadType) } catch { throw DeskError(.invalid, rule: "invalid", error.message) }
        guard approval.release == id else { throw DeskError(.invalid, rule: "invalid", "the signed answer is about \(approval.release), not \(id)") }
        guard await keeper.state.releases[id] != nil else { throw Self.missing(id) }
        let now = dependencies.clock.now()
        try checkAge(approval.signed)
        let event: ReleaseEvent = approval.answer == .approve ? .approved(envelope, at: now) : .rejected(envelope, at: now)
        try await record(.release(id, event))
        await settle()
        return try await release(id)
    }

    /// A signature counts for a while only, so that one kept for later cannot surprise anybody.
    func checkAge(_ signed: Instant) throws(DeskError) {
        let age = dependencies.clock.now().since(signed)
        guard age >= .seconds(-60), age <= Approval.lifetime else {
            throw DeskError(.forbidden, rule: "authority", "it was signed at \(signed), and a signature counts for \(Approval.lifetime.spelled); sign again")
        }
    }

    package func stop(_ envelope: Envelope, release id: ReleaseID) async throws(DeskError) -> ReleaseView {
        let trust = try await trust()
        let order: StopOrder
        do { order = try StopOrder.open(envelope, for: id, trust: trust) } catch { throw DeskError(error) }
        try checkAge(order.signed)
        try await insisting { state throws(DeskError) in
            guard let release = state.releases[id] else { throw Self.missing(id) }
            switch order.action {
            case .abort: try await self.abort(release, envelope, state)
            case .pause: try await self.pause(release, envelope, state)
            case .rollback: try await self.rollBack(release, envelope, state)
            }
        }
        return try await self.release(id)
    }

    private func abort(_ release: Release, _ order: Envelope, _ state: SystemState) async throws(DeskError) {
        if release.phase == .exposed, !answersAlone(release, state) {
            return try await end(release, state, as: .aborted, .order(order), findings: [])
        }
        let now = dependencies.clock.now()
        var records: [LedgerRecord] = [.release(release.id, .aborted(.order(order), at: now))]
        if release.phase == .preparing, var route = state.route(of: release.proposal.service), route.preparing == release.specDigest {
            route.preparing = nil
            records.append(.routing(signedTable(state, with: route, adding: nil, at: now).1, at: now))
        }
        try await append(records, if: release)
    }

    /// Its step is the last one. A candidate whose champion was taken back is not even routed to, and can be ended all the same.
    private func answersAlone(_ release: Release, _ state: SystemState) -> Bool { state.route(of: release.proposal.service)?.champion == release.specDigest }

    private func pause(_ release: Release, _ order: Envelope, _ state: SystemState) async throws(DeskError) {
        guard release.phase == .exposed, state.route(of: release.proposal.service)?.candidate?.spec == release.specDigest else {
            throw DeskError(.conflict, rule: "phase", "\(release.id) is \(release.phase.rawValue) and has no share that could be paused")
        }
        guard release.exposure?.paused == nil else { throw DeskError(.conflict, rule: "phase", "\(release.id) is \(release.exposure?.paused ?? "paused") already") }
        try await pause(release, state, .order(order), findings: [])
    }

    private func rollBack(_ release: Release, _ order: Envelope, _ state: SystemState) async throws(DeskError) {
        if release.phase == .exposed, !answersAlone(release, state) {
            return try await end(release, state, as: .rolledBack(breach: nil), .order(order), findings: [])
        }
        guard let route = state.route(of: release.proposal.service), route.champion == release.specDigest, let standby = route.standby else {
            throw DeskError(
                .conflict, rule: "phase", "\(release.id) is \(release.phase.rawValue) and has no warm predecessor to go back to\(Self.insteadOfRollback(release, state))")
        }
        if let ended = state.releases.values.first(where: { $0.specDigest == standby && $0.phase.isTerminal }) {
            throw DeskError(.conflict, rule: "phase", "\(release.id) stands where \(ended.id) was \(ended.phase.rawValue), which does not come back; propose what is to answer")
        }
        let now = dependencies.clock.now()
        let back = ServiceRoute(service: route.service, champion: standby, standby: route.champion, preparing: nil)
        let (generation, table) = signedTable(state, with: back, adding: nil, at: now)
        var records: [LedgerRecord] = [
            .routing(table, at: now),
            .release(release.id, .rolledBack(.order(order), order: generation, at: now)),
        ]
        if let predecessor = state.releases.values.first(where: { $0.specDigest == standby && $0.phase == .superseded }) {
            records.append(.release(predecessor.id, .reinstated(order: generation, at: now)))
        }
        try await append(records, if: release)
    }

    private static func insteadOfRollback(_ release: Release, _ state: SystemState) -> String {
        if release.phase.isTerminal { return "" }
        let champion = state.route(of: release.proposal.service)?.champion
        if let champion, champion == release.specDigest { return "; propose what is to answer in its place" }
        guard release.phase == .live || release.phase == .superseded else { return "; it answers nothing, so abort it" }
        let other = state.releases.values.first { $0.specDigest == champion && $0.proposal.service == release.proposal.service }
        return other.map { "; \($0.id) answers in its place, so roll that back" } ?? ""
    }

    package func releases() async throws(DeskError) -> [ReleaseView] {
        let state = await keeper.state
        return state.releases.values.sorted { ($0.proposal.service, $0.proposal.number) < ($1.proposal.service, $1.proposal.number) }.map { state.view(of: $0) }
    }

    package func release(_ id: ReleaseID) async throws(DeskError) -> ReleaseView {
        let state = await keeper.state
        guard let release = state.releases[id] else { throw Self.missing(id) }
        return state.view(of: release)
    }

    package func routingTable() async throws(DeskError) -> Envelope? { await keeper.state.tableEnvelope }

    package func lease(answering nonce: [UInt8]) async throws(DeskError) -> Envelope? {
        // Another control plane may have taken the candidate back: whoever has not read that must not lengthen its life.
        try await keeper.refresh()
        let state = await keeper.state
        guard let trust = state.trust, let table = state.table else { return nil }
        let lease = Lease(system: trust.system, environment: trust.environment, order: table.order, nonce: nonce)
        return Envelope(signing: lease, as: Lease.payloadType, by: [keys.controlPlane])
    }

    package func observe(_ envelope: Envelope) async throws(DeskError) {
        let trust = try await trust()
        let observation: Observation
        do { observation = try Observation.open(envelope, trust: trust) } catch { throw DeskError(error) }
        let now = dependencies.clock.now()
        try await keeper.exclusively { keeper throws(DeskError) in
            // Told twice is told once: a node repeats what it could not deliver.
            if !keeper.state.observations.contains(observation) { try await keeper.record([.observed(envelope, at: now)]) }
        }
    }

    package func nodes() async throws(DeskError) -> [NodeView] {
        let state = await keeper.state
        return (state.trust?.nodes.keys.sorted() ?? []).map { node in
            var newest: [ServiceName: Observation] = [:]
            for observation in state.observations where observation.node == node { newest[observation.service] = observation }
            return NodeView(node: node, observations: newest.keys.sorted().compactMap { newest[$0] })
        }
    }

    package func live(at instant: Instant?) async throws(DeskError) -> [LiveView] {
        await keeper.state.live(at: instant ?? dependencies.clock.now())
    }

    package func record(_ batch: DecisionBatch) async throws(DeskError) {
        let now = dependencies.clock.now()
        try await keeper.exclusively { keeper throws(DeskError) in
            // Told twice is told once: a control plane that was killed goes on with what it had stored.
            if let known = keeper.state.batch(of: batch.node, with: batch.first) {
                guard known.batch == batch else {
                    throw DeskError(
                        .damaged, rule: "decisions",
                        "entries \(batch.first) to \(batch.last) of \(batch.node) are not what ledger entry \(known.index) commits to; restore the decisions from a backup")
                }
                return
            }
            try await keeper.record([.decisions(batch, at: now)])
        }
    }

    package func recordedThrough(_ node: NodeID) async throws(DeskError) -> UInt64 { await keeper.state.recordedThrough(node) }

    package func recordedBatch(of node: NodeID, with sequence: UInt64) async throws(DeskError) -> LedgeredBatch? {
        await keeper.state.batch(of: node, with: sequence).map { LedgeredBatch(batch: $0.batch, index: $0.index) }
    }

    package func decisionService(of id: ReleaseID) async throws(DeskError) -> DecisionService {
        guard let release = await keeper.state.releases[id] else { throw Self.missing(id) }
        return try await files.decisionService(release.proposal.decision)
    }

    package func checkpoint() async throws(DeskError) -> [UInt8] {
        let trust = try await trust()
        do {
            let position = try await dependencies.store.position()
            let note = Checkpoint(origin: trust.ledgerOrigin, size: position.size, root: position.root).signed(by: keys.ledger, name: trust.ledgerOrigin)
            try await dependencies.store.save(checkpoint: note, size: position.size)
            return note
        } catch { throw DeskError(error) }
    }

    private func record(_ record: LedgerRecord) async throws(DeskError) {
        try await insisting { _ throws(DeskError) in
            try await self.keeper.exclusively { keeper throws(DeskError) in try await keeper.record([record]) }
        }
    }

    private func trust() async throws(DeskError) -> TrustRoot {
        guard let trust = await keeper.state.trust else { throw DeskError(.unavailable, rule: "trust", "the control plane has not opened its ledger yet") }
        return trust
    }

    private static func missing(_ version: ModelVersionID) -> DeskError {
        DeskError(.notFound, rule: "missing", "there is no model version \(version); see 'penstock registry list'")
    }

    static func missing(_ id: ReleaseID) -> DeskError {
        DeskError(.notFound, rule: "missing", "there is no release \(id); see 'penstock release list'")
    }
}
