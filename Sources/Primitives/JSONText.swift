// Pieces of JSON text, appended to a buffer that the caller keeps.

extension [UInt8] {
    package mutating func append(text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// RFC 8259 §7: quotes, backslashes and control characters are escaped.
    package mutating func append(jsonString text: String, after prefix: StaticString = "") {
        append(UInt8(ascii: "\""))
        self.append(text: prefix)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0..<0x20:
                append(text: "\\u00")
                append(hexDigit: byte >> 4)
                append(hexDigit: byte & 15)
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    package mutating func append(decimal value: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value
            var start = 20
            repeat {
                start -= 1
                digits.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(rest % 10))
                rest /= 10
            } while rest > 0
            append(contentsOf: digits[start...])
        }
    }

    /// Shortest decimal that reads back as this number, which must be finite: `1`, `0.05`, `1e-300`, as `StrictJSON` spells it.
    package mutating func append(jsonNumber value: Double) {
        let text = value.description
        append(contentsOf: text.utf8.dropLast(text.hasSuffix(".0") ? 2 : 0))
    }

    package mutating func append(hex word: UInt64) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) { append(hexDigit: UInt8(truncatingIfNeeded: word >> shift) & 15) }
    }

    private mutating func append(hexDigit digit: UInt8) { append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10) }
}
