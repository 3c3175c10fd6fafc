// A guardrail's answers, what makes it errored, and how it goes on after a restart.
import Foundation
import Primitives
import Testing

@testable import Guardrails

@Suite struct GuardrailTests {
    @Test func eachAnswerIsGiven() throws {
        var flips = try Guardrail(.flips, share: 0)
        #expect(flips.reading() == GuardrailReading(answer: .undecided, estimate: nil, interval: Interval(lower: 0, upper: 1), count: 0, missing: 0, fault: nil))
        flips.flips(100, false)
        #expect(flips.reading().answer == .noWorse && flips.reading().interval.upper < 0.1 && flips.reading().count == 100)
        flips.flips(100, true)
        let reading = flips.reading()
        #expect(reading.answer == .harm && reading.interval.lower > 0.1 && reading.estimate == 0.5)
    }

    @Test func theAnswerAndTheIntervalAgree() throws {
        var chance = Seeded(3)
        var guardrails = [try Guardrail(.flips, share: 0), try Guardrail(.rate, share: 0), try Guardrail(.accuracy, share: 0)]
        for _ in 0..<800 {
            let first = chance.happens(0.2), second = chance.happens(0.1)
            for index in guardrails.indices {
                guardrails[index].observe(index == 0 ? .flip(first) : .pair(candidate: first ? 1 : 0, champion: second ? 1 : 0))
                let guardrail = guardrails[index], interval = guardrail.reading().interval
                let (low, high) = [(-2, 0.1), (-0.05, 0.05), (-0.02, 2)][index]
                #expect(guardrail.isHarmful == (interval.lower > high || interval.upper < low))
                #expect(guardrail.isNoWorse == (interval.upper < high && interval.lower > low))
            }
        }
    }

    @Test func harmStays() throws {
        var guardrail = try Guardrail(.accuracy, share: 0)
        guardrail.pairs(60, candidate: 0, champion: 1)
        #expect(guardrail.reading().answer == .harm)
        guardrail.pairs(5000, candidate: 1, champion: 0)
        #expect(guardrail.reading().answer == .harm && guardrail.reading().interval.lower > 0, "the interval tells what is seen now")
    }

    @Test func differencesHaveTheirDirection() throws {
        for (rule, worse) in [(GuardrailRule.accuracy, -1.0), (GuardrailRule(signal: .rate(GuardrailRule.offer), harm: .moreBy(0.02), alpha: 0.05, then: .pause), 1)] {
            for sign in [1.0, -1] {
                var guardrail = try Guardrail(rule, share: 0)
                guardrail.pairs(200, candidate: sign * worse > 0 ? 1 : 0, champion: sign * worse > 0 ? 0 : 1)
                #expect(guardrail.reading().answer == (sign > 0 ? .harm : .noWorse), "\(rule.signal) \(sign)")
            }
        }
        for candidate in [0.0, 1] {
            var rate = try Guardrail(.rate, share: 0)
            rate.pairs(200, candidate: candidate, champion: 1 - candidate)
            #expect(rate.reading().answer == .harm, "a rate must not move either way")
        }
    }

    @Test func anExpectedChangeMovesTheMargin() throws {
        var guardrail = try Guardrail(.rate, share: 0, expected: 0.99)
        guardrail.pairs(400, candidate: 1, champion: 0)
        #expect(guardrail.reading().answer == .noWorse)
        guardrail = try Guardrail(.rate, share: 0, expected: -0.99)
        guardrail.pairs(400, candidate: 1, champion: 0)
        #expect(guardrail.reading().answer == .harm)
    }

    @Test func overOneInAHundredMissingIsErrored() throws {
        var guardrail = try Guardrail(.accuracy, share: 0)
        guardrail.pairs(99, candidate: 1, champion: 1)
        guardrail.observe(.missing)
        #expect(guardrail.reading().answer == .undecided, "one of a hundred is not over one in a hundred")
        guardrail.observe(.missing)
        #expect(guardrail.reading().answer == .errored && guardrail.reading().fault == "2 of 101 pairs of outcome.accuracy are missing, which is over 1 %")
        guardrail.pairs(99, candidate: 1, champion: 1)
        #expect(guardrail.reading().answer != .errored)
        guardrail.pairs(200, candidate: 0, champion: 1)
        for _ in 0..<50 { guardrail.observe(.missing) }
        #expect(guardrail.reading().answer == .harm, "what is proved is not undone by what is missing")
    }

    @Test(arguments: [Double.nan, .infinity, -0.5, 1.5]) func aValueThatIsNoneIsErrored(value: Double) throws {
        for sight in [GuardrailSight.pair(candidate: value, champion: 0), .pair(candidate: 0, champion: value)] {
            var guardrail = try Guardrail(.rate, share: 0)
            guardrail.pairs(500, candidate: 1, champion: 1)
            guardrail.observe(sight)
            let reading = guardrail.reading()
            #expect(reading.answer == .errored && reading.count == 500 && reading.fault == "1 sights of rate.offer could not be read")
            #expect(reading.interval.lower > -0.1 && reading.interval.upper < 0.1)
        }
    }

    @Test func aSightOfAnotherKindIsErrored() throws {
        let sights: [GuardrailSight] = [.pair(candidate: 1, champion: 0), .flip(true), .missing, .split(entity: 1, arm: .candidate, happened: true)]
        let taken: [(GuardrailRule, Set<Int>)] = [(.flips, [1, 2]), (.rate, [0, 2]), (.accuracy, [0, 2]), (.errors, [3]), (.ratio, [3])]
        for (rule, fits) in taken {
            for (index, sight) in sights.enumerated() {
                var guardrail = try Guardrail(rule, share: 0.5)
                guardrail.observe(sight)
                #expect((guardrail.state.unreadable == 0) == fits.contains(index), "\(rule.signal) \(index)")
            }
        }
    }

    @Test func theSampleRatioIsHarmOrUndecided() throws {
        var guardrail = try Guardrail(.ratio, share: 0.25)
        for entity in 0..<2000 { guardrail.observe(.split(entity: UInt64(entity), arm: entity % 4 == 0 ? .candidate : .champion, happened: false)) }
        let reading = guardrail.reading()
        #expect(reading.answer == .undecided && reading.estimate == 0.25 && reading.interval.lower < 0.25 && reading.interval.upper > 0.25)
    }

    @Test func whatAnOlderWindowProvedNoLongerStands() throws {
        var guardrail = try Guardrail(.errors, share: 0.5)
        for entity in 0..<4000 { guardrail.observe(.split(entity: UInt64(entity), arm: entity % 2 == 0 ? .candidate : .champion, happened: false)) }
        #expect(guardrail.reading().answer == .noWorse)
        try guardrail.beginWindow(share: 0.5)
        #expect(guardrail.reading().answer == .noWorse && guardrail.reading().count == 0)
        try guardrail.beginWindow(share: 0.5)
        #expect(guardrail.reading().answer == .undecided)
    }

    @Test func splitTrafficNeedsASplit() throws {
        for rule in [GuardrailRule.errors, .ratio] {
            let error = #expect(throws: GuardrailError.self) { _ = try Guardrail(rule, share: 0) }
            #expect(error?.code == .unfit && error?.message == "\(rule.signal) compares split traffic, and a share of 0.0 splits none; look at it in canary steps")
            var guardrail = try Guardrail(rule, share: 0.5)
            #expect(throws: GuardrailError.self) { try guardrail.beginWindow(share: 1) }
        }
        #expect(throws: GuardrailError.self) { _ = try Guardrail(.accuracy, share: 0, expected: 0.1) }
        #expect(throws: GuardrailError.self) { _ = try Guardrail(.rate, share: 0, expected: 1) }
        #expect(throws: GuardrailError.self) { _ = try Guardrail(.rate, share: 0, expected: .nan) }
        #expect(throws: GuardrailError.self) { _ = try Guardrail(GuardrailRule(signal: .errors, harm: .moreBy(0.1), alpha: .nan, then: .pause), share: 0.5) }
    }

    // MARK: Restart, and several nodes

    private static func busy(_ rule: GuardrailRule) throws -> Guardrail {
        var chance = Seeded(11)
        var guardrail = try Guardrail(rule, share: 0.5)
        for entity in 0..<150 {
            guardrail.observe(sight(rule, entity, &chance))
            if rule.signal.isPaired, entity == 40 { guardrail.observe(.missing) }
            if entity == 70 { try guardrail.beginWindow(share: 0.5) }
        }
        return guardrail
    }

    private static func sight(_ rule: GuardrailRule, _ entity: Int, _ chance: inout Seeded) -> GuardrailSight {
        let happened = chance.happens(0.1)
        switch rule.signal {
        case .decisionFlips: return .flip(happened)
        case .rate, .outcomeAccuracy: return .pair(candidate: happened ? 1 : 0, champion: chance.happens(0.1) ? 1 : 0)
        case .errors, .overBudget, .sampleRatio:
            return .split(entity: UInt64.max - UInt64(entity), arm: chance.happens(0.5) ? .candidate : .champion, happened: happened)
        }
    }

    @Test(arguments: [GuardrailRule.flips, .rate, .accuracy, .errors, .ratio]) func aRestartChangesNothing(rule: GuardrailRule) throws {
        var before = try Self.busy(rule)
        var after = try Guardrail(rule, state: try kept(before.state))
        #expect(after == before && after.reading() == before.reading())
        var one = Seeded(5), other = Seeded(5)
        for entity in 100..<300 {
            before.observe(Self.sight(rule, entity, &one))
            after.observe(Self.sight(rule, entity, &other))
        }
        #expect(after == before && StrictJSON.encode(after.state) == StrictJSON.encode(before.state))
    }

    @Test func theKeptFormIsFrozen() throws {
        var guardrail = try Guardrail(.accuracy, share: 0)
        guardrail.pairs(2, candidate: 0, champion: 1)
        guardrail.observe(.missing)
        #expect(
            String(decoding: StrictJSON.encode(guardrail.state), as: UTF8.self)
                == #"{"format":1,"harmed":false,"measure":{"differences":{"pairs":{"less":2,"more":0,"same":0}}},"missing":1,"unreadable":0}"#)
        var ratio = try Guardrail(.ratio, share: 0.25)
        ratio.observe(.split(entity: 9, arm: .candidate, happened: false))
        #expect(
            String(decoding: StrictJSON.encode(ratio.state), as: UTF8.self)
                == #"{"format":1,"harmed":false,"measure":{"sampleRatio":{"arms":{"candidate":1,"champion":0,"share":0.25,"sights":{"seen":[9],"window":1}}}},"missing":0,"unreadable":0}"#
        )
    }

    private static func state(_ measure: String, format: Int = 1, rest: String = #""missing":0,"unreadable":0,"harmed":false"#) -> String {
        #"{"format":\#(format),"measure":\#(measure),\#(rest)}"#
    }

    private static let flips = #"{"flips":{"pairs":{"yes":1,"no":2}}}"#
    private static func ratio(_ share: String, _ champion: Int, _ candidate: Int, window: Int = 1, seen: String = "[1,2]") -> String {
        #"{"sampleRatio":{"arms":{"share":\#(share),"champion":\#(champion),"candidate":\#(candidate),"sights":{"window":\#(window),"seen":\#(seen)}}}}"#
    }
    private static func split(_ more: String, candidates: String = "[]", champion: String = "null", seen: String = "[1,2,3,4]") -> String {
        #"{"split":{"matches":{"differences":{"less":0,"same":0,"more":\#(more)},"champion":\#(champion),"candidates":\#(candidates),"sights":{"window":1,"seen":\#(seen)}}}}"#
    }

    @Test func aSoundStateIsRead() throws {
        for sound in [Self.flips, Self.ratio("0.5", 1, 1), Self.split("1"), Self.split("1", candidates: "[true,false]"), Self.split("1", champion: "true")] {
            #expect(throws: Never.self) { _ = try decoded(GuardrailState.self, Self.state(sound)) }
        }
    }

    @Test(arguments: [
        state(flips, format: 2), state(flips, rest: #""missing":0,"unreadable":0"#), state(flips, rest: #""missing":-1,"unreadable":0,"harmed":false"#),
        state(flips, rest: #""missing":0,"unreadable":1099511627777,"harmed":false"#), state(flips, rest: #""missing":0,"unreadable":0,"harmed":false,"provedInWindow":0"#),
        state("{}"), state(#"{"flips":{"pairs":{"yes":-1,"no":0}}}"#), state(#"{"flips":{"pairs":{"yes":9223372036854775807,"no":1}}}"#),
        state(#"{"flips":{"pairs":{"yes":1.5,"no":0}}}"#), state(#"{"flips":{"pairs":{"yes":1e30,"no":0}}}"#),
        state(#"{"differences":{"pairs":{"less":-1,"same":0,"more":0}}}"#), state(#"{"differences":{"pairs":{"less":1e300,"same":0,"more":0}}}"#),
        state(#"{"differences":{"pairs":{"less":"NaN","same":0,"more":0}}}"#), state(#"{"differences":{"pairs":{"less":0,"same":null,"more":0}}}"#),
        state(ratio("0", 1, 1)), state(ratio("1", 1, 1)), state(ratio("0.5", 2, 1)), state(ratio("0.5", -1, 3)), state(ratio("0.5", 1, 1, window: 0)),
        state(ratio("0.5", 1, 1, window: 100_001)), state(ratio("0.5", 1, 1, seen: "[1,1]")), state(ratio("0.5", 1, 1, seen: "[-1,1]")), state(split("3")),
        state(split("2", champion: "true")), state(split("1", candidates: "[true]", champion: "true")), state(split("1", candidates: "[true,true,true]")), "[]", "",
    ]) func aDamagedStateIsRefused(text: String) { #expect(throws: DecodingError.self) { _ = try decoded(GuardrailState.self, text) } }

    @Test func aStateOfAnotherRuleIsRefused() throws {
        let rules = [GuardrailRule.flips, .rate, .errors, .ratio]
        for rule in rules {
            for other in rules where rule != other {
                let error = #expect(throws: GuardrailError.self) { _ = try Guardrail(rule, state: try Guardrail(other, share: 0.5).state) }
                #expect(error?.code == .damaged && error?.message == "the kept state is not one of \(rule.signal); throw it away and count anew")
            }
        }
    }

    @Test func pairsOfSeveralNodesAddUp() throws {
        var one = try Guardrail(.accuracy, share: 0), two = one, both = one
        one.pairs(20, candidate: 0, champion: 1)
        two.pairs(20, candidate: 0, champion: 1)
        two.pairs(5, candidate: 1, champion: 1)
        both.pairs(40, candidate: 0, champion: 1)
        both.pairs(5, candidate: 1, champion: 1)
        let other = two.state
        try one.add(other)
        #expect(one.reading() == both.reading() && one.reading().answer == .harm && one.reading().count == 45)
        var clean = try Guardrail(.accuracy, share: 0)
        clean.pairs(3000, candidate: 1, champion: 1)
        #expect(other.harmed)
        try clean.add(other)
        #expect(!clean.state.harmed, "a node's verdict is its own; the sum is judged by itself")
        #expect(throws: GuardrailError.self) { try clean.add(try Guardrail(.flips, share: 0).state) }
        var split = try Guardrail(.errors, share: 0.5)
        #expect(throws: GuardrailError.self) { try split.add(try Guardrail(.errors, share: 0.5).state) }
    }

    @Test(arguments: [
        (1e-3, 6.907178885383853), (0.5, 0.5723649429247), (1, 0), (2.5, 0.2846828704729192), (9.999, 12.799575780077413), (10, 12.801827480081469),
        (123.25, 468.6144829505166), (1e6, 12815504.569147611), (1e12, 26631021115915.65),
    ]) func logGammaIsThatOfScipy(x: Double, value: Double) {
        #expect(near(Logarithms.logGamma(x), value, within: 1e-14))
    }

    @Test func alphaIsSpentOnce() {
        #expect((1...100_000).reduce(0) { $0 + Counting.spent(0.05, window: $1) } < 0.05)
        #expect(Counting.spent(0.05, window: 1) == 0.025)
    }
}
