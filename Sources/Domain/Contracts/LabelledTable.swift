// A CSV file of labelled rows, read by the contract that it must follow.

/// Why a table cannot be taken: the line and what is wrong there.
package struct TableError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1, the header being line 1.
    package var line: Int
    package var message: String

    package init(line: Int, message: String) {
        self.line = line
        self.message = message
    }

    package var description: String { "line \(line): \(message)" }
}

/// Reads feature vectors and labels out of CSV (RFC 4180: comma, double quotes, LF or CRLF, a header of column names in any order).
///
/// Every value is checked against its column, labels and entities included; an empty unquoted field is null. The first row that breaks
/// the contract ends the reading. `true` and `false`, or `1` and `0`, are booleans.
package struct LabelledTable: Sendable {
    package let label: Column
    private let columns: [Column]
    private let features: [Column]

    /// Refuses a contract without exactly one boolean label.
    package init(contract: DataContract) throws(ContractError) {
        features = try ModelSignature(trainingContract: contract).features
        columns = contract.columns
        let labels = columns.filter { $0.role == .label }
        guard labels.count == 1, let label = labels.first, label.type == .boolean else {
            throw ContractError(.noFeatures, "a contract to evaluate on has exactly one label column, of type boolean; give one the role 'label'")
        }
        self.label = label
    }

    /// Calls `body` with each row's features, in signature order and encoded as a model sees them, its label, and its line.
    package func forEachRow(in csv: [UInt8], _ body: ([Double], Bool, Int) throws(TableError) -> Void) throws(TableError) {
        var scanner = CSVScanner(csv)
        guard let header = try scanner.next() else { throw TableError(line: 1, message: "the file is empty; it needs a header of column names") }
        let order = try places(of: header.map { String(decoding: $0.bytes, as: UTF8.self) })
        var row = [Double](repeating: .nan, count: features.count)
        while true {
            let line = scanner.line
            guard let fields = try scanner.next() else { return }
            guard fields.count == order.count else {
                throw TableError(line: line, message: "the row has \(fields.count) fields and the header \(order.count)")
            }
            var truth: Bool?
            for (field, place) in zip(fields, order) {
                let value = try checked(field, columns[place.column], line: line)
                if let feature = place.feature { row[feature] = value }
                if columns[place.column].role == .label { truth = value == 1 }
            }
            guard let truth else { throw TableError(line: line, message: "the label '\(label.name)' is missing") }
            try body(row, truth, line)
        }
    }

    private struct Place {
        var column: Int
        var feature: Int?
    }

    private func places(of header: [String]) throws(TableError) -> [Place] {
        if let missing = columns.first(where: { !header.contains($0.name) }) {
            throw TableError(line: 1, message: "the column '\(missing.name)' of the contract is missing")
        }
        guard Set(header).count == header.count else { throw TableError(line: 1, message: "a column name stands twice") }
        var places: [Place] = []
        for name in header {
            guard let column = columns.firstIndex(where: { $0.name == name }) else {
                throw TableError(line: 1, message: "the column '\(name.prefix(60))' is not in the contract")
            }
            places.append(Place(column: column, feature: features.firstIndex { $0.name == name }))
        }
        return places
    }

    private func checked(_ field: CSVScanner.Field, _ column: Column, line: Int) throws(TableError) -> Double {
        if field.bytes.isEmpty, !field.isQuoted {
            guard !column.required else { throw TableError(line: line, message: "'\(column.name)' is empty, and the contract requires it") }
            return .nan
        }
        let text = String(decoding: field.bytes, as: UTF8.self)
        guard let value = Self.encode(text, column) else {
            throw TableError(line: line, message: "'\(column.name)' is '\(text.prefix(60))', and the contract wants \(column.allowedSpelled)")
        }
        return value
    }

    /// The number that a model sees, or 0 for what it does not; `nil` outside the contract.
    private static func encode(_ text: String, _ column: Column) -> Double? {
        if let allowed = column.allowed { return allowed.firstIndex(of: text).map(Double.init) }
        switch column.type {
        case .string, .timestamp: return 0
        case .boolean: return text == "true" || text == "1" ? 1 : text == "false" || text == "0" ? 0 : nil
        case .integer, .number:
            guard let value = Double(text), value.isFinite, column.type == .number || value == value.rounded() else { return nil }
            guard value >= column.minimum ?? -.infinity, value <= column.maximum ?? .infinity else { return nil }
            return value
        }
    }
}

/// Splits CSV bytes into records.
struct CSVScanner {
    struct Field {
        var bytes: [UInt8]
        var isQuoted: Bool
    }

    private let bytes: [UInt8]
    private var position = 0
    /// Of the record to come.
    private(set) var line = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // A byte order mark is not part of the first column's name.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The next record, or `nil` at the end of the file.
    mutating func next() throws(TableError) -> [Field]? {
        guard position < bytes.count else { return nil }
        var fields: [Field] = []
        while true {
            fields.append(try field())
            guard position < bytes.count else { return fields }
            let delimiter = bytes[position]
            position += 1
            if delimiter == UInt8(ascii: ",") { continue }
            line += 1
            return fields
        }
    }

    /// Leaves the position at a comma, a line feed, or the end.
    private mutating func field() throws(TableError) -> Field {
        if position < bytes.count, bytes[position] == UInt8(ascii: "\"") { return try quoted() }
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != UInt8(ascii: "\n") {
            guard bytes[position] != UInt8(ascii: "\"") else { throw TableError(line: line, message: "a quote stands inside a field that does not begin with one") }
            position += 1
        }
        var end = position
        if end > start, bytes[end - 1] == UInt8(ascii: "\r"), position == bytes.count || bytes[position] == UInt8(ascii: "\n") { end -= 1 }
        return Field(bytes: Array(bytes[start..<end]), isQuoted: false)
    }

    private mutating func quoted() throws(TableError) -> Field {
        let began = line
        var content: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            guard byte == UInt8(ascii: "\"") else {
                content.append(byte)
                continue
            }
            if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
                content.append(byte)
                position += 1
                continue
            }
            if position < bytes.count, bytes[position] == UInt8(ascii: "\r") { position += 1 }
            guard position == bytes.count || bytes[position] == UInt8(ascii: ",") || bytes[position] == UInt8(ascii: "\n") else {
                throw TableError(line: line, message: "something follows a closing quote")
            }
            return Field(bytes: content, isQuoted: true)
        }
        throw TableError(line: began, message: "a quoted field does not end")
    }
}
