// Reads JSON tokens by RFC 8259 out of borrowed bytes, without allocating.
#if canImport(Darwin)
    private import Darwin
#elseif canImport(Musl)
    private import Musl
#else
    private import Glibc
#endif

/// A string token: the bytes between its quotes, and whether they hold escapes.
package struct StringToken {
    package var range: Range<Int>
    package var escaped: Bool
}

/// A position in bytes. Reading past the end gives 0, which no grammar rule accepts outside an error.
package struct JSONCursor {
    package let bytes: UnsafeRawBufferPointer
    package private(set) var position = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var atEnd: Bool { position >= bytes.count }

    /// The byte here, or 0 at the end.
    package var byte: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private func byte(at index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

    package mutating func advance() { position += 1 }

    package mutating func skipSpace() {
        while true {
            switch byte {
            case 0x20, 0x0a, 0x0d, 0x09: position += 1
            default: return
            }
        }
    }

    package mutating func take(_ character: UInt8) -> Bool {
        guard byte == character else { return false }
        position += 1
        return true
    }

    package mutating func expect(_ word: StaticString) throws(MalformedRow) {
        let letters = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        for letter in letters {
            guard take(letter) else { throw refusal("expected '\(word)'") }
        }
    }

    package func refusal(_ problem: String) -> MalformedRow {
        let place = atEnd ? "at the end" : "at byte \(position)"
        return MalformedRow(kind: .notJSON, message: "the request is not valid JSON: \(problem) \(place)")
    }

    // MARK: Strings

    /// Reads a string whose opening quote is here. Checks escapes and UTF-8; decodes nothing.
    package mutating func string() throws(MalformedRow) -> StringToken {
        guard take(UInt8(ascii: "\"")) else { throw refusal("expected a string") }
        let start = position
        var escaped = false
        while true {
            switch byte {
            case UInt8(ascii: "\""):
                let range = start..<position
                position += 1
                return StringToken(range: range, escaped: escaped)
            case UInt8(ascii: "\\"):
                escaped = true
                try escape()
            case 0..<0x20: throw refusal(atEnd ? "a string does not end" : "a control character stands in a string")
            case 0x20..<0x80: position += 1
            default: try multibyte()
            }
        }
    }

    private mutating func escape() throws(MalformedRow) {
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"),
            UInt8(ascii: "t"):
            position += 1
        case UInt8(ascii: "u"):
            position += 1
            let unit = try hexUnit()
            guard unit & 0xf800 == 0xd800 else { return }
            // A surrogate counts only as a pair: half of one has no UTF-8.
            guard unit < 0xdc00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), try hexUnit() & 0xfc00 == 0xdc00 else {
                throw refusal("an escape is half of a surrogate pair")
            }
        default: throw refusal("a string has an unknown escape")
        }
    }

    private mutating func hexUnit() throws(MalformedRow) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Self.hexDigit(byte) else { throw refusal("\\u needs four hexadecimal digits") }
            value = value << 4 | digit
            position += 1
        }
        return value
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte) - 0x61 + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte) - 0x41 + 10
        default: nil
        }
    }

    /// One scalar beyond ASCII, by table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
    private mutating func multibyte() throws(MalformedRow) {
        let first = byte
        let second = byte(at: position + 1)
        let length: Int
        let valid: Bool
        switch first {
        case 0xc2...0xdf: (length, valid) = (2, true)
        case 0xe0: (length, valid) = (3, second >= 0xa0)
        case 0xed: (length, valid) = (3, second <= 0x9f)
        case 0xe1...0xef: (length, valid) = (3, true)
        case 0xf0: (length, valid) = (4, second >= 0x90)
        case 0xf4: (length, valid) = (4, second <= 0x8f)
        case 0xf1...0xf3: (length, valid) = (4, true)
        default: (length, valid) = (1, false)
        }
        guard valid else { throw refusal("a string is not valid UTF-8") }
        for offset in 1..<length where byte(at: position + offset) & 0xc0 != 0x80 { throw refusal("a string is not valid UTF-8") }
        position += length
    }

    /// The value of a checked token as UTF-8. Allocates: for strings with escapes and for messages.
    package func decoded(_ token: StringToken) -> [UInt8] {
        guard token.escaped else { return Array(bytes[token.range]) }
        var text: [UInt8] = []
        var index = token.range.lowerBound
        while index < token.range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                text.append(bytes[index])
                index += 1
                continue
            }
            let letter = byte(at: index + 1)
            index += 2
            switch letter {
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0c)
            case UInt8(ascii: "n"): text.append(0x0a)
            case UInt8(ascii: "r"): text.append(0x0d)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text += Array(String(scalar(at: &index)).utf8)
            default: text.append(letter)
            }
        }
        return text
    }

    private func scalar(at index: inout Int) -> Character {
        func unit(_ start: Int) -> UInt32 { (0..<4).reduce(0) { $0 << 4 | (Self.hexDigit(byte(at: start + $1)) ?? 0) } }
        var value = unit(index)
        index += 4
        if value & 0xfc00 == 0xd800 {
            value = 0x10000 + (value & 0x3ff) << 10 + unit(index + 2) & 0x3ff
            index += 6
        }
        return Character(Unicode.Scalar(value) ?? "\u{fffd}")
    }

    // MARK: Numbers

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// Reads a number, correctly rounded. Overflow is refused, because no double holds it; underflow gives zero.
    ///
    /// A decimal whose digits and power of ten are both exact doubles needs one division or multiplication, which IEEE 754 rounds
    /// correctly (Clinger 1990). Everything else goes to strtod, which this program only ever calls in the C locale.
    package mutating func number() throws(MalformedRow) -> Double {
        let start = position
        let negative = take(UInt8(ascii: "-"))
        var digits = Digits()
        if !take(UInt8(ascii: "0")) {
            guard self.digits(into: &digits) else { throw refusal("expected a digit") }
        } else if Self.isDigit(byte) {
            throw refusal("a number begins with 0")
        }
        var exponent = 0
        if take(UInt8(ascii: ".")) {
            let point = position
            guard self.digits(into: &digits) else { throw refusal("a digit must follow the point of a number") }
            exponent = point - position
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            let below = take(UInt8(ascii: "-"))
            if !below { _ = take(UInt8(ascii: "+")) }
            var written = Digits()
            guard self.digits(into: &written) else { throw refusal("a digit must follow the exponent's sign") }
            let size = written.exact ? Int(min(written.value, 100_000)) : 100_000
            exponent += below ? -size : size
        }
        if digits.exact, digits.value <= 1 << 53, (-22...22).contains(exponent) {
            let whole = Double(digits.value)
            let value = exponent < 0 ? whole / Self.powersOfTen[-exponent] : whole * Self.powersOfTen[exponent]
            return negative ? -value : value
        }
        guard let value = slowNumber(start..<position) else { throw refusal("a number is too large") }
        return value
    }

    private struct Digits {
        var value: UInt64 = 0
        /// Whether `value` holds every digit so far.
        var exact = true
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private mutating func digits(into digits: inout Digits) -> Bool {
        let start = position
        while Self.isDigit(byte) {
            let (tenfold, over) = digits.value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(UInt64(byte &- UInt8(ascii: "0")))
            if over || carry { digits.exact = false } else if digits.exact { digits.value = sum }
            position += 1
        }
        return position > start
    }

    private func slowNumber(_ range: Range<Int>) -> Double? {
        let value = withUnsafeTemporaryAllocation(of: CChar.self, capacity: range.count + 1) { text -> Double in
            for (offset, index) in range.enumerated() { text.initializeElement(at: offset, to: CChar(bitPattern: bytes[index])) }
            text.initializeElement(at: range.count, to: 0)
            guard let start = text.baseAddress else { return .nan }
            return strtod(start, nil)
        }
        return value.isFinite ? value : nil
    }
}
