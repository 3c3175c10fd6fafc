// Recorded times: their one spelling, what is read, and that arithmetic stays within the years 0001 to 9999.
import Primitives
import Testing

@Suite struct InstantTests {
    /// Computed with Python's proleptic Gregorian calendar.
    private static let golden: [(text: String, milliseconds: Int64)] = [
        ("0001-01-01T00:00:00.000Z", -62_135_596_800_000), ("0001-01-01T00:00:00.001Z", -62_135_596_799_999), ("0004-02-29T00:00:00.000Z", -62_035_891_200_000),
        ("0100-03-01T00:00:00.000Z", -59_006_361_600_000), ("0400-02-29T23:59:59.999Z", -49_539_254_400_001), ("1582-10-15T00:00:00.000Z", -12_219_292_800_000),
        ("1899-12-31T23:59:59.999Z", -2_208_988_800_001), ("1900-03-01T00:00:00.000Z", -2_203_891_200_000), ("1969-12-31T23:59:59.999Z", -1),
        ("1970-01-01T00:00:00.000Z", 0), ("2000-02-29T12:34:56.789Z", 951_827_696_789), ("2013-06-30T12:00:00.000Z", 1_372_593_600_000),
        ("2016-12-31T23:59:59.000Z", 1_483_228_799_000), ("2024-02-29T00:00:00.000Z", 1_709_164_800_000), ("2038-01-19T03:14:08.000Z", 2_147_483_648_000),
        ("2100-02-28T23:59:59.999Z", 4_107_542_399_999), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ]

    @Test(arguments: golden.indices) func isSpeltAndReadAsFrozen(_ index: Int) {
        let (text, milliseconds) = Self.golden[index]
        #expect(Instant(milliseconds: milliseconds).description == text)
        #expect(Instant(parsing: text)?.milliseconds == milliseconds)
        #expect(Instant(parsing: text[...])?.milliseconds == milliseconds)
    }

    /// What people and other programs write, and our spelling of it.
    private static let accepted: [(text: String, spelled: String)] = [
        ("2013-06-30", "2013-06-30T00:00:00.000Z"), ("2013-06-30T12:00Z", "2013-06-30T12:00:00.000Z"), ("2013-06-30 12:00:01Z", "2013-06-30T12:00:01.000Z"),
        ("2013-06-30T12:00:01.2Z", "2013-06-30T12:00:01.200Z"), ("2013-06-30T12:00:01.02Z", "2013-06-30T12:00:01.020Z"),
        ("2013-06-30T12:00:01.002Z", "2013-06-30T12:00:01.002Z"), ("2013-06-30T12:00:01.0029Z", "2013-06-30T12:00:01.002Z"),
        ("2013-06-30T12:00:01.999999999Z", "2013-06-30T12:00:01.999Z"), ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("2013-06-30T12:00:00+00:00", "2013-06-30T12:00:00.000Z"), ("2013-06-30T12:00:00-00:00", "2013-06-30T12:00:00.000Z"),
        ("2013-06-30T12:00:00+02:00", "2013-06-30T10:00:00.000Z"), ("2013-06-30T12:00:00-05:30", "2013-06-30T17:30:00.000Z"),
        ("2013-06-30T00:30:00.5+01:00", "2013-06-29T23:30:00.500Z"), ("2013-12-31T23:00-01:00", "2014-01-01T00:00:00.000Z"),
        ("2024-02-28T23:30:00-00:30", "2024-02-29T00:00:00.000Z"), ("2013-06-30T12:00:00+23:59", "2013-06-29T12:01:00.000Z"),
        ("2013-06-30T12:00:00-23:59", "2013-07-01T11:59:00.000Z"), ("0001-01-01", "0001-01-01T00:00:00.000Z"), ("9999-12-31", "9999-12-31T00:00:00.000Z"),
        ("0001-01-01T23:59:00+23:59", "0001-01-01T00:00:00.000Z"), ("9999-12-31T00:00:00-23:59", "9999-12-31T23:59:00.000Z"),
    ]

    @Test(arguments: accepted.indices) func reads(_ index: Int) {
        let (text, spelled) = Self.accepted[index]
        #expect(Instant(parsing: text)?.description == spelled)
    }

    @Test(arguments: [
        "", " ", "2013", "2013-06", "2013-06-3", "2013-6-30", "13-06-30", "02013-06-30", "20130630", "2013-06-30T", "2013-06-30Z", "2013-06-30+02:00", "2013/06/30",
        "2013-00-30", "2013-13-30", "2013-06-00", "2013-06-31", "2013-01-32", "2013-02-29", "1900-02-29", "2100-02-29", "2024-02-30", "0000-01-01", "0000-02-29", "-001-01-01",
        "+2013-06-30", "10000-01-01", "2013-06-30T12:00:00", "2013-06-30T12:00", "2013-06-30T12Z", "2013-06-30T12:0Z", "2013-06-30T1:00Z", "2013-06-30T120000Z",
        "2013-06-30T24:00:00Z", "2013-06-30T12:60:00Z", "2013-06-30T23:59:60Z", "2016-12-31T23:59:60Z", "2013-06-30T12:00:00.Z", "2013-06-30T12:00:00,5Z",
        "2013-06-30T12:00:00.1234567890Z", "2013-06-30T12:00:00.-1Z", "2013-06-30T12:00:-1Z", "2013-06-30T12:00.5Z", "2013-06-30T12:00:00ZZ", "2013-06-30T12:00:00Z ",
        " 2013-06-30T12:00:00Z", "2013-06-30T12:00:00Z\n", "2013-06-30T12:00:00Z\0", "2013-06-30t12:00:00Z", "2013-06-30T12:00:00z", "2013-06-30  12:00:00Z",
        "2013-06-30T12:00:00 Z", "2013-06-30T12:00:00+02", "2013-06-30T12:00:00+0200", "2013-06-30T12:00:00+2:00", "2013-06-30T12:00:00+24:00", "2013-06-30T12:00:00+02:60",
        "2013-06-30T12:00:00+02:00Z", "2013-06-30T12:00:00+02:00:00", "2013-06-30T12:00:00\u{2212}02:00", "2013-06-30T12:00:00 Europe/Zurich", "2013-06-30T12:00:00GMT",
        "\u{ff12}\u{ff10}13-06-30", "2013-06-3\u{660}", "2013-06-30\u{301}", "2013-W26-7", "2013-181", "1372593600", "1372593600000", "now", "2013-06-30T12:00:00Z2013-06-30",
    ]) func refuses(_ text: String) {
        #expect(Instant(parsing: text) == nil)
        #expect(throws: DecodingError.self) { try StrictJSON.decode([Instant].self, from: StrictJSON.encode([text])) }
    }

    /// Counted day by day from the first one, with nothing but the leap rule.
    @Test func everyYearHasItsDays() {
        var day: Int64 = 0
        var wrong: [String] = []
        func check(_ text: String, _ day: Int64) {
            let milliseconds = Instant.range.lowerBound + day * 86_400_000
            if Instant(parsing: text)?.milliseconds != milliseconds || Instant(milliseconds: milliseconds + 86_399_999).description != text + "T23:59:59.999Z" {
                wrong.append(text)
            }
        }
        for year in 1...9999 {
            let isLeap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
            let digits = "000\(year)".suffix(4)
            check("\(digits)-02-28", day + 58)
            if isLeap { check("\(digits)-02-29", day + 59) } else if Instant(parsing: "\(digits)-02-29") != nil { wrong.append("\(digits)-02-29") }
            check("\(digits)-03-01", day + (isLeap ? 60 : 59))
            check("\(digits)-12-31", day + (isLeap ? 365 : 364))
            day += isLeap ? 366 : 365
        }
        #expect(wrong.isEmpty)
        #expect(Instant.range.lowerBound + day * 86_400_000 == Instant.range.upperBound + 1)
    }

    @Test(arguments: [2023, 2024]) func everyMonthHasItsDays(_ year: Int) {
        let days = [31, year == 2024 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var instant = Instant(parsing: "\(year)-01-01")
        for (month, count) in zip(1..., days) {
            for day in 1...count {
                let text = "\(year)-\("0\(month)".suffix(2))-\("0\(day)".suffix(2))"
                #expect(instant != nil && Instant(parsing: text) == instant && instant?.description == text + "T00:00:00.000Z")
                instant = instant?.adding(.seconds(86_400))
            }
            #expect(Instant(parsing: "\(year)-\("0\(month)".suffix(2))-\(count + 1)") == nil)
        }
    }

    @Test func anyTimeIsReadBackAndSortsAsItsText() {
        var random = SplitMix64(seed: 6)
        var before = Instant(milliseconds: 0)
        for number in 0..<10_000 {
            let near = Int64(random.next() % 4_000_000_000_000) - 2_000_000_000_000
            let instant = Instant(milliseconds: number.isMultiple(of: 2) ? near : Int64.random(in: Instant.range, using: &random))
            let text = instant.description
            if Instant(parsing: text) != instant || text.utf8.count != 24 || (instant < before) != (text < before.description) {
                Issue.record("\(instant.milliseconds) is spelt \(text)")
                return
            }
            before = instant
        }
    }

    @Test func isAStringInJSON() throws {
        let json = Array(#"["2013-06-30T12:00:00.000Z"]"#.utf8)
        let instants = try StrictJSON.decode([Instant].self, from: json)
        #expect(instants == [Instant(milliseconds: 1_372_593_600_000)])
        #expect(StrictJSON.encode(instants) == json)
    }

    @Test(arguments: [Int64.min, .min + 1, -62_135_596_800_001, 253_402_300_800_000, .max]) func staysWithinTheYears(_ milliseconds: Int64) {
        let edge = milliseconds < 0 ? Instant.range.lowerBound : Instant.range.upperBound
        #expect(Instant(milliseconds: milliseconds).milliseconds == edge)
    }

    @Test func arithmeticCannotOverflow() {
        let least = Instant(milliseconds: .min), greatest = Instant(milliseconds: .max), middle = Instant(milliseconds: 1)
        for instant in [least, middle, greatest] {
            for span in [Duration.seconds(Int64.max), .seconds(9_000_000_000_001), .milliseconds(Int64.max)] {
                #expect(instant.adding(span) == greatest)
            }
            for span in [Duration.seconds(Int64.min), .seconds(-9_000_000_000_001), .milliseconds(Int64.min)] {
                #expect(instant.adding(span) == least)
            }
            #expect(instant.adding(.zero) == instant)
        }
        #expect(middle.adding(.milliseconds(250)).milliseconds == 251 && middle.adding(.seconds(-1)).milliseconds == -999)
        #expect(middle.adding(.microseconds(1999)).milliseconds == 2, "less than a millisecond is cut")
        #expect(greatest.since(least) == .milliseconds(315_537_897_599_999) && least.since(greatest) == .milliseconds(-315_537_897_599_999))
        #expect(least.adding(greatest.since(least)) == greatest && middle.since(middle) == .zero)
    }
}
