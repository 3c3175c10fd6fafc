// The steps that a pass takes for one release.
internal import Evidence
internal import Ports
internal import Primitives
internal import Registry
internal import Releases

extension ReleaseController {
    func validate(_ release: Release, _ state: SystemState) async throws(DeskError) -> Bool {
        let now = dependencies.clock.now()
        let model = release.proposal.model.flatMap { state.versions[$0]?.registration }
        let policy = try await files.policy(release.proposal.policy)
        let baseline = state.route(of: release.proposal.service)?.champion
        let results = policy.results(
            artifact: model?.artifact, baseline: baseline, isFirst: state.isFirst(release), evaluations: model.flatMap { state.evaluations[$0.artifact] } ?? [],
            rehearsals: model.flatMap { state.rehearsals[$0.artifact] } ?? [], at: now)
        if results.contains(where: { $0.verdict == .failed || $0.verdict == .errored }) {
            try await append([.release(release.id, .refused(results: results, at: now))], if: release)
            return true
        }
        if let model, let baseline, results.contains(where: { $0.validator == "reversibility" && $0.verdict == .missing }),
            !results.contains(where: { $0.validator == "evaluation" && $0.verdict == .missing })
        {
            guard await rehearsals.begin(release.id) else { return true }
            let outcome: Result<Void, DeskError>
            do throws(DeskError) { outcome = .success(try await rehearse(release, model, baseline, state)) } catch { outcome = .failure(error) }
            await rehearsals.end(release.id)
            try outcome.get()
            return true
        }
        guard results.allSatisfy({ $0.verdict == .met }) else { return false }
        let terms = try await files.decisionService(release.proposal.decision).outcome
        let spec = ReleaseSpec(
            proposal: release.proposal, model: model.map(ReleaseSpec.Model.init), baseline: baseline, policy: policy, isFirst: state.isFirst(release),
            maturesAfter: terms?.maturesAfter ?? .zero, criteria: results, salt: dependencies.random.bytes(16))
        try await append([.release(release.id, .sealed(spec: Base64Bytes(spec.encoded), at: now))], if: release)
        return true
    }

    private func rehearse(_ release: Release, _ model: Registration, _ baseline: Digest, _ state: SystemState) async throws(DeskError) {
        // What was decided on may have been rehearsed by whoever was waited for.
        guard await keeper.state.rehearsals[model.artifact] == state.rehearsals[model.artifact] else { return }
        let predecessor = state.table?.bundles.first { $0.digest == baseline }.flatMap { try? ReleaseSpec.read($0.spec.bytes).model }
        let outcome: RehearsalOutcome
        do {
            outcome = try await dependencies.probe.rehearse(
                candidate: ProbeSubject(artifact: model.artifact, format: model.format, contract: model.contract),
                predecessor: predecessor.map { ProbeSubject(artifact: $0.artifact, format: $0.format, contract: $0.contract) })
        } catch {
            let now = dependencies.clock.now()
            try await append([.release(release.id, .aborted(.controller(reason: "the rehearsal errored: \(error.message)"), at: now))], if: release)
            return
        }
        let now = dependencies.clock.now()
        guard outcome.milliseconds.isFinite else {
            try await append([.release(release.id, .aborted(.controller(reason: "the rehearsal errored: it took no time that is a number"), at: now))], if: release)
            return
        }
        let finding = Reversibility(
            artifact: model.artifact, baseline: baseline, milliseconds: outcome.milliseconds, answers: outcome.answers, measured: now)
        let envelope = Envelope(signing: finding.statement, as: statementPayloadType, by: [keys.validator])
        try await append([.evidence(envelope, at: now)], if: release)
    }

    func prepare(_ release: Release, _ state: SystemState, _ trust: TrustRoot) async throws(DeskError) -> Bool {
        guard let complete = try? release.tally(trust: trust).isComplete, complete, let digest = release.specDigest else { return false }
        let now = dependencies.clock.now()
        let route = state.route(of: release.proposal.service)
        guard route?.preparing == nil, route?.candidate == nil, !trust.isExpired(at: now) else { return false }
        // The one before must be seen to answer first: nobody would look for it behind its successor.
        guard !state.releases.values.contains(where: { $0.phase == .exposed && $0.proposal.service == release.proposal.service }) else { return false }
        guard try await isStillFounded(release, route, state, now) else { return true }
        let service = release.proposal.service
        guard var route else {
            // The first release of a service has nothing to come back to: it is prepared by being routed to.
            let (order, table) = signedTable(state, with: ServiceRoute(service: service, champion: digest), adding: release, at: now)
            try await append(
                [
                    .release(release.id, .preparing(order: order, at: now)), .routing(table, at: now),
                    .release(release.id, .exposed(step: 0, order: order, at: now)),
                ], if: release)
            return true
        }
        route.preparing = digest
        let (order, table) = signedTable(state, with: route, adding: release, at: now)
        try await append([.release(release.id, .preparing(order: order, at: now)), .routing(table, at: now)], if: release)
        return true
    }

    /// Looks again at what approval rested on: the baseline, the age of the signatures and that of the evidence. An approved release without it is
    /// aborted.
    private func isStillFounded(_ release: Release, _ route: ServiceRoute?, _ state: SystemState, _ now: Instant) async throws(DeskError) -> Bool {
        var reason: String?
        let spec = release.sealed
        let approvals = release.approvals.compactMap { try? $0.decodeUnverified(Approval.self, as: Approval.payloadType) }
        if let old = approvals.first(where: { now.since($0.signed) > Approval.lifetime }) {
            reason = "\(old.person) signed at \(old.signed), and a signature counts for \(Approval.lifetime.spelled); propose it again"
        } else if spec?.baseline != route?.champion {
            reason = "another release went live after it was sealed; propose it again against that one"
        } else if let model = spec?.model {
            let policy = try await files.policy(release.proposal.policy)
            let results = policy.results(
                artifact: model.artifact, baseline: spec?.baseline, isFirst: state.isFirst(release), evaluations: state.evaluations[model.artifact] ?? [],
                rehearsals: state.rehearsals[model.artifact] ?? [], at: now)
            if let lacking = results.first(where: { $0.verdict != .met }) { reason = "its evidence no longer holds: \(lacking.criterion) is \(lacking.verdict.rawValue)" }
        }
        guard let reason else { return true }
        try await append([.release(release.id, .aborted(.controller(reason: reason), at: now))], if: release)
        return false
    }

    func expose(_ release: Release, _ state: SystemState, _ trust: TrustRoot) async throws(DeskError) -> Bool {
        guard var route = state.route(of: release.proposal.service), let digest = release.specDigest else { return false }
        let now = dependencies.clock.now()
        guard route.preparing == digest else {
            // A rollback of the champion meanwhile took it out of the table, and with it the baseline that was approved.
            let reason = "the release it was to follow was taken back while nodes prepared; propose it again against the one that is live"
            try await append([.release(release.id, .aborted(.controller(reason: reason), at: now))], if: release)
            return true
        }
        let seen = state.observations.filter { $0.spec == digest && $0.service == route.service }
        let within = try await files.policy(release.proposal.policy).rehearsedWithin?.seconds ?? .infinity
        let refusal = seen.last { $0.state == .refused }.map { "\($0.node) refused it: \($0.reason ?? "no reason given")" }
        let slow = seen.first { $0.state == .rehearsed && !(($0.milliseconds ?? .infinity) <= within * 1000) }
            .map { "going back took \($0.milliseconds ?? .nan) ms on \($0.node), more than the policy allows" }
        route.preparing = nil
        if let reason = refusal ?? slow {
            let (_, table) = signedTable(state, with: route, adding: nil, at: now)
            try await append([.release(release.id, .aborted(.controller(reason: reason), at: now)), .routing(table, at: now)], if: release)
            return true
        }
        let rehearsed = Set(seen.filter { $0.state == .rehearsed }.map(\.node))
        guard !rehearsed.isEmpty, state.nodesServing(route).isSubset(of: rehearsed), !trust.isExpired(at: now) else { return false }
        guard let first = release.sealed?.exposure.first else { return false }
        var next = ServiceRoute(service: route.service, champion: digest, standby: route.champion)
        if first != .live {
            next = route
            next.candidate = .init(spec: digest, share: first.share, step: 0)
        }
        let (order, table) = signedTable(state, with: next, adding: nil, at: now)
        try await append([.routing(table, at: now), .release(release.id, .exposed(step: 0, order: order, at: now))], if: release)
        return true
    }

    func confirm(_ release: Release, _ state: SystemState) async throws(DeskError) -> Bool {
        guard let route = state.route(of: release.proposal.service), route.champion == release.specDigest else { return false }
        let active = Set(state.observations.filter { $0.spec == route.champion && $0.state == .active }.map(\.node))
        let before = route.standby.map { standby in state.nodesServing(ServiceRoute(service: route.service, champion: standby)) } ?? []
        guard !active.isEmpty, before.isSubset(of: active) else { return false }
        let now = dependencies.clock.now()
        var records: [LedgerRecord] = [.release(release.id, .live(at: now))]
        if let predecessor = state.releases.values.first(where: { $0.phase == .live && $0.specDigest == route.standby && $0.proposal.service == route.service }) {
            records.append(.release(predecessor.id, .superseded(by: release.id, at: now)))
        }
        try await append(records, if: release)
        return true
    }

    /// The next table: the current routes with one replaced, and the bundles that they need.
    func signedTable(
        _ state: SystemState, with route: ServiceRoute, adding release: Release?, promotion: Envelope? = nil, at now: Instant
    ) -> (TableOrder, Envelope) {
        guard let trust = state.trust else { preconditionFailure("a table is signed only after the trust root was folded") }
        let last = state.table?.order ?? TableOrder(epoch: 1, generation: 0)
        let order = TableOrder(epoch: last.epoch, generation: last.generation + 1)
        let routes = ((state.table?.routes ?? []).filter { $0.service != route.service } + [route]).sorted { $0.service < $1.service }
        let needed = routes.reduce(into: Set<Digest>()) { $0.formUnion($1.specs) }
        var bundles = (state.table?.bundles ?? []).filter { needed.contains($0.digest) }
        if let release, let spec = release.spec, !bundles.contains(where: { $0.digest == release.specDigest }) {
            bundles.append(
                ReleaseBundle(
                    spec: spec.bytes, proposal: release.proposalEnvelope,
                    registration: release.proposal.model.flatMap { state.versions[$0]?.envelope }, approvals: release.approvals))
        }
        if let promotion, let place = bundles.firstIndex(where: { $0.digest == release?.specDigest }) { bundles[place].promotion = promotion }
        let table = RoutingTable(system: trust.system, environment: trust.environment, order: order, issued: now, routes: routes, bundles: bundles)
        return (order, Envelope(signing: table, as: RoutingTable.payloadType, by: [keys.controlPlane]))
    }
}

extension SystemState {
    /// Nodes whose newest word about the service is that its champion is active on them.
    func nodesServing(_ route: ServiceRoute) -> Set<NodeID> {
        var newest: [NodeID: Digest] = [:]
        for observation in observations where observation.service == route.service && observation.state == .active {
            newest[observation.node] = observation.spec
        }
        return Set(newest.filter { $0.value == route.champion }.keys)
    }
}
