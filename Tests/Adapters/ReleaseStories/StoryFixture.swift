// A rollout that really was judged by guardrails, without a system around it.
internal import Decisions
internal import Evidence
internal import Foundation
internal import Guardrails
internal import Inference
internal import Ports
internal import Primitives
internal import Registry
internal import ReleaseStories
internal import Releases
internal import TestKit

/// Shadow, 5 %, 25 %: comparisons go through the real fold, and what it says on the way is told.
struct StoryFixture {
    enum Course { case watching, rolledBack, paused }

    let world: World
    let made: MadeRelease
    let course: Course
    private let expected = 0.02
    private static let began = Instant(milliseconds: 1_372_593_600_000)
    private static let wall = Instant(milliseconds: 1_764_000_000_000)

    /// Folded once each; every test changes its own copy.
    private static let stories: [Course: Result<ReleaseStory, any Error>] = [
        .watching: Result { try StoryFixture(.watching).story() }, .rolledBack: Result { try StoryFixture(.rolledBack).story() },
        .paused: Result { try StoryFixture(.paused).story() },
    ]

    static func story(_ course: Course) throws -> ReleaseStory { try required(stories[course], "a story").get() }

    private init(_ course: Course) throws {
        self.course = course
        world = try World.crowd()
        let terms = RolloutTerms(
            clock: .replay,
            guardrails: [
                GuardrailRule(signal: .decisionFlips, harm: .moreThan(0.15), alpha: 0.01, proves: true, then: .rollback),
                GuardrailRule(signal: .rate(try name("offer")), harm: .differsBy(0.04), alpha: 0.01, then: .pause),
                GuardrailRule(signal: .outcomeAccuracy, harm: .lessBy(0.03), alpha: 0.01, proves: true, then: .rollback),
                GuardrailRule(signal: .errors, harm: .moreBy(0.05), alpha: 0.01, then: .rollback),
                GuardrailRule(signal: .overBudget(.milliseconds(5)), harm: .moreBy(0.05), alpha: 0.01, then: .pause), .standingSampleRatio,
            ],
            undecided: [.pause, .ask, .abort], autonomy: Autonomy(alone: [.pause, .rollback, .expand], expandUpTo: 0.25, needsPerson: [.promote]),
            escalation: Escalation(to: .riskOwner, after: .seconds(1800)), maturesAfter: .seconds(6 * 3600), expectedRates: ["offer": expected])
        made = try world.draft(2, author: "dan", proposer: "ada") { spec in
            spec.proposal.reason = "fewer wrong offers at night"
            spec.proposal.expectedChange = "offers rise by two in a hundred"
            spec.proposal.expectedRates = ["offer": 0.02]
            let needs = { (count: Int) in StepNeeds(decisions: count, deadline: .seconds(4 * 86_400)) }
            spec.plan([.shadow(1, needs(600)), .canary(0.05, needs(40)), .canary(0.25, needs(400)), .live], terms)
        }
    }

    /// Numbers that are the same every time.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }

        mutating func falls(_ chance: Double) -> Bool { Double.random(in: 0..<1, using: &self) < chance }
    }

    private func record(_ number: Int, step: Int, of count: Int, _ dice: inout Dice) throws -> (ComparisonRecord, truth: Bool) {
        let share = made.spec.exposure[step].share
        let clock = Self.began.adding(.seconds(Int64(step) * 3 * 86_400 + Int64(number) * 3 * 86_400 / Int64(count)))
        let entity = dice.next() % 900
        let isCandidate = Double(entity &* 2_654_435_761 % 10_000) / 10_000 < share
        let isBroken = course == .rolledBack && step == 2 && number > count / 2
        let champion = Double.random(in: 0..<1, using: &dice) < 0.11
        let flips = dice.falls(isBroken ? 0.45 : 0.05)
        let candidate = flips ? !champion : champion
        func side(_ offer: Bool) throws -> ComparisonRecord.Side {
            ComparisonRecord.Side(outcome: try name(offer ? "offer" : "none"), score: offer ? 0.8 : 0.3)
        }
        let record = ComparisonRecord(
            decision: DecisionID(high: UInt64(step), low: UInt64(number)), candidate: made.spec.release, spec: made.digest, step: step, share: share,
            arm: isCandidate ? .candidate : .champion, entity: entity, failed: dice.falls(0.004), latencyMicroseconds: dice.falls(0.01) ? 7000 : 900,
            answered: Self.wall.adding(.milliseconds(Int64(step * count + number) * 40)), clock: clock, sampled: true,
            pair: .init(champion: try side(champion), candidate: try side(candidate)))
        return (record, dice.falls(0.85) ? candidate || champion : !champion)
    }

    private func step(_ index: Int, count: Int) throws -> (RolloutView.Step, StepComparison) {
        var comparison = try required(
            StepComparison(made.spec, step: index, watcher: .controller, began: Self.began, grants: .init()), "a step that is compared")
        var points: [RolloutView.Point] = []
        var dice = Dice(state: UInt64(index) + 7)
        for number in 0..<count {
            let (record, truth) = try record(number, step: index, of: count, &dice)
            comparison.take(record)
            comparison.take(truth: truth, of: record)
            if (number + 1) % (count / 50) == 0, let clock = comparison.latest { points.append(.init(clock: clock, count: comparison.count, findings: comparison.findings)) }
            if comparison.breach != nil, course == .rolledBack, let clock = comparison.latest {
                points.append(.init(clock: clock, count: comparison.count, findings: comparison.findings))
                break
            }
        }
        let exposure = made.spec.exposure[index]
        let view = RolloutView.Step(
            index: index, name: exposure.spelled, share: exposure.share, began: Self.wall.adding(.seconds(Int64(index) * 260)), needed: exposure.needs?.decisions,
            matured: comparison.matured(at: comparison.latest ?? Self.began), compared: comparison.count, answered: comparison.answered, deadline: comparison.deadline,
            points: points)
        return (view, comparison)
    }

    private func story() throws -> ReleaseStory {
        let reached = course == .paused ? 1 : 2
        var steps: [RolloutView.Step] = [], last: StepComparison?
        for index in 0...reached {
            let (view, comparison) = try step(index, count: 1000)
            steps.append(view)
            last = comparison
        }
        for index in (reached + 1)..<made.spec.exposure.count {
            let exposure = made.spec.exposure[index]
            steps.append(
                .init(
                    index: index, name: exposure.spelled, share: exposure.share, began: nil, needed: exposure.needs?.decisions, matured: 0, compared: 0, answered: 0, deadline: nil,
                    points: []))
        }
        let findings = last?.findings ?? []
        let breach = course == .rolledBack ? last?.breach : nil
        let ending = course == .rolledBack ? "rolled back by the controller: harm: decision_flips" : nil
        let rollout = RolloutView(
            release: made.spec.release, step: reached, state: ending ?? "watching: 218 of 400 decisions", paused: course == .paused ? "paused by fay: complaints from JFK" : nil,
            escalations: course == .paused ? ["risk-owner is asked: the step is undecided after its deadline; resume it with more time, or it will be aborted"] : [],
            steps: steps, answered: steps.reduce(0) { $0 + $1.answered }, breach: breach, lastAnswered: breach?.adding(.milliseconds(412)),
            breachToLastMilliseconds: breach == nil ? nil : 412)
        let phase: ReleasePhase = course == .rolledBack ? .rolledBack : .exposed
        let history = try history(reached, findings, ending)
        let view = ReleaseView(
            id: made.spec.release, phase: phase, proposal: made.spec.proposal, spec: made.digest, specBytes: made.bundle.spec, results: made.spec.criteria, approvals: [],
            missing: "",
            ending: ending, changed: history.last?.at ?? Self.wall, history: history)
        return ReleaseStory(release: view, rollout: rollout, lineage: try lineage(), evaluations: [evaluation], written: Self.wall.adding(.seconds(900)))
    }

    private var evaluation: Evaluation { world.evaluation(metrics: ["auc": 0.7812, "brier": 0.1034, "log_loss": 0.3411, "rows": 27_825, "rows.jfk.auc": 0.7603]) }

    private func lineage() throws -> LineageView {
        LineageView(version: try required(made.spec.proposal.model, "a model"), artifact: Digest.of("0.5 0 0"), author: try name("dan"), steps: [])
    }

    private func history(_ reached: Int, _ findings: [Finding], _ ending: String?) throws -> [ReleaseView.HistoryLine] {
        func deed(_ person: String, _ deed: String, _ reason: String, _ second: Int64, spec: Bool = true) throws -> SignedDeed {
            SignedDeed(person: try name(person), deed: deed, reason: reason, spec: spec ? made.digest : nil, signed: Self.wall.adding(.seconds(second)))
        }
        var lines: [ReleaseView.HistoryLine] = []
        func add(_ kind: String, _ second: Int64, _ detail: String? = nil, _ signed: SignedDeed? = nil) {
            lines.append(.init(index: 14 + lines.count * 2, kind: "release." + kind, at: Self.wall.adding(.seconds(second)), detail: detail, signed: signed))
        }
        add("proposed", -900, nil, try deed("ada", "proposed", made.spec.proposal.reason, -901, spec: false))
        add("sealed", -880)
        add("approved", -700, "ben as reviewer", try deed("ben", "approved as reviewer", "slices hold", -702))
        add("approved", -600, "cleo as risk-owner", try deed("cleo", "approved as risk-owner", "the way back is rehearsed", -603))
        add("preparing", -590)
        for index in 0...reached {
            let detail = ([made.spec.exposure[index].spelled] + (index == 0 ? [] : findings.map(\.spelled))).joined(separator: "; ")
            add("exposed", Int64(index) * 260, detail)
        }
        switch course {
        case .watching: break
        case .paused: add("paused", 420, "by fay: complaints from JFK", try deed("fay", "paused", "complaints from JFK", 419, spec: false))
        case .rolledBack: add("rolled-back", 640, ([ending ?? ""] + findings.map(\.spelled)).joined(separator: "; "))
        }
        return lines
    }
}
