// False alarms over whole runs that are looked at after every observation, at the edge of harmless, where they are most likely.
//
// A few hundred runs here; PENSTOCK_SEEDS=5000 looks longer.
import Guardrails
import Testing

@Suite struct FalseAlarmTests {
    private static let alpha = 0.05

    private static func expectFew(_ alarms: Int, of runs: Int, _ what: String) {
        #expect(Double(alarms) <= Runs.most(runs, alpha: alpha), "\(what): \(alarms) of \(runs) runs")
        if Runs.areMany { print("\(what): \(alarms) of \(runs) runs") }
    }

    @Test func flipsAtTheMarginAreRarelyCalledHarm() throws {
        let runs = Runs.count(200)
        let alarms = try Runs.counted(runs) { chance in
            var guardrail = try Guardrail(.flips, share: 0)
            for _ in 0..<400 { guardrail.observe(.flip(chance.happens(0.10))) }
            return guardrail.state.harmed
        }
        Self.expectFew(alarms, of: runs, "flips")
    }

    /// One of a hundred right for the champion alone, three for the candidate alone or the other way about: the mean is exactly the margin.
    @Test(arguments: [(0.01, 0.03), (0.2, 0.22), (0, 0.02)]) func accuracyAtTheMarginIsRarelyCalledHarm(better: Double, worse: Double) throws {
        let runs = Runs.count(100)
        let alarms = try Runs.counted(runs) { chance in
            var guardrail = try Guardrail(.accuracy, share: 0)
            for _ in 0..<400 {
                let candidateOnly = chance.happens(better), championOnly = !candidateOnly && chance.happens(worse / (1 - better))
                guardrail.observe(.pair(candidate: candidateOnly ? 1 : 0, champion: championOnly ? 1 : 0))
            }
            return guardrail.state.harmed
        }
        Self.expectFew(alarms, of: runs, "accuracy \(better) \(worse)")
    }

    @Test(arguments: [0.05, -0.05, 0]) func aRateAtEitherEdgeIsRarelyCalledHarm(change: Double) throws {
        let runs = Runs.count(100)
        let alarms = try Runs.counted(runs) { chance in
            var guardrail = try Guardrail(.rate, share: 0, expected: 0.1)
            for _ in 0..<300 {
                let up = chance.happens(0.1 + 0.1 + change)
                guardrail.observe(.pair(candidate: up ? 1 : 0, champion: !up && chance.happens(0.1 / (0.8 - change)) ? 1 : 0))
            }
            return guardrail.state.harmed
        }
        Self.expectFew(alarms, of: runs, "rate \(change)")
    }

    /// The truth lies outside the bounds at some look in few runs: both sides together, so twice alpha.
    @Test func theIntervalHoldsAtAllLooksTogether() throws {
        let runs = Runs.count(100), threshold = 3.6888794541139363  // log(1 / 0.025)
        let misses = Runs.counted(runs) { chance in
            var counts = Differences()
            var missed = false
            for _ in 0..<300 {
                _ = counts.observe(chance.happens(0.3) ? 1 : chance.happens(0.2) ? -1 : 0)  // mean 0.3 - 0.7 * 0.2
                missed = missed || counts.logCapital(above: 0.16) >= threshold || counts.logCapital(below: 0.16) >= threshold
            }
            return missed
        }
        Self.expectFew(misses, of: runs, "interval")
    }

    @Test func worseThanTheMarginIsRarelyCalledNoWorse() {
        let runs = Runs.count(200)
        let wrong = Runs.counted(runs) { chance in
            var counts = BinaryCounts()
            var wrong = false
            for _ in 0..<400 {
                _ = counts.observe(chance.happens(0.1001))
                wrong = wrong || (counts.estimate ?? 1) < 0.1 && counts.logEvidence(against: 0.1) >= 2.995732273553991
            }
            return wrong
        }
        Self.expectFew(wrong, of: runs, "no worse")
    }

    @Test(arguments: [0.05, 0.25, 0.5]) func anEvenSplitIsRarelyCalledUneven(share: Double) throws {
        let runs = Runs.count(100)
        let alarms = try Runs.counted(runs) { chance in
            var guardrail = try Guardrail(.ratio, share: share)
            for entity in 0..<300 {
                let arm: Arm = chance.happens(share) ? .candidate : .champion
                // Any number of decisions each.
                for _ in 0...(entity % 3) { guardrail.observe(.split(entity: UInt64(entity), arm: arm, happened: false)) }
                if entity == 200 { try guardrail.beginWindow(share: share) }
            }
            return guardrail.state.harmed
        }
        Self.expectFew(alarms, of: runs, "sample ratio \(share)")
    }

    /// 60 entities, a quarter with the candidate for good; three in ten fail nine times in ten, the others hardly ever, whatever the arm.
    private struct Clustered {
        var decisions: [(entity: Int, arm: Arm, failed: Bool)] = []

        init(_ chance: inout Seeded, each: Int) {
            let entities = (0..<60).map { _ in (arm: chance.happens(0.25) ? Arm.candidate : .champion, rate: chance.happens(0.3) ? 0.9 : 0.01) }
            for _ in 0..<(60 * each) {
                let entity = Int.random(in: 0..<60, using: &chance)
                decisions.append((entity, entities[entity].arm, chance.happens(entities[entity].rate)))
            }
        }
    }

    @Test func oneEntityWithManyDecisionsIsNotManyEntities() throws {
        let runs = Runs.count(30)
        var naive = 0
        let alarms = try Runs.counted(runs) { chance in
            let traffic = Clustered(&chance, each: 200)
            var guardrail = try Guardrail(.errors, share: 0.25)
            var counts = Differences()
            var champion: Bool?
            var alarmed = false
            for (index, decision) in traffic.decisions.enumerated() {
                // Four days; each entity counts once a day, and keeps its arm.
                if index > 0, index % 3000 == 0 { try guardrail.beginWindow(share: 0.25) }
                guardrail.observe(.split(entity: UInt64(decision.entity), arm: decision.arm, happened: decision.failed))
                if decision.arm == .champion {
                    champion = decision.failed
                } else if let before = champion {
                    _ = counts.observe((decision.failed ? 1 : 0) - (before ? 1 : 0))
                    champion = nil
                    if !alarmed, index % 10 == 0 { alarmed = counts.logCapital(above: 0.01) >= 2.995732273553991 }
                }
            }
            naive += alarmed ? 1 : 0
            return guardrail.state.harmed
        }
        Self.expectFew(alarms, of: runs, "entities")
        #expect(Double(naive) > 2 * Runs.most(runs, alpha: Self.alpha), "counting decisions alarms in \(naive) of \(runs) harmless runs")
    }

    /// A rate that rises and falls for both arms over the day is no difference between them.
    @Test func aDriftOfBothArmsIsNoHarm() throws {
        let runs = Runs.count(100)
        let alarms = try Runs.counted(runs) { chance in
            var guardrail = try Guardrail(.errors, share: 0.25)
            for entity in 0..<1500 {
                let rate = entity < 300 ? 0.6 : entity < 900 ? 0.05 : 0.3
                guardrail.observe(.split(entity: UInt64(entity), arm: chance.happens(0.25) ? .candidate : .champion, happened: chance.happens(rate)))
            }
            return guardrail.state.harmed
        }
        Self.expectFew(alarms, of: runs, "drift")
    }
}
