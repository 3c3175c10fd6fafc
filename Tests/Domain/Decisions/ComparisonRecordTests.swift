// Comparisons have these very bytes, and are read back as what was written.
import Decisions
import Guardrails
import Inference
import Primitives
import Releases
import Testing

@Suite struct ComparisonRecordTests {
    private static func record(_ seed: UInt64) throws -> ComparisonRecord {
        var dice = SeededGenerator(state: seed)
        let numbers = [0, -0.0, 1, 0.05, 1e-300, 1e20, 123_456_789.125, -.leastNonzeroMagnitude, .greatestFiniteMagnitude, Double.random(in: 0...1, using: &dice)]
        let outcome = try #require(Outcome(["offer", "none", "a.b_c-9"].randomElement(using: &dice) ?? ""))
        func side() -> ComparisonRecord.Side { .init(outcome: outcome, score: numbers.randomElement(using: &dice).flatMap { Bool.random(using: &dice) ? $0 : nil }) }
        let pair = Bool.random(using: &dice) ? ComparisonRecord.Pair(champion: side(), candidate: side()) : nil
        return ComparisonRecord(
            decision: DecisionID(high: .random(in: 0 ... .max, using: &dice), low: .random(in: 0...9, using: &dice)),
            candidate: try #require(ReleaseID("rebooking-offer-2")), spec: Digest.of("spec \(seed)"), step: .random(in: 0...12, using: &dice),
            share: [0, 0.05, 0.25, 1].randomElement(using: &dice) ?? 0, arm: .allCases.randomElement(using: &dice) ?? .champion,
            entity: Bool.random(using: &dice) ? .random(in: 0 ... .max, using: &dice) : nil, failed: .random(using: &dice),
            latencyMicroseconds: .random(in: 0...9_007_199_254_740_992, using: &dice), answered: Instant(milliseconds: .random(in: Instant.range, using: &dice)),
            clock: Instant(milliseconds: .random(in: Instant.range, using: &dice)), sampled: pair != nil || .random(using: &dice), pair: pair)
    }

    @Test func aComparisonHasTheseBytes() throws {
        var record = try Self.record(1)
        record.pair = .init(champion: .init(outcome: try #require(Outcome("none")), score: 1), candidate: .init(outcome: try #require(Outcome("review")), score: nil))
        (record.entity, record.decision, record.answered, record.clock) = (7, DecisionID(high: 1, low: 0xabc), Instant(milliseconds: 1_372_593_600_123), Instant(milliseconds: 0))
        (record.arm, record.failed, record.sampled, record.latencyMicroseconds, record.share, record.step) = (.champion, false, true, 85, 0.05, 1)
        #expect(
            String(decoding: record.encoded, as: UTF8.self)
                == #"{"answered":"2013-06-30T12:00:00.123Z","arm":"champion","candidate":"rebooking-offer-2","clock":"1970-01-01T00:00:00.000Z","#
                + #""decision":"00000000000000010000000000000abc","entity":7,"failed":false,"format":1,"latencyMicroseconds":85,"#
                + #""pair":{"candidate":{"outcome":"review"},"champion":{"outcome":"none","score":1}},"sampled":true,"share":0.05,"spec":"\#(record.spec)","step":1}"#)
    }

    @Test func everyComparisonIsWrittenAsOtherJSONIsAndReadBack() throws {
        for seed in 0..<2000 as Range<UInt64> {
            let record = try Self.record(seed)
            try #require(record.encoded == StrictJSON.encode(record))
            try #require(try ComparisonRecord(parsing: record.encoded) == record)
        }
    }
}
