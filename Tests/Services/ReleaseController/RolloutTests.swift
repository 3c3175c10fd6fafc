// Shadow, canary, live and the way back, as the controller steers them by what was compared.
import Decisions
import Evidence
import Guardrails
import Inference
import MemoryStores
import Ports
import Primitives
import ReleaseController
import Releases
import TestKit
import Testing

/// A service whose model 1 is live, and model 2 as its candidate.
private struct Rollout {
    let desk: Harness
    let release: ReleaseView

    init(_ desk: Harness) async throws {
        self.desk = desk
        let service = desk.installation.services[0]
        func propose(_ number: Int, _ model: Int?) async throws -> ReleaseView {
            try await desk.controller.propose(
                desk.installation.proposal(number, model: model, at: desk.now()) {
                    $0.decision = Digest.of(Installation.recorded(service))
                    $0.policy = Digest.of(Installation.stepped(service))
                })
        }
        let fallback = try await desk.approve(propose(0, nil))
        try await desk.observe(.active, fallback)
        try await desk.settle()
        try await desk.register(1)
        let first = try await desk.approve(propose(1, 1))
        try await desk.observe(.rehearsed, first)
        try await desk.settle()
        try await desk.observe(.active, first)
        try await desk.settle()
        try await desk.phase(.live, of: first)
        try await desk.register(2)
        release = try await desk.approve(propose(2, 2))
        try await desk.phase(.preparing, of: release)
    }

    static func begun() async throws -> Rollout {
        let rollout = try await Rollout(Harness())
        try await rollout.rehearse()
        return rollout
    }

    func rehearse() async throws {
        try await desk.observe(.rehearsed, release)
        try await desk.settle()
    }

    var route: ServiceRoute { get async throws { try await desk.route() } }
    var arm: ServiceRoute.Arm? { get async throws { try await route.candidate } }
    var step: Int? { get async throws { try await desk.controller.rollout(of: release.id).step } }

    /// Comparisons of one step, all calm unless said otherwise, with outcomes that both arms are equally right about.
    func compare(_ numbers: Range<Int>, step: Int, share: Double, flips: Bool = false, wrong: Bool = false, outcomes: Bool = true, missing: Bool = false) async throws {
        for number in numbers {
            let candidate: ComparisonRecord.Side = .init(outcome: try name(flips ? "offer" : "none"), score: flips || wrong ? 0.9 : 0.4)
            let record = ComparisonRecord(
                decision: DecisionID(high: UInt64(step), low: UInt64(number)), candidate: release.id, spec: try required(release.spec, "a spec"), step: step, share: share,
                arm: share > 0 && number.isMultiple(of: 2) ? .candidate : .champion, entity: nil, failed: false, latencyMicroseconds: 300, answered: desk.clock.now(),
                clock: desk.clock.now(), sampled: true, pair: missing ? nil : .init(champion: .init(outcome: try name("none"), score: 0.4), candidate: candidate))
            desk.comparisons.add(record)
            if outcomes { desk.comparisons.add(record, .truth(false)) }
        }
        // An hour later the decisions are mature.
        desk.clock.advance(by: .seconds(3700))
        try await desk.settle()
    }

    @discardableResult func advance(
        _ action: AdvanceOrder.Action, to step: Int, accepting: [String] = [], extensionSeconds: Int64 = 0, by person: String = "ben"
    ) async throws -> ReleaseView {
        try await desk.controller.advance(
            desk.installation.advance(
                action, release.id, spec: required(release.spec, "a spec"), step: step, accepting: accepting, extensionSeconds: extensionSeconds, by: person, at: desk.now()),
            release: release.id)
    }

    func upTo(step: Int) async throws {
        try await compare(0..<60, step: 0, share: 0)
        if step >= 2 {
            try await compare(0..<120, step: 1, share: 0.05)
            try await advance(.promote, to: 2)
        }
    }
}

@Suite struct RolloutTests {
    /// Shadow, 5 % by the controller alone, 25 % and live by a person.
    @Test func aCandidateGoesItsPlan() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        let arm = try await rollout.arm
        #expect(arm == ServiceRoute.Arm(spec: try required(rollout.release.spec, "a spec"), share: 0, step: 0))
        try await rollout.compare(0..<60, step: 0, share: 0)
        #expect(try await rollout.arm?.share == 0.05)
        try await desk.refused(.conflict, "guardrails", "watching: 0 of 40 decisions") { try await rollout.advance(.promote, to: 2) }
        try await rollout.compare(0..<120, step: 1, share: 0.05)
        #expect(try await rollout.arm?.step == 1, "a quarter needs a person")
        #expect(try await desk.controller.rollout(of: rollout.release.id).state == "ready; a person promotes it to 'canary 25 %'")
        try await desk.refused(.conflict, "phase", "is promoted to step 2; the order is for step 3") { try await rollout.advance(.promote, to: 3) }
        try await desk.refused(.forbidden, "authority") { try await rollout.advance(.promote, to: 2, by: "viv") }
        try await desk.refused(.forbidden, "authority") { try await rollout.advance(.promote, to: 2, by: "ada") }
        try await rollout.advance(.promote, to: 2)
        #expect(try await rollout.arm == ServiceRoute.Arm(spec: try required(rollout.release.spec, "a spec"), share: 0.25, step: 2))
        try await rollout.compare(0..<400, step: 2, share: 0.25)
        let view = try await rollout.advance(.promote, to: 3)
        #expect(view.phase == .exposed)
        try await desk.observe(.active, rollout.release)
        try await desk.settle()
        let live = try await desk.phase(.live, of: rollout.release)
        #expect(live.history.map(\.kind).filter { $0 == "release.exposed" }.count == 4)
        #expect(live.history.last { $0.kind == "release.exposed" }?.detail?.hasPrefix("live; promoted by ben: all is well; decision_flips 0.0000") == true)
        let shown = try await desk.controller.rollout(of: rollout.release.id)
        #expect(shown.answered == 260 && shown.steps.map(\.compared) == [60, 120, 400, 0] && shown.steps[2].points.count > 10)
        #expect(shown.steps[2].points.last?.findings.map(\.answer) == [.noWorse, .noWorse, .noWorse, .undecided])
        // A live release is rolled back as ever.
        try await desk.stop(.rollback, rollout.release)
        try await desk.phase(.rolledBack, of: rollout.release)
    }

    /// Live needs proof that nobody is worse off, where the guardrail asks for it.
    @Test func promise6_undecidedIsNotGoodEnoughForLive() async throws {
        let rollout = try await Rollout.begun()
        try await rollout.upTo(step: 2)
        try await rollout.compare(0..<100, step: 2, share: 0.25, outcomes: false)
        try await rollout.desk.refused(.conflict, "guardrails", "not proved yet that it is no worse by outcome.accuracy") { try await rollout.advance(.promote, to: 3) }
    }

    @Test func harmRollsBackByItself() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        try await rollout.upTo(step: 2)
        let before = try await desk.size
        try await rollout.compare(0..<200, step: 2, share: 0.25, flips: true)
        #expect(try await desk.kinds(from: before) == ["routing.table", "release.rolled-back"])
        let ended = try await desk.phase(.rolledBack, of: rollout.release)
        #expect(ended.ending == "rolled back by the controller: harm: decision_flips, outcome.accuracy")
        #expect(try await rollout.arm == nil)
        let shown = try await desk.controller.rollout(of: rollout.release.id)
        #expect(shown.breach != nil && shown.breachToLastMilliseconds != nil && shown.answered == 160)
        // For good: neither an order nor the same proposal brings it back.
        try await desk.refused(.conflict, "phase") { try await rollout.advance(.promote, to: 3) }
        let again = try desk.installation.proposal(3, model: 2, at: desk.now()) {
            $0.decision = rollout.release.proposal.decision
            $0.policy = rollout.release.proposal.policy
        }
        try await desk.refused(.conflict, "phase", "made the same change and was rolled back by the controller") { _ = try await desk.controller.propose(again) }
    }

    /// A harm that pauses takes the share and waits for a person.
    @Test func aPausedCandidateAnswersNothingAndIsComparedOn() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        try await rollout.upTo(step: 1)
        let view = try await desk.stop(.pause, rollout.release)
        #expect(view.phase == .exposed && view.history.last?.detail == "by viv: too many offers")
        #expect(try await rollout.arm?.share == 0)
        try await desk.refused(.conflict, "phase", "already") { try await desk.stop(.pause, rollout.release) }
        try await rollout.compare(0..<200, step: 1, share: 0)
        let kept = try await rollout.arm
        #expect(kept?.share == 0 && kept?.step == 1, "nothing widens a paused step")
        try await desk.refused(.forbidden, "authority") { try await rollout.advance(.resume, to: 1, by: "viv") }
        try await desk.refused(.conflict, "phase", "resume it first") { try await rollout.advance(.promote, to: 2) }
        try await rollout.advance(.resume, to: 1)
        #expect(try await rollout.arm?.share == 0.05)
        try await desk.phase(.aborted, of: desk.stop(.abort, rollout.release))
        #expect(try await rollout.arm == nil)
        // Aborted is no harm: the same change may be proposed again.
        let again = try desk.installation.proposal(3, model: 2, at: desk.now()) {
            $0.decision = rollout.release.proposal.decision
            $0.policy = rollout.release.proposal.policy
        }
        let proposed = try await desk.controller.propose(again)
        #expect(proposed.phase == .awaitingApproval)
    }

    /// Whoever gives a step more time has not looked at a pause that somebody orders meanwhile, on another control plane.
    @Test func whoResumesDoesNotLiftAPauseThatCameMeanwhile() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        try await rollout.upTo(step: 1)
        let other = try await desk.reopened(), id = rollout.release.id, pause = try desk.installation.order(.pause, id, at: desk.now())
        desk.line.change {
            $0.fault = { appends in
                if appends.contains(where: { $0.entries.contains { $0.kind == "release.resumed" } }) { _ = try? await other.stop(pause, release: id) }
                return nil
            }
        }
        let error = await #expect(throws: DeskError.self) { try await rollout.advance(.resume, to: 1, extensionSeconds: 86_400) }
        #expect(error?.category == .conflict && error?.message.contains("was paused meanwhile; look again") == true)
        #expect(try await rollout.arm?.share == 0)
        desk.line.change { $0.fault = { _ in nil } }
        try await rollout.advance(.resume, to: 1)
        #expect(try await rollout.arm?.share == 0.05)
    }

    @Test func aNodesVetoIsFinal() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        try await rollout.upTo(step: 1)
        try await desk.controller.observe(desk.observation(.vetoed, rollout.release, on: 2, milliseconds: 12, reason: "harm: rate.offer"))
        try await desk.settle()
        let ended = try await desk.phase(.rolledBack, of: rollout.release)
        #expect(ended.ending == "rolled back by the controller: node-2 vetoed it: harm: rate.offer")
        #expect(try await rollout.arm == nil)
    }

    /// What cannot be measured keeps its share, is told once, and is aborted at the deadline.
    @Test func promise6_aMetricThatStopsHoldsThenAborts() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        try await rollout.compare(0..<60, step: 0, share: 0, missing: true)
        try await desk.settle()
        var view = try await desk.phase(.exposed, of: rollout.release)
        #expect(view.history.filter { $0.kind == "release.escalated" }.count == 1)
        #expect(try await rollout.step == 0)
        desk.clock.advance(by: .seconds(4 * 86_400))
        try await desk.settle()
        view = try await desk.phase(.aborted, of: rollout.release)
        #expect(view.ending?.contains("not measured") == true)
    }

    /// Undecided at its deadline: pause, ask, abort; a person can give more time.
    @Test func promise6_undecidedPausesAsksAndAborts() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        try await rollout.compare(0..<10, step: 0, share: 0)
        desk.clock.advance(by: .seconds(4 * 86_400 - 3600))
        try await desk.settle()
        #expect(try await desk.controller.rollout(of: rollout.release.id).paused == "paused by the controller: undecided at the deadline")
        try await rollout.advance(.resume, to: 0, extensionSeconds: 2 * 86_400)
        try await desk.settle()
        #expect(try await desk.controller.rollout(of: rollout.release.id).paused == nil)
        desk.clock.advance(by: .seconds(2 * 86_400 + 3000))
        try await desk.settle()
        let asked = try await desk.controller.rollout(of: rollout.release.id)
        #expect(asked.paused != nil && asked.escalations.isEmpty)
        desk.clock.advance(by: .seconds(2000))
        try await desk.settle()
        #expect(try await desk.controller.rollout(of: rollout.release.id).escalations.count == 1)
        desk.clock.advance(by: .seconds(3600))
        try await desk.settle()
        try await desk.phase(.aborted, of: rollout.release)
    }

    /// Whoever comes after a restart folds the same comparisons and comes to the same.
    @Test func promise12_aRestartedControllerGoesOn() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        try await rollout.compare(0..<30, step: 0, share: 0)
        let other = try await desk.reopened()
        let before = try await desk.controller.rollout(of: rollout.release.id), after = try await other.rollout(of: rollout.release.id)
        #expect(before.steps.map { $0.points.last?.findings } == after.steps.map { $0.points.last?.findings } && before.state == after.state)
        try await rollout.compare(30..<60, step: 0, share: 0)
        try await desk.settle(other)
        #expect(try await rollout.arm?.step == 1)
    }

    /// A store that cannot be read widens nothing.
    @Test func promise6_withoutComparisonsNothingIsWidened() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        desk.comparisons.fail(with: DecisionStoreError(.unavailable, "the disk is gone"))
        await #expect(throws: DeskError.self) { try await rollout.compare(0..<60, step: 0, share: 0) }
        #expect(try await rollout.arm?.step == 0)
        desk.comparisons.fail(with: nil)
        try await desk.settle()
        #expect(try await rollout.arm?.step == 1)
    }

    /// The same, where people are faster than the controller.
    @Test(arguments: [StopOrder.Action.abort, .rollback]) func peopleMayEndACandidateWhoseChampionIsGone(_ action: StopOrder.Action) async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        try await desk.stop(.rollback, desk.controller.release(try name("rebooking-offer-1")))
        try await desk.phase(action == .abort ? .aborted : .rolledBack, of: desk.stop(action, rollout.release))
    }

    /// The champion goes while a candidate is compared with it: what was approved against it ends.
    @Test func aCandidateEndsWithTheChampionItWasComparedWith() async throws {
        let rollout = try await Rollout.begun(), desk = rollout.desk
        let champion = try await desk.controller.release(try name("rebooking-offer-1"))
        try await desk.stop(.rollback, champion)
        #expect(try await rollout.arm == nil)
        try await desk.settle()
        let ended = try await desk.phase(.aborted, of: rollout.release)
        #expect(ended.ending?.contains("was taken back") == true)
    }

    @Test(arguments: [
        ("record", "add 'record: durable'"), ("outcome", "outcome.accuracy needs outcomes"), ("rate", "watches no outcome of rebooking-offer"), ("first", "add 'first_release"),
        ("replay", "give contracts/request.yaml a column with the role time"), ("expectation", "no guardrail of policy.yaml watches it"),
    ])
    func whatCannotBeWatchedIsRefusedAtProposal(what: String, says: String) async throws {
        let desk = try await Harness()
        let service = desk.installation.services[0]
        try await desk.fallback()
        try await desk.register(1)
        var policy = String(decoding: Installation.stepped(service), as: UTF8.self), decision = String(decoding: Installation.recorded(service), as: UTF8.self)
        var rates: [String: Double]?
        switch what {
        case "record": decision = String(decoding: Installation.decision(service, offering: 65), as: UTF8.self)
        case "outcome": decision = String(decoding: Installation.decision(service, offering: 65), as: UTF8.self) + "\nrecord: durable"
        case "rate": policy.replace("rate.offer", with: "rate.refund")
        case "first": policy = policy.split(separator: "\n").filter { !$0.hasPrefix("first_release") }.joined(separator: "\n")
        case "replay": policy.replace("clock: wall", with: "clock: replay")
        default: rates = ["none": 0.1]
        }
        let files = [Array(policy.utf8), Array(decision.utf8)]
        for file in files { _ = try await desk.artifacts.put(file) }
        let proposal = try desk.installation.proposal(1, model: 1, at: desk.now()) {
            ($0.policy, $0.decision, $0.expectedRates) = (Digest.of(files[0]), Digest.of(files[1]), rates)
        }
        try await desk.refused(.invalid, "policy", says) { _ = try await desk.controller.propose(proposal) }
    }
}
