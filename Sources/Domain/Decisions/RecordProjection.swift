// From the bytes of a request to what its record keeps of them.
package import Contracts

/// A request contract's recording rules, compiled. Immutable, so any thread may project through one instance.
///
/// A row of kept columns allocates nothing but what the caller's buffer grows by. A hashed value costs two allocations of the cryptographic
/// library, a string with escapes its decoded bytes.
package struct RecordProjection: Sendable {
    private struct Rule: Sendable {
        var recording: Recording
        var type: Column.LogicalType
        var isEntity: Bool
        /// `"name":` in `text`.
        var name: Range<Int>
        /// What sets this column's hashes apart, in `text`.
        var domain: Range<Int>
    }

    package let key: RecordKey
    private var rules: [Rule] = []
    private var text: [UInt8] = []
    private let names: TextTable

    package init(contract: DataContract, key: RecordKey) {
        self.key = key
        names = TextTable(contract.columns.enumerated().map { ($1.name, $0) })
        for column in contract.columns {
            let name = text.count..<text.count + column.name.utf8.count + 3
            text += Array("\"\(column.name)\":".utf8)
            let domain = RecordKey.fieldDomain(of: column.name)
            rules.append(
                Rule(
                    recording: column.recording, type: column.type, isEntity: column.role == .entity, name: name,
                    domain: text.count..<text.count + domain.count))
            text += domain
        }
    }

    /// Appends one JSON object with the kept and hashed columns in the order sent, and answers with the entity's hash.
    ///
    /// A kept value stands as it was sent, a hashed one as `{"hash":"…"}`, null as null. Nothing is recorded of the entity here, of dropped columns, of
    /// keys that the contract does not know, and of values of another type than the contract's: what may stand in them nobody classified. Whether
    /// values lie in their ranges does not matter. Refuses what is no JSON object, and a column that stands twice; then nothing was appended.
    package func append(_ request: UnsafeRawBufferPointer, to buffer: inout [UInt8]) throws(MalformedRow) -> KeyedHash? {
        let start = buffer.count
        let result = withUnsafeTemporaryAllocation(of: UInt64.self, capacity: rules.count / 64 + 1) { seen -> Result<KeyedHash?, MalformedRow> in
            seen.initialize(repeating: 0)
            var row = ProjectedRow(cursor: JSONCursor(request), seen: seen)
            do throws(MalformedRow) {
                try read(&row, into: &buffer)
                return .success(row.entity)
            } catch {
                return .failure(error)
            }
        }
        if case .failure = result { buffer.removeSubrange(start...) }
        return try result.get()
    }

    private func read(_ row: inout ProjectedRow, into buffer: inout [UInt8]) throws(MalformedRow) {
        try row.cursor.openObject()
        buffer.append(UInt8(ascii: "{"))
        var isFirst = true
        while let key = try row.cursor.nextKey(isFirst: isFirst) {
            isFirst = false
            let column = key.escaped ? row.cursor.decoded(key).withUnsafeBytes(names.code) : names.code(of: row.cursor.slice(key.range))
            guard column >= 0 else {
                try row.cursor.skipValue()
                continue
            }
            guard row.mark(column) else {
                throw MalformedRow(kind: .notARow, message: "a column of the contract stands twice in the request; send it once")
            }
            try value(of: rules[column], &row, into: &buffer)
        }
        try row.cursor.closeText()
        buffer.append(UInt8(ascii: "}"))
    }

    private func value(of rule: Rule, _ row: inout ProjectedRow, into buffer: inout [UInt8]) throws(MalformedRow) {
        let start = row.cursor.position
        switch row.cursor.byte {
        case UInt8(ascii: "\""):
            let token = try row.cursor.string()
            guard rule.type == .string || rule.type == .timestamp else { return }
            if rule.recording == .keep { return keep(start, rule, &row, into: &buffer) }
            guard rule.recording == .hash else { return }
            if token.escaped {
                row.cursor.decoded(token).withUnsafeBytes { hash($0, rule, &row, into: &buffer) }
            } else {
                hash(row.cursor.slice(token.range), rule, &row, into: &buffer)
            }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let number = try row.cursor.number()
            guard rule.type == .number || rule.type == .integer else { return }
            if rule.recording == .keep { return keep(start, rule, &row, into: &buffer) }
            if rule.recording == .hash { put(key.hash(number: number, domain: text[rule.domain]), rule, &row, into: &buffer) }
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            let truth = row.cursor.byte == UInt8(ascii: "t")
            try row.cursor.skipValue()
            guard rule.type == .boolean else { return }
            if rule.recording == .keep { return keep(start, rule, &row, into: &buffer) }
            if rule.recording == .hash { put(key.hash(truth: truth, domain: text[rule.domain]), rule, &row, into: &buffer) }
        case UInt8(ascii: "n"):
            try row.cursor.skipValue()
            if rule.recording != .drop, !rule.isEntity { keep(start, rule, &row, into: &buffer) }
        default: try row.cursor.skipValue()
        }
    }

    /// The bytes from `start` to where the row was read.
    private func keep(_ start: Int, _ rule: Rule, _ row: inout ProjectedRow, into buffer: inout [UInt8]) {
        begin(rule, &row, into: &buffer)
        buffer.append(contentsOf: row.cursor.slice(start..<row.cursor.position))
    }

    private func hash(_ value: UnsafeRawBufferPointer, _ rule: Rule, _ row: inout ProjectedRow, into buffer: inout [UInt8]) {
        guard rule.isEntity else { return put(key.hash(text: value, domain: text[rule.domain]), rule, &row, into: &buffer) }
        row.entity = key.hash(entity: value)
    }

    private func put(_ hash: KeyedHash, _ rule: Rule, _ row: inout ProjectedRow, into buffer: inout [UInt8]) {
        begin(rule, &row, into: &buffer)
        buffer.append(text: "{\"hash\":\"")
        hash.append(to: &buffer)
        buffer.append(text: "\"}")
    }

    private func begin(_ rule: Rule, _ row: inout ProjectedRow, into buffer: inout [UInt8]) {
        if !row.isEmpty { buffer.append(UInt8(ascii: ",")) }
        row.isEmpty = false
        buffer.append(contentsOf: text[rule.name])
    }

}

/// How far a request was read, and what was found in it.
private struct ProjectedRow {
    var cursor: JSONCursor
    /// One bit a column.
    let seen: UnsafeMutableBufferPointer<UInt64>
    var entity: KeyedHash?
    /// Nothing was recorded yet.
    var isEmpty = true

    /// False when the column was there before.
    func mark(_ column: Int) -> Bool {
        let bit = UInt64(1) << UInt64(column % 64)
        defer { seen[column / 64] |= bit }
        return seen[column / 64] & bit == 0
    }
}
