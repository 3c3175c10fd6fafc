// Spans of time as people write them: one whole number and one unit.
import Primitives
import Testing

@Suite struct DurationTests {
    private static let accepted: [(text: String, milliseconds: Int64, spelled: String)] = [
        ("250ms", 250, "250ms"), ("10s", 10_000, "10s"), ("20m", 1_200_000, "20m"), ("6h", 21_600_000, "6h"), ("7d", 604_800_000, "7d"), ("0ms", 0, "0ms"), ("0d", 0, "0ms"),
        ("1ms", 1, "1ms"), ("999ms", 999, "999ms"), ("1000ms", 1000, "1s"), ("1001ms", 1001, "1001ms"), ("60s", 60_000, "1m"), ("90s", 90_000, "90s"), ("60m", 3_600_000, "1h"),
        ("90m", 5_400_000, "90m"), ("24h", 86_400_000, "1d"), ("25h", 90_000_000, "25h"), ("86400s", 86_400_000, "1d"), ("007d", 604_800_000, "7d"),
        ("999999999ms", 999_999_999, "999999999ms"), ("999999999s", 999_999_999_000, "999999999s"), ("100000000d", 8_640_000_000_000_000, "100000000d"),
    ]

    @Test(arguments: accepted.indices) func reads(_ index: Int) {
        let (text, milliseconds, spelled) = Self.accepted[index]
        let duration = Duration(parsing: text)
        #expect(duration == .milliseconds(milliseconds) && Duration(parsing: text[...]) == duration)
        #expect(duration?.wholeMilliseconds == milliseconds)
        #expect(duration?.spelled == spelled)
        #expect(Duration(parsing: spelled) == duration)
    }

    @Test(arguments: [
        "", " ", "s", "ms", "d", "10", "10 s", " 10s", "10s ", "10s\n", "10s\0", "-10s", "+10s", "--1s", "1.5h", "1,5h", "1e3s", "0x10s", "1_000s", "10S", "10M", "10H", "10D",
        "10Ms",
        "10mS", "10us", "10\u{3bc}s", "10ns", "10w", "10y", "10sec", "10min", "10hours", "1h30m", "1d 2h", "10ss", "10sm", "PT10S", "P7D", "1000000000s", "9999999999ms",
        "99999999999999999999s", "0000000001s", "\u{ff11}s", "\u{661}s", "\u{b2}s", "1\u{301}0s", "10s\u{301}", "10\u{301}s", "10m\u{301}s", "10\u{ff53}", "10\u{17f}", "ten s",
        "inf", "nan",
    ]) func refuses(_ text: String) {
        #expect(Duration(parsing: text) == nil)
        #expect(Duration(parsing: text[...]) == nil)
    }

    @Test func anyNumberAndUnitIsReadAndSpeltBack() {
        var random = SplitMix64(seed: 7)
        let units: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
        for _ in 0..<10_000 {
            let (unit, size) = random.pick(units)
            let count = Int64(random.below(random.pick([10, 1000, 1_000_000, 100_000_000])))
            let duration = Duration(parsing: "\(count)\(unit)")
            if duration != .milliseconds(count * size) || (duration?.spelled).flatMap({ Duration(parsing: $0) }) != duration {
                Issue.record("\(count)\(unit) is \(duration.debugDescription), spelt \(duration?.spelled ?? "")")
                return
            }
        }
    }

    @Test func wholeMillisecondsCutsAndSaturates() {
        #expect(Duration.milliseconds(1500).wholeMilliseconds == 1500 && Duration.milliseconds(-1500).wholeMilliseconds == -1500)
        #expect(Duration.microseconds(1999).wholeMilliseconds == 1 && Duration.microseconds(-1999).wholeMilliseconds == -1)
        #expect(Duration.nanoseconds(999_999).wholeMilliseconds == 0)
        #expect(Duration.seconds(9_000_000_000_000).wholeMilliseconds == 9_000_000_000_000_000)
        for count in [Int64.max, 9_000_000_000_001] {
            #expect(Duration.seconds(count).wholeMilliseconds == 9_000_000_000_000_000)
            #expect(Duration.seconds(-count).wholeMilliseconds == -9_000_000_000_000_000)
        }
        #expect(Duration.seconds(Int64.min).wholeMilliseconds == -9_000_000_000_000_000)
    }

    @Test func secondsAreAFraction() {
        let spans: [(Duration, Double)] = [
            (.milliseconds(1500), 1.5), (.milliseconds(-250), -0.25), (.zero, 0), (.seconds(Int64.max), 9_223_372_036_854_775_808),
        ]
        for (span, seconds) in spans { #expect(span.seconds == seconds) }
    }

    /// The greatest span that a file can hold must not trap where it is used.
    @Test(arguments: ["999999999ms", "999999999s", "999999999m", "999999999h", "999999999d"]) func theGreatestSpansAreSafe(_ text: String) throws {
        let duration = try #require(Duration(parsing: text))
        #expect(duration.wholeMilliseconds > 0 && duration.seconds > 0 && !duration.spelled.isEmpty)
        #expect(Instant(milliseconds: .max).adding(duration) == Instant(milliseconds: .max))
    }
}
