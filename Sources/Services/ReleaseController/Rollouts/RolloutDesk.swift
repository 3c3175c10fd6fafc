// What people ask of a rollout, and how it is shown to them.
package import Evidence
private import Guardrails
package import Ports
package import Primitives
internal import Releases

extension ReleaseController {
    package func advance(_ envelope: Envelope, release id: ReleaseID) async throws(DeskError) -> ReleaseView {
        // Whoever resumes has looked at this pause, and not at one that somebody orders meanwhile.
        try await keeper.refresh()
        let seen = await keeper.state.releases[id]?.exposure?.paused
        try await insisting { state throws(DeskError) in try await self.advance(envelope, id, state, pausedWhenAsked: seen) }
        return try await self.release(id)
    }

    private func advance(_ envelope: Envelope, _ id: ReleaseID, _ state: SystemState, pausedWhenAsked seen: String?) async throws(DeskError) {
        guard let release = state.releases[id] else { throw Self.missing(id) }
        guard release.phase == .exposed, let spec = release.sealed, let trust = state.trust, let digest = release.specDigest, let exposure = release.exposure else {
            throw Self.notExposed(release)
        }
        let order: AdvanceOrder
        do { order = try AdvanceOrder.open(envelope, for: spec, digest: digest, trust: trust) } catch { throw DeskError(error) }
        try checkAge(order.signed)
        let now = dependencies.clock.now()
        guard !trust.isExpired(at: now) else {
            throw DeskError(.forbidden, rule: "trust", "the trust root expired on \(trust.expires): a release can be stopped and rolled back, and gets no more traffic")
        }
        switch order.action {
        case .promote: try await promote(release, spec, state, exposure, order, envelope)
        case .resume:
            guard exposure.paused == seen else { throw DeskError(.conflict, rule: "phase", "\(id) was paused meanwhile; look again, and resume it then") }
            try await resume(release, spec, state, exposure, order, envelope)
        }
    }

    private func promote(
        _ release: Release, _ spec: ReleaseSpec, _ state: SystemState, _ exposure: ExposureState, _ order: AdvanceOrder, _ envelope: Envelope
    ) async throws(DeskError) {
        guard order.step == exposure.step + 1 else {
            throw DeskError(
                .conflict, rule: "phase", "\(release.id) is on step \(exposure.step), so it is promoted to step \(exposure.step + 1); the order is for step \(order.step)")
        }
        if let paused = exposure.paused { throw DeskError(.conflict, rule: "phase", "\(release.id) is \(paused); resume it first, or roll it back") }
        guard let look = try await watch.look(at: release, spec, now: dependencies.clock.now()) else { throw Self.notExposed(release) }
        guard look.verdict == .ready else {
            throw DeskError(.conflict, rule: "guardrails", "\(release.id) cannot be promoted: \(Self.words(look, spec, release, at: dependencies.clock.now()))")
        }
        try await widen(release, spec, state, promotion: envelope, findings: look.comparison.findings)
    }

    private func resume(
        _ release: Release, _ spec: ReleaseSpec, _ state: SystemState, _ exposure: ExposureState, _ order: AdvanceOrder, _ envelope: Envelope
    ) async throws(DeskError) {
        guard exposure.paused != nil || order.extensionSeconds > 0 else {
            throw DeskError(.conflict, rule: "phase", "\(release.id) is not paused, so there is nothing to resume; give its step more time with '--extend 2d'")
        }
        guard order.step == exposure.step, var route = state.route(of: spec.service), route.candidate?.spec == release.specDigest else {
            throw DeskError(.conflict, rule: "phase", "\(release.id) is on step \(exposure.step), and the order resumes step \(order.step)")
        }
        if let look = try await watch.look(at: release, spec, now: dependencies.clock.now()), let harm = look.comparison.harm {
            let open = harm.signals.filter { !order.accepting.contains($0) }
            guard open.isEmpty else {
                throw DeskError(
                    .conflict, rule: "guardrails",
                    "harm was found by \(open.joined(separator: ", ")); who has looked at it and lets it go on says so with '--accept \(open.joined(separator: " --accept "))'")
            }
        }
        let now = dependencies.clock.now()
        route.candidate?.share = spec.exposure[exposure.step].share
        let (generation, table) = signedTable(state, with: route, adding: nil, at: now)
        try await append([.routing(table, at: now), .release(release.id, .resumed(envelope, order: generation, at: now))], if: release)
    }

    private static func notExposed(_ release: Release) -> DeskError {
        DeskError(.conflict, rule: "phase", "\(release.id) is \(release.phase.rawValue), so it is on no step that could be promoted or resumed")
    }

    /// What keeps a step from the next, or what it waits for.
    private static func words(_ look: RolloutWatch.Look, _ spec: ReleaseSpec, _ release: Release, at now: Instant) -> String {
        let comparison = look.comparison
        switch look.verdict {
        case .ready:
            let next = release.exposure.flatMap { spec.exposure.indices.contains($0.step + 1) ? spec.exposure[$0.step + 1] : nil }
            guard let next, spec.rollout?.autonomy.mayTake(next) != true else { return "ready for the next step" }
            return "ready; a person promotes it to '\(next.spelled)'"
        case .watching:
            let matured = comparison.matured(at: now)
            guard matured >= comparison.plan.decisions else { return "watching: \(matured) of \(comparison.plan.decisions) decisions" }
            return "watching: not proved yet that it is no worse by \(unproved(comparison, spec))"
        case .held(let signals):
            let faults = comparison.findings.compactMap { finding in finding.fault.flatMap { signals.contains(finding.signal) ? $0 : nil } }
            return "held: \((faults.isEmpty ? signals : faults).joined(separator: "; "))"
        case .harmed(_, let signals): return "harm: \(signals.joined(separator: ", "))"
        case .overdue: return "undecided at its deadline"
        case .aborted: return "aborted"
        }
    }

    private static func unproved(_ comparison: StepComparison, _ spec: ReleaseSpec) -> String {
        let proving = Set((spec.rollout?.guardrails ?? []).filter(\.proves).map(\.signal.description))
        return comparison.findings.filter { proving.contains($0.signal) && $0.answer != .noWorse }.map(\.signal).joined(separator: ", ")
    }

    // How it is shown

    package func rollout(of id: ReleaseID) async throws(DeskError) -> RolloutView {
        let state = await keeper.state
        guard let release = state.releases[id] else { throw Self.missing(id) }
        let spec = release.sealed
        let began = (state.histories[id] ?? []).filter { $0.kind == "release.exposed" }.map(\.at)
        var steps: [RolloutView.Step] = []
        var lastAnswered: Instant?
        for (index, step) in (spec?.exposure ?? []).enumerated() {
            let isCurrent = index == release.exposure?.step
            var line = RolloutView.Step(
                index: index, name: step.spelled, share: step.share, began: began.indices.contains(index) ? began[index] : nil, needed: step.needs?.decisions, matured: 0,
                compared: 0, answered: 0, deadline: nil, points: [])
            let grants = isCurrent ? release.exposure.map { StepComparison.Grants(accepted: $0.accepted, extensionSeconds: $0.extensionSeconds) } : nil
            if let spec, began.indices.contains(index), let story = try await watch.story(of: id, spec, step: index, began: began[index], grants ?? .init()) {
                let comparison = story.comparison
                line.points = story.pointsUntilNow
                line.matured = comparison.matured(at: dependencies.clock.now())
                line.compared = comparison.count
                line.answered = comparison.answered
                line.deadline = comparison.deadline
                lastAnswered = [lastAnswered, comparison.lastAnswered].compactMap { $0 }.max()
            }
            steps.append(line)
        }
        var words = release.ending ?? release.phase.rawValue
        if release.phase == .exposed, let spec, let look = try await watch.look(at: release, spec, now: dependencies.clock.now()) {
            words = Self.words(look, spec, release, at: dependencies.clock.now())
        }
        let breach = release.breach
        let between = breach.flatMap { breach in lastAnswered.map { max(0, $0.milliseconds - breach.milliseconds) } }
        return RolloutView(
            release: id, step: release.exposure?.step, state: words, paused: release.phase == .exposed ? release.exposure?.paused : nil,
            escalations: release.exposure?.escalations ?? [], steps: steps, answered: steps.reduce(0) { $0 + $1.answered }, breach: breach, lastAnswered: lastAnswered,
            breachToLastMilliseconds: between)
    }
}
