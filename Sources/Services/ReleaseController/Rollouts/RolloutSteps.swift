// What a pass does for a release that has some of the traffic.
internal import Evidence
private import Guardrails
internal import Ports
internal import Primitives
internal import Releases

extension ReleaseController {
    /// One write at most: what nodes stopped is stopped, then what the guardrails ask for is done.
    func steer(_ release: Release, _ spec: ReleaseSpec, _ state: SystemState, _ trust: TrustRoot) async throws(DeskError) -> Bool {
        guard let route = state.route(of: spec.service), route.candidate?.spec == release.specDigest else {
            let reason = "the release that it was compared with was taken back; propose it again against the one that is live"
            return try await end(release, spec, state, as: .aborted, because: reason, nil)
        }
        if let veto = state.observations.first(where: { $0.state == .vetoed && $0.spec == release.specDigest }) {
            let reason = "\(veto.node) vetoed it: \(veto.reason ?? "no reason given")"
            return try await end(release, spec, state, as: .rolledBack(breach: veto.breach), because: reason, nil)
        }
        guard let look = try await watch.look(at: release, spec, now: dependencies.clock.now()) else { return false }
        switch look.verdict {
        case .watching: return false
        case .ready: return try await widen(release, spec, state, trust, look)
        case .held(let signals): return try await ask(release, spec, "\(signals.joined(separator: ", ")) cannot be measured, so the share stays", look)
        case .harmed(.rollback, let signals):
            let reason = "harm: \(signals.joined(separator: ", "))"
            return try await end(release, spec, state, as: .rolledBack(breach: look.comparison.breach), because: reason, look)
        case .harmed(.pause, let signals): return try await pause(release, state, because: "harm: \(signals.joined(separator: ", "))", look)
        case .overdue(.pause): return try await pause(release, state, because: "undecided at the deadline", look)
        case .overdue(.ask):
            // Whoever looks late does both.
            if spec.rollout?.undecided.contains(.pause) == true, try await pause(release, state, because: "undecided at the deadline", look) { return true }
            return try await ask(release, spec, "the step is undecided after its deadline; resume it with more time, or it will be aborted", look)
        case .overdue(.abort), .aborted:
            return try await end(release, spec, state, as: .aborted, because: "undecided or not measured until after the deadline", look)
        }
    }

    enum Ending {
        case aborted
        case rolledBack(breach: Instant?)
    }

    /// Takes all traffic from a candidate, for good.
    func end(
        _ release: Release, _ spec: ReleaseSpec, _ state: SystemState, as ending: Ending, because reason: String, _ look: RolloutWatch.Look?
    ) async throws(DeskError) -> Bool {
        try await end(release, state, as: ending, .controller(reason: reason), findings: look?.comparison.findings ?? [])
        return true
    }

    func end(_ release: Release, _ state: SystemState, as ending: Ending, _ cause: StopCause, findings: [Finding]) async throws(DeskError) {
        guard var route = state.route(of: release.proposal.service) else { return }
        let now = dependencies.clock.now()
        if route.candidate?.spec == release.specDigest { route.candidate = nil }
        let (order, table) = signedTable(state, with: route, adding: nil, at: now)
        let event: ReleaseEvent =
            switch ending {
            case .aborted: .aborted(cause, order: order, at: now, findings: findings)
            case .rolledBack(let breach): .rolledBack(cause, order: order, at: now, harm: .init(breach: breach, findings: findings))
            }
        try await append([.routing(table, at: now), .release(release.id, event)], if: release)
    }

    private func pause(_ release: Release, _ state: SystemState, because reason: String, _ look: RolloutWatch.Look) async throws(DeskError) -> Bool {
        guard release.exposure?.paused == nil else { return false }
        try await pause(release, state, .controller(reason: reason), findings: look.comparison.findings)
        return true
    }

    /// The candidate answers nothing until a person resumes it, and is compared on.
    func pause(_ release: Release, _ state: SystemState, _ cause: StopCause, findings: [Finding]) async throws(DeskError) {
        guard var route = state.route(of: release.proposal.service), route.candidate?.spec == release.specDigest else { return }
        let now = dependencies.clock.now()
        route.candidate?.share = 0
        let (order, table) = signedTable(state, with: route, adding: nil, at: now)
        try await append([.routing(table, at: now), .release(release.id, .paused(cause, order: order, at: now, findings: findings))], if: release)
    }

    /// Told once a step, however often it is found.
    private func ask(_ release: Release, _ spec: ReleaseSpec, _ reason: String, _ look: RolloutWatch.Look) async throws(DeskError) -> Bool {
        guard let role = spec.rollout?.escalation?.to ?? spec.approvals.first?.role else { return false }
        guard release.exposure?.escalations.contains("\(role) is asked: \(reason)") == false else { return false }
        dependencies.logger.warning("a rollout needs a person", metadata: ["release": "\(release.id)", "role": "\(role)", "reason": "\(reason)"])
        try await append([.release(release.id, .escalated(to: role, reason: reason, at: dependencies.clock.now()))], if: release)
        return true
    }

    private func widen(
        _ release: Release, _ spec: ReleaseSpec, _ state: SystemState, _ trust: TrustRoot, _ look: RolloutWatch.Look
    ) async throws(DeskError) -> Bool {
        guard let now = release.exposure, now.paused == nil, spec.exposure.indices.contains(now.step + 1) else { return false }
        let next = spec.exposure[now.step + 1]
        guard spec.rollout?.autonomy.mayTake(next) == true, !trust.isExpired(at: dependencies.clock.now()) else { return false }
        try await widen(release, spec, state, promotion: nil, findings: look.comparison.findings)
        return true
    }

    /// To the next step of the plan.
    func widen(_ release: Release, _ spec: ReleaseSpec, _ state: SystemState, promotion: Envelope?, findings: [Finding]) async throws(DeskError) {
        guard let step = release.exposure.map({ $0.step + 1 }), spec.exposure.indices.contains(step), let digest = release.specDigest,
            var route = state.route(of: spec.service)
        else { return }
        let at = dependencies.clock.now()
        if spec.exposure[step] == .live {
            route = ServiceRoute(service: route.service, champion: digest, standby: route.champion)
        } else {
            route.candidate = .init(spec: digest, share: spec.exposure[step].share, step: step)
        }
        let (order, table) = signedTable(state, with: route, adding: release, promotion: spec.exposure[step] == .live ? promotion : nil, at: at)
        let founded = ReleaseEvent.Foundation(promotion: promotion, findings: findings)
        try await append([.routing(table, at: at), .release(release.id, .exposed(step: step, order: order, at: at, founded: founded))], if: release)
    }
}
