// One step of a rollout, fed with comparisons and outcomes.
import Decisions
import Guardrails
import Inference
import Primitives
import Releases
import TestKit
import Testing

@Suite struct StepComparisonTests {
    private static let began = World.now

    private static func rule(_ signal: GuardrailSignal, _ harm: Harm, proves: Bool = false, then: HarmAction = .rollback) -> GuardrailRule {
        GuardrailRule(signal: signal, harm: harm, alpha: 0.05, proves: proves, then: then)
    }

    private static func terms(clock: PolicyClock = .replay, _ rules: [GuardrailRule], maturesAfter: Duration = .seconds(6 * 3600)) -> RolloutTerms {
        RolloutTerms(
            clock: clock, guardrails: rules, undecided: [.pause, .ask, .abort], autonomy: .cautious, escalation: Escalation(to: .riskOwner, after: .seconds(3600)),
            maturesAfter: maturesAfter, expectedRates: [:])
    }

    private static let needs = StepNeeds(decisions: 100, deadline: .seconds(4 * 86_400))

    /// On step 0 shadow, on step 1 a canary of a half, on step 2 live.
    private static func comparison(_ step: Int, _ terms: RolloutTerms, watcher: StepComparison.Watcher = .controller, grants: StepComparison.Grants = .init()) throws
        -> StepComparison
    {
        let made = try World().draft(1) { $0.plan([.shadow(1, needs), .canary(0.5, needs), .live], terms) }
        return try #require(StepComparison(made.spec, step: step, watcher: watcher, began: began, grants: grants))
    }

    /// The `number`th request, ten minutes after the one before it on the policy's clock.
    private static func record(
        _ number: Int, step: Int = 0, share: Double = 0, arm: Arm = .champion, scores: (champion: Double?, candidate: Double?)? = (0.4, 0.4), minutes: Int64 = 10,
        entity: UInt64? = nil, failed: Bool = false
    ) throws -> ComparisonRecord {
        func side(_ score: Double?) throws -> ComparisonRecord.Side {
            .init(outcome: try name(score.map { $0 >= 0.65 ? "offer" : "none" } ?? "review"), score: score)
        }
        return ComparisonRecord(
            decision: DecisionID(high: 1, low: UInt64(number)), candidate: try name("rebooking-offer-1"), spec: Digest.of("spec"), step: step, share: share, arm: arm,
            entity: entity ?? UInt64(number), failed: failed, latencyMicroseconds: 400, answered: began.adding(.milliseconds(Int64(number))),
            clock: began.adding(.seconds(60 * minutes * Int64(number))), sampled: true,
            pair: try scores.map { .init(champion: try side($0.champion), candidate: try side($0.candidate)) })
    }

    @Test func aCalmShadowIsReadyWhenItsDecisionsAreMature() throws {
        var comparison = try Self.comparison(0, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10))]))
        for number in 0..<100 { comparison.take(try Self.record(number)) }
        // The hundredth is six hours too young.
        #expect(comparison.verdict(at: Self.began) == .watching && comparison.matured(at: Self.began) == 64)
        for number in 100..<136 { comparison.take(try Self.record(number)) }
        #expect(comparison.verdict(at: Self.began) == .ready && comparison.count == 136 && comparison.answered == 0)
    }

    @Test func flipsAboveTheMarginAreHarm() throws {
        var comparison = try Self.comparison(0, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10))]))
        for number in 0..<60 { comparison.take(try Self.record(number, scores: (0.4, number.isMultiple(of: 2) ? 0.9 : 0.4))) }
        #expect(comparison.verdict(at: Self.began) == .harmed(action: .rollback, signals: ["decision_flips"]))
        let breach = try #require(comparison.breach)
        #expect(breach < Self.began.adding(.milliseconds(60)) && comparison.harm?.action == .rollback)
        #expect(comparison.findings.map(\.answer) == [.harm])
    }

    /// An arm without a score gives the fallback, and is right about nothing.
    @Test func aCandidateWithoutScoresFlipsAndIsWrong() throws {
        var comparison = try Self.comparison(0, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10)), Self.rule(.outcomeAccuracy, .lessBy(0.05))]))
        for number in 0..<80 {
            let record = try Self.record(number, scores: (0.4, nil))
            comparison.take(record)
            comparison.take(truth: false, of: record)
        }
        #expect(comparison.harm?.signals == ["decision_flips", "outcome.accuracy"])
    }

    @Test func accuracyIsComparedWhenOutcomesCome() throws {
        var comparison = try Self.comparison(1, Self.terms([Self.rule(.outcomeAccuracy, .lessBy(0.05), proves: true)]))
        for number in 0..<2000 {
            let record = try Self.record(number, step: 1, share: 0.5, arm: number.isMultiple(of: 2) ? .candidate : .champion, minutes: 1)
            comparison.take(record)
            if number < 400 { comparison.take(truth: false, of: record) }
        }
        // All decisions are there, and it leads to live: what must be proved is not.
        #expect(comparison.findings.first?.count == 400 && comparison.answered == 1000)
        let early = comparison.verdict(at: Self.began)
        for number in 400..<1000 { comparison.take(truth: number.isMultiple(of: 3), of: try Self.record(number, step: 1, share: 0.5)) }
        #expect(comparison.findings.first?.answer == .noWorse && comparison.verdict(at: Self.began) == .ready)
        #expect(early == .watching || early == .ready)
    }

    @Test func contradictedOutcomesAndMissingPairsAreErrored() throws {
        var comparison = try Self.comparison(0, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10)), Self.rule(.outcomeAccuracy, .lessBy(0.05))]))
        for number in 0..<200 {
            let record = try Self.record(number)
            comparison.take(record)
            comparison.take(truth: true, of: record)
        }
        for number in 0..<3 { comparison.takeContradiction(of: try Self.record(number)) }
        #expect(comparison.findings.map(\.answer) != [.undecided, .undecided] && comparison.findings.last?.answer == .errored)
        #expect(comparison.verdict(at: Self.began) == .held(signals: ["outcome.accuracy"]))
        for number in 200..<204 { comparison.take(try Self.record(number, scores: nil)) }
        #expect(comparison.verdict(at: Self.began) == .held(signals: ["decision_flips", "outcome.accuracy"]))
    }

    /// A step without an answer at its deadline pauses, asks, and is aborted, each an hour after the other; on the policy's clock.
    @Test func undecidedAtTheDeadlineEnds() throws {
        var comparison = try Self.comparison(0, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10))], maturesAfter: .seconds(86_400 * 30)))
        var verdicts: [StepVerdict] = []
        for number in 0..<600 {
            comparison.take(try Self.record(number))
            let verdict = comparison.verdict(at: Self.began)
            if verdict != verdicts.last { verdicts.append(verdict) }
        }
        #expect(verdicts == [.watching, .overdue(move: .pause), .overdue(move: .ask), .aborted])
    }

    /// However late a batch is folded, what was known in time counts as known in time.
    @Test func whatWasReadyInTimeIsReadyWhenItIsFoldedLate() throws {
        var comparison = try Self.comparison(0, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10))]))
        for number in 0..<800 { comparison.take(try Self.record(number)) }
        let latest = try #require(comparison.latest)
        #expect(latest > Self.began.adding(Self.needs.deadline) && comparison.verdict(at: Self.began) == .ready)
    }

    @Test func onTheWallClockOnlyTheWallCounts() throws {
        var comparison = try Self.comparison(0, Self.terms(clock: .wall, [Self.rule(.decisionFlips, .moreThan(0.10))], maturesAfter: .zero))
        for number in 0..<150 { comparison.take(try Self.record(number, minutes: 0)) }
        #expect(comparison.verdict(at: Self.began.adding(.seconds(60))) == .ready)
        var idle = try Self.comparison(0, Self.terms(clock: .wall, [Self.rule(.decisionFlips, .moreThan(0.10))]))
        #expect(idle.verdict(at: Self.began.adding(.seconds(60))) == .watching)
        #expect(idle.verdict(at: Self.began.adding(Self.needs.deadline)) == .overdue(move: .pause), "nothing came at all")
        #expect(idle.verdict(at: Self.began.adding(Self.needs.deadline + .seconds(7200))) == .aborted)
    }

    /// Entities count once, by the share in force; without a lease nothing is split.
    @Test func theSplitIsJudgedByTheShareInForce() throws {
        let rules = [GuardrailRule.standingSampleRatio, Self.rule(.errors, .moreBy(0.05))]
        var even = try Self.comparison(1, Self.terms(rules))
        for number in 0..<600 { even.take(try Self.record(number, step: 1, share: 0.5, arm: number.isMultiple(of: 2) ? .candidate : .champion)) }
        #expect(even.findings.map(\.answer) == [.undecided, .undecided] && even.findings[1].count > 0)
        var lapsed = try Self.comparison(1, Self.terms(rules))
        for number in 0..<600 { lapsed.take(try Self.record(number, step: 1, share: 0)) }
        #expect(lapsed.findings.map(\.count) == [0, 0] && lapsed.harm == nil)
        var stuck = try Self.comparison(1, Self.terms(rules))
        for number in 0..<600 { stuck.take(try Self.record(number, step: 1, share: 0.5, arm: .champion, minutes: 0)) }
        #expect(stuck.harm?.signals == ["sample_ratio"])
        var failing = try Self.comparison(1, Self.terms(rules))
        for number in 0..<300 {
            let isCandidate = number.isMultiple(of: 2)
            failing.take(try Self.record(number, step: 1, share: 0.5, arm: isCandidate ? .candidate : .champion, minutes: 0, failed: isCandidate))
        }
        #expect(failing.harm?.signals.contains("errors") == true)
    }

    @Test func anotherStepCountsForNothing() throws {
        var comparison = try Self.comparison(1, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10))]))
        for number in 0..<200 {
            let record = try Self.record(number, step: 0, scores: (0.4, 0.9))
            comparison.take(record)
            comparison.take(truth: true, of: record)
            comparison.takeContradiction(of: record)
        }
        #expect(comparison.count == 0 && comparison.harm == nil && comparison.verdict(at: Self.began) == .watching)
    }

    /// Controller and nodes share the rule's alpha, and so do the steps: each sees harm a little later than one alone would.
    @Test func watchersAndStepsShareTheAlpha() throws {
        func requestsUntilHarm(_ watcher: StepComparison.Watcher) throws -> Int {
            var comparison = try Self.comparison(0, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10))]), watcher: watcher)
            for number in 0..<500 {
                comparison.take(try Self.record(number, scores: (0.4, number.isMultiple(of: 4) ? 0.9 : 0.4)))
                if comparison.harm != nil { return number }
            }
            return 500
        }
        let controller = try requestsUntilHarm(.controller), one = try requestsUntilHarm(.node(of: 1)), many = try requestsUntilHarm(.node(of: 50))
        #expect(controller == one && one < many && many < 500)
    }

    @Test func anAcceptedHarmDoesNotStopTheStepAgain() throws {
        let rules = [Self.rule(.decisionFlips, .moreThan(0.10), then: .pause)]
        var first = try Self.comparison(0, Self.terms(rules)), resumed = try Self.comparison(0, Self.terms(rules), grants: .init(accepted: ["decision_flips"]))
        for number in 0..<140 {
            first.take(try Self.record(number, scores: (0.4, 0.9)))
            resumed.take(try Self.record(number, scores: (0.4, 0.9)))
        }
        #expect(first.verdict(at: Self.began) == .harmed(action: .pause, signals: ["decision_flips"]) && first.breach == nil)
        #expect(resumed.verdict(at: Self.began) == .ready && resumed.harm == nil)
    }

    @Test func moreTimeMovesTheDeadline() throws {
        var comparison = try Self.comparison(
            0, Self.terms([Self.rule(.decisionFlips, .moreThan(0.10))], maturesAfter: .seconds(86_400 * 30)), grants: .init(extensionSeconds: 86_400))
        for number in 0..<600 { comparison.take(try Self.record(number)) }
        #expect(comparison.deadline == Self.began.adding(.seconds(5 * 86_400)) && comparison.verdict(at: Self.began) == .watching)
    }

    /// The live step is compared no more, and a release without terms never is.
    @Test func onlyWatchedStepsAreCompared() throws {
        let made = try World().draft(1)
        #expect(StepComparison(made.spec, step: 3, watcher: .controller, began: Self.began) == nil)
        #expect(StepComparison(made.spec, step: 9, watcher: .controller, began: Self.began) == nil)
        let plain = try World().draft(1) { $0.plan([.live]) }
        #expect(StepComparison(plain.spec, step: 0, watcher: .controller, began: Self.began) == nil)
    }

    @Test func aComparisonIsReadBackAndNonsenseIsNot() throws {
        let record = try Self.record(7, step: 2, share: 0.25, arm: .candidate, scores: (0.4, nil), entity: .max)
        #expect(try ComparisonRecord(parsing: record.encoded) == record)
        let changes: [(inout ComparisonRecord) -> Void] = [
            { $0.share = 1.5 }, { $0.share = -0.1 }, { $0.step = -1 }, { $0.format = 2 }, { $0.sampled = false },
        ]
        for change in changes {
            var other = record
            change(&other)
            #expect(throws: RecordError.self) { try ComparisonRecord(parsing: other.encoded) }
        }
        #expect(throws: RecordError.self) { try ComparisonRecord(parsing: Array("{}".utf8)) }
    }
}
