// Points in time as they are written down, and spans of time as people write them.

/// A wall-clock time in whole milliseconds since 1970 UTC. Only for records and ages: leases, deadlines and durations of
/// work are measured on a monotonic clock. Text form, frozen: RFC 3339 in UTC with milliseconds, `2013-06-30T12:00:00.000Z`.
package struct Instant: Hashable, Comparable, Sendable {
    package private(set) var milliseconds: Int64

    /// The years 0001 to 9999: what RFC 3339 can spell, and far from overflow.
    package static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    /// Clamped to `range`, so that arithmetic on a recorded time cannot overflow.
    package init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, Self.range.lowerBound), Self.range.upperBound)
    }

    package static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    package func adding(_ span: Duration) -> Instant {
        Instant(milliseconds: milliseconds.addingReportingOverflow(span.wholeMilliseconds).partialValue)
    }

    /// How long after `earlier` this is; negative when it is before.
    package func since(_ earlier: Instant) -> Duration { .milliseconds(milliseconds - earlier.milliseconds) }
}

extension Instant: CustomStringConvertible {
    package var description: String {
        var text: [UInt8] = []
        append(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the text form.
    package func append(to buffer: inout [UInt8]) {
        let days = Int64((Double(milliseconds) / 86_400_000).rounded(.down))
        let rest = milliseconds - days * 86_400_000
        let (year, month, day) = Self.civil(fromDays: days)
        let seconds = rest / 1000
        for (value, width, end) in [
            (year, 4, "-"), (month, 2, "-"), (day, 2, "T"), (seconds / 3600, 2, ":"), (seconds / 60 % 60, 2, ":"), (seconds % 60, 2, "."), (rest % 1000, 3, "Z"),
        ] as [(Int64, Int, Unicode.Scalar)] {
            Self.append(value, width, end, to: &buffer)
        }
    }

    /// Reads RFC 3339: a date, or a date and a time with optional fraction and an offset or `Z`. Anything else is `nil`.
    package init?(parsing text: some StringProtocol) {
        var reader = DigitReader(Array(text.utf8))
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"), let day = reader.number(2),
            (1...12).contains(month), (1...Self.daysIn(month: month, year: year)).contains(day), year >= 1
        else { return nil }
        let midnight = Self.days(fromCivil: year, month, day) * 86_400_000
        if reader.atEnd {
            self.init(milliseconds: midnight)
            return
        }
        guard reader.take("T") || reader.take(" "), let hour = reader.number(2), reader.take(":"), let minute = reader.number(2), hour < 24, minute < 60
        else { return nil }
        var second: Int64 = 0
        var fraction: Int64 = 0
        if reader.take(":") {
            guard let value = reader.number(2), value < 60 else { return nil }
            second = value
            if reader.take(".") {
                guard let value = reader.thousandths() else { return nil }
                fraction = value
            }
        }
        guard let offset = reader.offsetMinutes(), reader.atEnd else { return nil }
        let milliseconds = midnight + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction
        guard Self.range.contains(milliseconds) else { return nil }
        self.init(milliseconds: milliseconds)
    }

    /// `value` is at least 0 and has at most `width` digits.
    private static func append(_ value: Int64, _ width: Int, _ end: Unicode.Scalar, to buffer: inout [UInt8]) {
        var unit: Int64 = 1
        for _ in 1..<width { unit *= 10 }
        while unit > 0 {
            buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / unit % 10))
            unit /= 10
        }
        buffer.append(UInt8(ascii: end))
    }

    // Days and civil dates after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013): eras of 400 years
    // that begin on 1 March, so that the leap day comes last.
    private static func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func daysIn(month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension Instant: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let instant = Instant(parsing: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text.shown(80))' is not an RFC 3339 time")
        }
        self = instant
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Duration {
    /// Saturates far outside any span that is written down.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let clamped = min(max(seconds, -9_000_000_000_000), 9_000_000_000_000)
        return clamped * 1000 + attoseconds / 1_000_000_000_000_000
    }

    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }

    /// Reads a whole number and a unit, as our files spell spans: `250ms`, `10s`, `20m`, `6h`, `7d`.
    package init?(parsing text: some StringProtocol) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.count <= 9, let count = Int64(digits) else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(count)
        case "s": self = .seconds(count)
        case "m": self = .seconds(count * 60)
        case "h": self = .seconds(count * 3600)
        case "d": self = .seconds(count * 86_400)
        default: return nil
        }
    }

    /// The largest unit that loses nothing: `7d`, `90s`, `250ms`.
    package var spelled: String {
        let all = wholeMilliseconds
        for (unit, size) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] where all != 0 && all % size == 0 {
            return "\(all / size)\(unit)"
        }
        return "\(all)ms"
    }
}

/// Reads fixed-width decimal fields out of ASCII.
private struct DigitReader {
    private let text: [UInt8]
    private var position = 0

    init(_ text: [UInt8]) { self.text = text }

    var atEnd: Bool { position == text.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func number(_ width: Int) -> Int64? {
        guard position + width <= text.count else { return nil }
        var value: Int64 = 0
        for digit in text[position..<position + width] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        position += width
        return value
    }

    /// One to nine digits after the point, cut to thousandths.
    mutating func thousandths() -> Int64? {
        var value: Int64 = 0
        var count = 0
        while count < 9, let digit = number(1) {
            if count < 3 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        return count == 1 ? value * 100 : count == 2 ? value * 10 : value
    }

    mutating func offsetMinutes() -> Int64? {
        if take("Z") { return 0 }
        let sign: Int64
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
