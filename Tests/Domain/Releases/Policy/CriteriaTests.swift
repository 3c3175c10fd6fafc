// Promise 6: evidence that is missing, stale, unreadable or measured nothing never counts as met, and nothing else opens the gate.
import Evidence
import Primitives
import Registry
import Releases
import TestKit
import Testing

@Suite struct CriteriaTests {
    private static let artifact = Digest.of("0.5 0 0")
    private static let baseline = Digest.of("baseline")
    private static let good = ["auc": 0.75, "log_loss": 0.4]
    private static let week = Duration.seconds(7 * 86_400)

    private static func policy() throws -> ReleasePolicy {
        try World.policy(
            """
            policy: rebooking-offer
            evidence:
              evaluation: { max_age: 7d, criteria: [{ metric: auc, at_least: 0.7 }, { metric: log_loss, at_most: 0.5 }] }
              reversibility: { rehearsed_within: 1s }
            approval: [{ role: reviewer, count: 1 }]
            exposure: [{ live: true }]
            """)
    }

    /// The verdicts on auc, log_loss and the rehearsal.
    private static func verdicts(_ evaluations: [Evaluation]? = nil, _ rehearsals: [Reversibility]? = nil, baseline: Digest? = baseline) throws -> [Verdict] {
        let world = try World()
        let results = try policy().results(
            artifact: artifact, baseline: baseline, isFirst: false, evaluations: evaluations ?? [world.evaluation(metrics: good)],
            rehearsals: rehearsals ?? [world.rehearsal(baseline: Self.baseline)], at: World.now)
        #expect(results.map(\.validator) == ["evaluation", "evaluation", "reversibility"])
        return results.map(\.verdict)
    }

    private static func evaluation(_ metrics: [String: Double] = good, measured: Instant = World.now) throws -> Evaluation {
        try World().evaluation(metrics: metrics, measured: measured)
    }

    private static func rehearsal(_ milliseconds: Double, _ baseline: Digest = baseline) throws -> Reversibility {
        try World().rehearsal(baseline: baseline, milliseconds: milliseconds)
    }

    @Test func promise6_theResultsSayWhatWasAskedAndAboutWhat() throws {
        let world = try World()
        let results = try Self.policy().results(
            artifact: Self.artifact, baseline: Self.baseline, isFirst: false, evaluations: [world.evaluation(metrics: Self.good)],
            rehearsals: [world.rehearsal(baseline: Self.baseline)], at: World.now)
        let measured = [Self.artifact, Digest.of("holdout")]
        #expect(
            results == [
                CriterionResult(validator: "evaluation", criterion: "auc at least 0.7", subjects: measured, verdict: .met),
                CriterionResult(validator: "evaluation", criterion: "log_loss at most 0.5", subjects: measured, verdict: .met),
                CriterionResult(validator: "reversibility", criterion: "back within 1s", subjects: [Self.artifact, Self.baseline], verdict: .met),
            ])
        let nothing = try Self.policy().results(artifact: Self.artifact, baseline: nil, isFirst: false, evaluations: [], rehearsals: [], at: World.now)
        #expect(nothing.map(\.subjects) == [[Self.artifact], [Self.artifact], [Self.artifact]] && nothing.allSatisfy { $0.verdict == .missing })
    }

    @Test func promise6_missingEvidenceIsMissing() throws {
        #expect(try Self.verdicts([]) == [.missing, .missing, .met])
        #expect(try Self.verdicts(nil, []) == [.met, .met, .missing])
        #expect(try Self.verdicts([], []) == [.missing, .missing, .missing])
    }

    /// As old as the policy allows, a millisecond older, a year; now, a millisecond from now, a year from now.
    @Test(
        arguments: [
            (0, Verdict.met), (1, .met), (604_799_999, .met), (604_800_000, .met), (604_800_001, .missing), (31_536_000_000, .missing), (-1, .missing),
            (-31_536_000_000, .missing),
        ] as [(Int64, Verdict)]) func promise6_evidenceHasAnAge(milliseconds: Int64, verdict: Verdict) throws
    {
        let measured = World.now.adding(.milliseconds(-milliseconds))
        #expect(try Self.verdicts([Self.evaluation(measured: measured)]) == [verdict, verdict, .met])
    }

    @Test func promise6_theEndsOfTimeAreStale() throws {
        for end in [Instant.range.lowerBound, Instant.range.upperBound] {
            #expect(try Self.verdicts([Self.evaluation(measured: Instant(milliseconds: end))]) == [.missing, .missing, .met])
        }
    }

    @Test(arguments: [nil, Double.nan, .signalingNaN, .infinity, -.infinity, .nan * -1] as [Double?]) func promise6_whatIsNoNumberWasNotMeasured(value: Double?) throws {
        var metrics = Self.good
        metrics["auc"] = value
        #expect(try Self.verdicts([Self.evaluation(metrics)]) == [.errored, .met, .met])
        metrics = Self.good
        metrics["log_loss"] = value
        #expect(try Self.verdicts([Self.evaluation(metrics)]) == [.met, .errored, .met])
        #expect(try Self.verdicts([Self.evaluation([:])]) == [.errored, .errored, .met])
    }

    @Test(
        arguments: [
            (0.7, 0.5, Verdict.met, Verdict.met), (0.7.nextDown, 0.5, .failed, .met), (0.7, 0.5.nextUp, .met, .failed), (-0.0, 0.0, .failed, .met),
            (.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .met, .met), (-.greatestFiniteMagnitude, .greatestFiniteMagnitude, .failed, .failed),
        ] as [(Double, Double, Verdict, Verdict)]) func promise6_aBoundIncludesItself(auc: Double, loss: Double, first: Verdict, second: Verdict) throws
    {
        #expect(try Self.verdicts([Self.evaluation(["auc": auc, "log_loss": loss])]) == [first, second, .met])
    }

    /// Whatever was better before does not count.
    @Test func promise6_onlyTheNewestCounts() throws {
        let good = try Self.evaluation(), bad = try Self.evaluation(["auc": 0.5, "log_loss": 0.4]), empty = try Self.evaluation([:])
        let stale = try Self.evaluation(measured: World.now.adding(.milliseconds(-604_800_001))), future = try Self.evaluation(measured: World.now.adding(.seconds(1)))
        #expect(try Self.verdicts([bad, good]) == [.met, .met, .met])
        #expect(try Self.verdicts([good, bad]) == [.failed, .met, .met])
        #expect(try Self.verdicts([good, empty]) == [.errored, .errored, .met])
        #expect(try Self.verdicts([good, stale]) == [.missing, .missing, .met])
        #expect(try Self.verdicts([good, future]) == [.missing, .missing, .met])
        let fast = try Self.rehearsal(1), slow = try Self.rehearsal(1001)
        #expect(try Self.verdicts(nil, [slow, fast]) == [.met, .met, .met])
        #expect(try Self.verdicts(nil, [fast, slow]) == [.met, .met, .failed])
    }

    @Test func promise6_aRehearsalIsForOneBaseline() throws {
        let here = try Self.rehearsal(1), elsewhere = try Self.rehearsal(1, Digest.of("other"))
        #expect(try Self.verdicts(nil, [elsewhere]) == [.met, .met, .missing])
        #expect(try Self.verdicts(nil, [here, elsewhere]) == [.met, .met, .met])
        #expect(try Self.verdicts(nil, [elsewhere, here]) == [.met, .met, .met])
        #expect(try Self.verdicts(nil, [here, elsewhere], baseline: nil) == [.met, .met, .missing])
        #expect(try Self.verdicts(nil, [here], baseline: Self.artifact) == [.met, .met, .missing])
    }

    @Test(
        arguments: [
            (0, Verdict.met), (-0.0, .met), (999.999, .met), (1000, .met), (1000.0.nextUp, .failed), (1e300, .failed), (.infinity, .failed), (.nan, .errored),
            (-.infinity, .errored), (-1, .errored), (-.leastNonzeroMagnitude, .errored),
        ] as [(Double, Verdict)]) func promise6_aRehearsalHasABound(milliseconds: Double, verdict: Verdict) throws
    {
        #expect(try Self.verdicts(nil, [Self.rehearsal(milliseconds)]) == [.met, .met, verdict])
    }

    @Test(arguments: [(0, Verdict.errored), (-1, .errored), (1, .met)]) func promise6_aRehearsalThatComparedNothingIsNotMet(answers: Int, verdict: Verdict) throws {
        var rehearsal = try Self.rehearsal(1)
        rehearsal.answers = answers
        #expect(try Self.verdicts(nil, [rehearsal]) == [.met, .met, verdict])
    }

    @Test func promise6_aFallbackHasNoModelAndSoNoCriteria() throws {
        let world = try World()
        #expect(
            try Self.policy().results(
                artifact: nil, baseline: Self.baseline, isFirst: false, evaluations: [world.evaluation()], rehearsals: [world.rehearsal(baseline: Self.baseline)], at: World.now)
                == [])
        let bare = try World.policy("{ policy: p, evidence: {}, approval: [{ role: reviewer, count: 1 }], exposure: [{ live: true }] }")
        #expect(bare.results(artifact: Self.artifact, baseline: Self.baseline, isFirst: false, evaluations: [], rehearsals: [], at: World.now) == [])
    }

    /// One criterion that is anything but met, at each place among good ones.
    @Test(arguments: [Verdict.failed, .inconclusive, .errored, .missing], 0...2) func promise6_nothingButMetIsSealed(verdict: Verdict, place: Int) throws {
        let world = try World()
        let made = try world.draft(1) { spec in
            let extra = CriterionResult(validator: "evaluation", criterion: "log_loss at most 0.5", subjects: [], verdict: verdict)
            spec.criteria.insert(extra, at: place)
        }
        let release = try #require(try Release.fold([.proposed(made.bundle.proposal, at: World.now)], trust: world.trust))
        guard case .failure(let error) = StateMachineTests.taking(.sealed(spec: made.bundle.spec, at: World.now), release, world.trust) else {
            Issue.record("sealed although a criterion is \(verdict)")
            return
        }
        #expect(error.rule == .evidence)
        let bundle = try world.approved(made).bundle
        #expect(#expect(throws: ReleaseError.self) { try VerifiedRelease(verifying: bundle, trust: world.trust) }?.rule == .evidence)
    }

    @Test func promise6_whatIsMetIsSealed() throws {
        let world = try World()
        for made in [try world.draft(1), try world.draft(0), try world.draft(1) { $0.criteria = [] }] {
            let release = try #require(try Release.fold([.proposed(made.bundle.proposal, at: World.now), .sealed(spec: made.bundle.spec, at: World.now)], trust: world.trust))
            #expect(release.phase == .awaitingApproval)
        }
    }
}
