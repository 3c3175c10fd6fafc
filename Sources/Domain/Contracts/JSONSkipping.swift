// Steps over a JSON value of any shape without keeping anything of it.

extension JSONCursor {
    /// Levels of objects and lists that are followed: one bit a level.
    private static let mostDepth = 64

    /// Reads one whole value that begins here. Nesting costs no stack, so a stranger's brackets cannot use it up.
    package mutating func skipValue() throws(MalformedRow) {
        var levels = Levels()
        repeat {
            skipSpace()
            if try open(&levels) { continue }
            try skipScalar()
            try close(&levels)
        } while levels.depth > 0
    }

    /// What is open around the place that was reached: a bit is 1 for an object.
    private struct Levels {
        var objects: UInt64 = 0
        var depth = 0
        var isObject: Bool { objects & 1 == 1 }
    }

    /// Whether a level was opened whose first value comes next.
    private mutating func open(_ levels: inout Levels) throws(MalformedRow) -> Bool {
        let isObject = byte == UInt8(ascii: "{")
        guard isObject || byte == UInt8(ascii: "[") else { return false }
        guard levels.depth < Self.mostDepth else { throw refusal("more than \(Self.mostDepth) levels stand in one another") }
        advance()
        levels.objects = levels.objects << 1 | (isObject ? 1 : 0)
        levels.depth += 1
        skipSpace()
        if take(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            leave(&levels)
            try close(&levels)
            return true
        }
        if isObject { try skipKey() }
        return true
    }

    /// After a value: either the next one of its level is due, or levels end.
    private mutating func close(_ levels: inout Levels) throws(MalformedRow) {
        while levels.depth > 0 {
            skipSpace()
            if take(UInt8(ascii: ",")) {
                skipSpace()
                if levels.isObject { try skipKey() }
                return
            }
            guard take(levels.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw refusal(levels.isObject ? "expected ',' or '}'" : "expected ',' or ']'")
            }
            leave(&levels)
        }
    }

    private func leave(_ levels: inout Levels) {
        levels.objects >>= 1
        levels.depth -= 1
    }

    private mutating func skipKey() throws(MalformedRow) {
        _ = try string()
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw refusal("expected ':'") }
    }

    private mutating func skipScalar() throws(MalformedRow) {
        switch byte {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try number()
        case UInt8(ascii: "t"): try expect("true")
        case UInt8(ascii: "f"): try expect("false")
        case UInt8(ascii: "n"): try expect("null")
        default: throw refusal("expected a value")
        }
    }
}
