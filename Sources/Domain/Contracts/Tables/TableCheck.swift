// Checks a whole table against its contract while its bytes arrive.
private import Primitives

/// What a table that keeps its contract holds.
package struct TableSummary: Hashable, Sendable, Codable {
    /// Without the header.
    package var rows: Int
}

/// The one object that both ends use: a file's rows are judged by the same column facts as a request's (`RowAdmission`).
///
/// CSV (see `CSVReader`; an empty unquoted field is null) or JSON lines, told apart by the first byte. Feed the chunks in order, then `finish`. The
/// first row that breaks the contract ends the check. An accepted row allocates nothing, but for its key when the contract has one.
package struct TableCheck {
    private enum Form {
        /// The first bytes, until there are enough to tell.
        case undecided([UInt8])
        case csv(CSVReader, places: [Int]?)
        case jsonLines(JSONLines)
    }

    private let contract: DataContract
    private let admission: RowAdmission
    private let keyColumns: [Int]
    private var form = Form.undecided([])
    /// That kept the contract so far.
    package private(set) var rows = 0
    private var keys: Set<Digest> = []

    package init(_ contract: DataContract) throws(ContractError) {
        self.contract = contract
        admission = try RowAdmission(signature: nil, request: contract)
        keyColumns = contract.columns.indices.filter { contract.columns[$0].isKey }
    }

    package mutating func feed(_ chunk: [UInt8]) throws(TableError) {
        var chunk = chunk
        if case .undecided(let first) = form {
            chunk = first + chunk
            form = .undecided(chunk)
            guard chunk.count >= 4 else { return }
            try decide(chunk)
        }
        try advance { reader, body throws(TableError) in
            try reader.feed(chunk, body)
        } lines: { lines, body throws(TableError) in
            try lines.feed(chunk, body)
        }
    }

    /// Throws for a file without a header or without what its last row lacks.
    package mutating func finish() throws(TableError) -> TableSummary {
        if case .undecided(let first) = form {
            guard !first.isEmpty else { throw TableError(line: 1, message: "the file is empty; it needs a header of column names") }
            try decide(first)
            try advance { reader, body throws(TableError) in
                try reader.feed(first, body)
            } lines: { lines, body throws(TableError) in
                try lines.feed(first, body)
            }
        }
        try advance { reader, body throws(TableError) in
            try reader.finish(body)
        } lines: { lines, body throws(TableError) in
            try lines.finish(body)
        }
        return TableSummary(rows: rows)
    }

    private mutating func decide(_ first: [UInt8]) throws(TableError) {
        guard !first.starts(with: Array("PAR1".utf8)) else { throw TableError(line: 1, message: "Parquet is not built yet: this version checks CSV and JSON lines") }
        form = first.first == UInt8(ascii: "{") ? .jsonLines(JSONLines(admission)) : .csv(CSVReader(), places: nil)
    }

    private mutating func advance(
        _ read: (inout CSVReader, (CSVRecord) throws(TableError) -> Void) throws(TableError) -> Void,
        lines readLines: (inout JSONLines, (JSONLines.Line) throws(TableError) -> Void) throws(TableError) -> Void
    ) throws(TableError) {
        let taken = form
        form = .undecided([])
        switch taken {
        case .undecided: return
        case .csv(var reader, var places):
            try read(&reader) { record throws(TableError) in
                if let places { try take(record, places) } else { places = try header(record) }
            }
            form = .csv(reader, places: places)
        case .jsonLines(var lines):
            try readLines(&lines) { line throws(TableError) in try take(line) }
            form = .jsonLines(lines)
        }
    }

    private func header(_ record: CSVRecord) throws(TableError) -> [Int] {
        let names = record.fields.map { field in record.withValue(of: field) { String(decoding: $0, as: UTF8.self) } }
        return try contract.places(of: names)
    }

    private mutating func take(_ record: CSVRecord, _ places: [Int]) throws(TableError) {
        guard record.fields.count == places.count else {
            throw TableError(line: record.line, message: "the row has \(record.fields.count) fields and the header \(places.count)")
        }
        for (field, place) in zip(record.fields, places) {
            if field.range.isEmpty, !field.isQuoted {
                guard !contract.columns[place].required else {
                    throw TableError(line: record.line, message: "'\(contract.columns[place].name)' is empty, and the contract requires it")
                }
            } else {
                let value = record.withValue(of: field) { admission.layout.value(of: $0, in: place) }
                guard value != nil else { throw contract.columns[place].refusal(of: field, in: record) }
            }
        }
        if !keyColumns.isEmpty { try check(key: key(of: record, places), line: record.line) }
        rows += 1
    }

    private mutating func take(_ line: JSONLines.Line) throws(TableError) {
        if !keyColumns.isEmpty { try check(key: line.key(keyColumns), line: line.number) }
        rows += 1
    }

    /// A null in a key is a value of its own, as an empty text is.
    private func key(of record: CSVRecord, _ places: [Int]) -> Digest {
        var hasher = DigestHasher()
        for column in keyColumns {
            guard let index = places.firstIndex(of: column) else { continue }
            let field = record.fields[index]
            record.withValue(of: field) { hasher.update(Array("\($0.count):\(field.isQuoted || !$0.isEmpty ? "v" : "n")".utf8) + Array($0)) }
        }
        return hasher.finalize()
    }

    private mutating func check(key: Digest, line: Int) throws(TableError) {
        guard keys.insert(key).inserted else {
            let names = keyColumns.map { "'\(contract.columns[$0].name)'" }.joined(separator: ", ")
            throw TableError(line: line, message: "the key \(names) stands in an earlier row too; the contract says it is unique")
        }
    }
}

extension DataContract {
    /// For each name of a header, the place of its column. Every column is there once and nothing else.
    func places(of header: [String]) throws(TableError) -> [Int] {
        if let missing = columns.first(where: { !header.contains($0.name) }) {
            throw TableError(line: 1, message: "the column '\(missing.name)' of the contract is missing")
        }
        guard Set(header).count == header.count else { throw TableError(line: 1, message: "a column name stands twice") }
        var places: [Int] = []
        for name in header {
            guard let column = columns.firstIndex(where: { $0.name == name }) else {
                throw TableError(line: 1, message: "the column '\(name.prefix(60))' is not in the contract")
            }
            places.append(column)
        }
        return places
    }
}

extension RowLayout {
    /// A field's number: for a category its code, for a boolean (`true`, `false`, `1`, `0`) 0 or 1, for other text and times 0. `nil` outside the contract.
    func value(of text: UnsafeRawBufferPointer, in column: Int) -> Double? {
        let fact = facts[column]
        switch fact.type {
        case .string:
            guard let values = fact.values else { return 0 }
            let code = values.code(of: text)
            return code < 0 ? nil : Double(code)
        case .timestamp: return isRFC3339(text) ? 0 : nil
        case .boolean: return Self.truth(text)
        case .integer, .number:
            var cursor = JSONCursor(text)
            guard let value = try? cursor.number(), cursor.atEnd else { return nil }
            if fact.type == .integer, value != value.rounded(.towardZero) || value.magnitude > 9_007_199_254_740_992 { return nil }
            return value >= fact.minimum && value <= fact.maximum ? value : nil
        }
    }

    private static func truth(_ text: UnsafeRawBufferPointer) -> Double? {
        if text.count == 1 { return text[0] == UInt8(ascii: "1") ? 1 : text[0] == UInt8(ascii: "0") ? 0 : nil }
        if text.elementsEqual("true".utf8) { return 1 }
        return text.elementsEqual("false".utf8) ? 0 : nil
    }
}
