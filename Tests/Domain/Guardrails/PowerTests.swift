// Harm of a given size is found, and harmless is proved, within a number of observations that a release can wait for.
import Guardrails
import Testing

@Suite struct PowerTests {
    private static func expectMost(_ found: Int, of runs: Int) { #expect(found * 10 >= runs * 9, "\(found) of \(runs) runs") }

    @Test func flipsOfTwiceTheMarginAreFound() throws {
        let found = try Runs.counted(40) { chance in
            var guardrail = try Guardrail(.flips, share: 0)
            for _ in 0..<300 { guardrail.observe(.flip(chance.happens(0.2))) }
            return guardrail.state.harmed
        }
        Self.expectMost(found, of: 40)
    }

    /// What the walking skeleton's third version does: a field is missing, and every seventh decision turns wrong.
    @Test func aLossOfAccuracyIsFoundWithinTwoHundredPairs() throws {
        let found = try Runs.counted(40) { chance in
            var guardrail = try Guardrail(.accuracy, share: 0)
            for _ in 0..<200 {
                let worse = chance.happens(0.17)
                guardrail.observe(.pair(candidate: worse ? 0 : 1, champion: !worse && chance.happens(0.02) ? 0 : 1))
            }
            return guardrail.state.harmed
        }
        Self.expectMost(found, of: 40)
    }

    @Test func anEqualModelIsProvedNoWorseWithinTwoThousandPairs() throws {
        var counted = 0
        let proved = try Runs.counted(40) { chance in
            var guardrail = try Guardrail(.accuracy, share: 0)
            for _ in 0..<2000 {
                let differ = chance.happens(0.04), better = chance.happens(0.5)
                guardrail.observe(.pair(candidate: differ && better ? 1 : 0, champion: differ && !better ? 1 : 0))
            }
            counted += guardrail.state.harmed ? 1 : 0
            return guardrail.reading().answer == .noWorse
        }
        Self.expectMost(proved, of: 40)
        #expect(counted == 0)
    }

    @Test func aRateThatMovesAsMeantIsProvedAndOneThatDoesNotIsHarm() throws {
        let answers = try (0..<40).map { seed in
            var chance = Seeded(seed)
            var meant = try Guardrail(.rate, share: 0, expected: 0.1), unmeant = try Guardrail(.rate, share: 0)
            for _ in 0..<1500 {
                let up = chance.happens(0.12), down = !up && chance.happens(0.02)
                let sight = GuardrailSight.pair(candidate: up ? 1 : 0, champion: down ? 1 : 0)
                meant.observe(sight)
                unmeant.observe(sight)
            }
            return (meant.reading().answer, unmeant.reading().answer)
        }
        Self.expectMost(answers.count { $0.0 == .noWorse }, of: 40)
        Self.expectMost(answers.count { $0.1 == .harm }, of: 40)
    }

    @Test func aFaultThatBeginsAfterAllEntitiesWereSeenIsFoundInALaterWindow() throws {
        let found = try Runs.counted(20) { chance in
            var guardrail = try Guardrail(.errors, share: 0.25)
            let arms = (0..<600).map { _ in chance.happens(0.25) ? Arm.candidate : .champion }
            for day in 1...4 {
                for entity in arms.indices.shuffled(using: &chance) {
                    let fails = arms[entity] == .candidate && day >= 3 && chance.happens(0.3)
                    guardrail.observe(.split(entity: UInt64(entity), arm: arms[entity], happened: fails))
                }
                if day < 3, guardrail.state.harmed { return false }
                try guardrail.beginWindow(share: 0.25)
            }
            return guardrail.state.harmed
        }
        Self.expectMost(found, of: 20)
    }

    @Test(arguments: [(0.25, 0.10, 1000), (0.5, 0.0, 60), (0.05, 0.5, 60)]) func anUnevenSplitIsFound(share: Double, truth: Double, within: Int) throws {
        let found = try Runs.counted(20) { chance in
            var guardrail = try Guardrail(.ratio, share: share)
            for entity in 0..<within {
                guardrail.observe(.split(entity: UInt64(entity), arm: chance.happens(truth) ? .candidate : .champion, happened: false))
            }
            return guardrail.reading().answer == .harm
        }
        Self.expectMost(found, of: 20)
    }
}
