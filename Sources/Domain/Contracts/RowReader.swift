// Reads one row: which column each key is, which value it may hold, where it goes.

struct RowReader {
    var cursor: JSONCursor
    let admission: RowAdmission
    let row: UnsafeMutableBufferPointer<Double>
    /// One bit a column.
    let seen: UnsafeMutableBufferPointer<UInt64>
    private var breach: ContractBreach?
    private var entity = EntityKey.none

    init(cursor: JSONCursor, admission: RowAdmission, row: UnsafeMutableBufferPointer<Double>, seen: UnsafeMutableBufferPointer<UInt64>) {
        self.cursor = cursor
        self.admission = admission
        self.row = row
        self.seen = seen
    }

    mutating func read() throws(MalformedRow) -> Admission {
        cursor.skipSpace()
        guard cursor.take(UInt8(ascii: "{")) else { throw notAnObject() }
        cursor.skipSpace()
        if !cursor.take(UInt8(ascii: "}")) {
            repeat {
                cursor.skipSpace()
                try member()
                cursor.skipSpace()
            } while cursor.take(UInt8(ascii: ","))
            guard cursor.take(UInt8(ascii: "}")) else { throw cursor.refusal("expected ',' or '}'") }
        }
        cursor.skipSpace()
        guard cursor.atEnd else { throw cursor.refusal("something follows the object") }
        noteMissing()
        if let breach { return .outside(breach, entity: entity) }
        return .admitted(entity: entity)
    }

    private func notAnObject() -> MalformedRow {
        switch cursor.byte {
        case UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "t"), UInt8(ascii: "f"),
            UInt8(ascii: "n"):
            MalformedRow(kind: .notARow, message: "the request must be one JSON object with the contract's columns")
        default: cursor.refusal("expected an object")
        }
    }

    private mutating func member() throws(MalformedRow) {
        let key = try cursor.string()
        let column = code(of: key, in: admission.layout.names)
        guard column >= 0 else {
            throw MalformedRow(kind: .notARow, message: "unknown key '\(shown(key))'; the contract has no such column")
        }
        let bit = UInt64(1) << UInt64(column % 64)
        guard seen[column / 64] & bit == 0 else { throw wrong(column, "stands twice; send it once") }
        seen[column / 64] |= bit
        cursor.skipSpace()
        guard cursor.take(UInt8(ascii: ":")) else { throw cursor.refusal("expected ':'") }
        cursor.skipSpace()
        try value(of: column)
    }

    private mutating func value(of column: Int) throws(MalformedRow) {
        switch cursor.byte {
        case UInt8(ascii: "\""): try text(for: column)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number(for: column)
        case UInt8(ascii: "t"):
            try cursor.expect("true")
            try truth(1, for: column)
        case UInt8(ascii: "f"):
            try cursor.expect("false")
            try truth(0, for: column)
        case UInt8(ascii: "n"):
            try cursor.expect("null")
            if admission.layout.facts[column].required { note(column, .null) }
        case UInt8(ascii: "{"), UInt8(ascii: "["): throw wrong(column, "holds a nested value; send \(admission.columns[column].type.spelled)")
        default: throw cursor.refusal("expected a value")
        }
    }

    private mutating func number(for column: Int) throws(MalformedRow) {
        let value = try cursor.number()
        let type = admission.layout.facts[column].type
        guard type == .number || type == .integer else { throw wrongType(column, "number") }
        // Past 2^53 a double no longer tells neighbouring whole numbers apart.
        if type == .integer, value != value.rounded(.towardZero) || value.magnitude > 9_007_199_254_740_992 {
            throw wrong(column, "must be a whole number of at most 2^53")
        }
        if value < admission.layout.facts[column].minimum { note(column, .belowMinimum) }
        if value > admission.layout.facts[column].maximum { note(column, .aboveMaximum) }
        store(value, column)
    }

    private mutating func truth(_ value: Double, for column: Int) throws(MalformedRow) {
        guard admission.layout.facts[column].type == .boolean else { throw wrongType(column, "boolean") }
        store(value, column)
    }

    private mutating func text(for column: Int) throws(MalformedRow) {
        let token = try cursor.string()
        switch admission.layout.facts[column].type {
        case .string:
            if let values = admission.layout.facts[column].values {
                let code = code(of: token, in: values)
                if code >= 0 { store(Double(code), column) } else { note(column, .notAllowed) }
            }
            if admission.layout.facts[column].isEntity { entity = token.escaped ? .copied(cursor.decoded(token)) : .range(token.range) }
        case .timestamp:
            let valid =
                token.escaped
                ? cursor.decoded(token).withUnsafeBytes(isRFC3339) : isRFC3339(UnsafeRawBufferPointer(rebasing: cursor.bytes[token.range]))
            guard valid else { throw wrong(column, "must be an RFC 3339 time with its offset, such as 2013-06-30T12:00:00Z") }
        case .integer, .number, .boolean: throw wrongType(column, "string")
        }
    }

    private func code(of token: StringToken, in table: TextTable) -> Int {
        token.escaped
            ? cursor.decoded(token).withUnsafeBytes(table.code) : table.code(of: UnsafeRawBufferPointer(rebasing: cursor.bytes[token.range]))
    }

    private func store(_ value: Double, _ column: Int) {
        let feature = admission.layout.facts[column].feature
        if feature >= 0 { row[feature] = value }
    }

    private mutating func note(_ column: Int, _ reason: ContractBreach.Reason) {
        if breach == nil { breach = ContractBreach(column: column, reason: reason) }
    }

    private mutating func noteMissing() {
        for column in admission.layout.facts.indices where admission.layout.facts[column].required {
            if seen[column / 64] & UInt64(1) << UInt64(column % 64) == 0 { note(column, .missing) }
        }
    }

    private func wrong(_ column: Int, _ problem: String) -> MalformedRow {
        MalformedRow(kind: .notARow, message: "'\(admission.columns[column].name)' \(problem)")
    }

    private func wrongType(_ column: Int, _ found: String) -> MalformedRow {
        let declared = admission.columns[column]
        return wrong(column, "is a \(found), and the contract says \(declared.type.rawValue); allowed is \(declared.allowedSpelled)")
    }

    /// A stranger's key for a message: short, and without control characters.
    private func shown(_ token: StringToken) -> String {
        let text = String(decoding: cursor.decoded(token).prefix(240), as: UTF8.self)
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(60).map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}

/// Whether the bytes are a date-time of RFC 3339 §5.6 that exists in the calendar. Leap seconds are refused: `Instant` has no number for them.
func isRFC3339(_ text: UnsafeRawBufferPointer) -> Bool {
    func digits(_ start: Int, _ count: Int) -> Int? {
        guard start + count <= text.count else { return nil }
        var value = 0
        for index in start..<start + count {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) else { return nil }
            value = value * 10 + Int(text[index] - UInt8(ascii: "0"))
        }
        return value
    }
    func at(_ index: Int) -> UInt8 { index < text.count ? text[index] : 0 }
    guard let year = digits(0, 4), at(4) == UInt8(ascii: "-"), let month = digits(5, 2), at(7) == UInt8(ascii: "-"), let day = digits(8, 2),
        at(10) == UInt8(ascii: "T"), let hour = digits(11, 2), at(13) == UInt8(ascii: ":"), let minute = digits(14, 2), at(16) == UInt8(ascii: ":"),
        let second = digits(17, 2), year > 0, (1...12).contains(month), hour < 24, minute < 60, second < 60
    else { return false }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let length = month == 2 ? (leap ? 29 : 28) : (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31)
    guard (1...length).contains(day) else { return false }
    var index = 19
    if at(index) == UInt8(ascii: ".") {
        index += 1
        let start = index
        while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(at(index)) { index += 1 }
        guard (1...9).contains(index - start) else { return false }
    }
    if at(index) == UInt8(ascii: "Z") { return index + 1 == text.count }
    guard at(index) == UInt8(ascii: "+") || at(index) == UInt8(ascii: "-"), let hours = digits(index + 1, 2), hours < 24 else { return false }
    guard at(index + 3) == UInt8(ascii: ":"), let minutes = digits(index + 4, 2), minutes < 60 else { return false }
    return index + 6 == text.count
}
