// Splits CSV into records while its bytes arrive.

/// One field of a record: where it stands in the record's bytes, without its quotes.
struct CSVField {
    var range: Range<Int>
    /// An empty field with quotes is empty text, without them it is null.
    var isQuoted: Bool
    /// Whether quotes inside are still doubled.
    var isDoubled = false
}

/// Borrowed for the time of one call.
struct CSVRecord {
    let bytes: UnsafeRawBufferPointer
    let fields: [CSVField]
    let line: Int

    /// The field's value. Allocates only where quotes were doubled.
    func withValue<Result>(of field: CSVField, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard field.isDoubled else { return body(UnsafeRawBufferPointer(rebasing: bytes[field.range])) }
        var single: [UInt8] = []
        var index = field.range.lowerBound
        while index < field.range.upperBound {
            single.append(bytes[index])
            index += bytes[index] == UInt8(ascii: "\"") ? 2 : 1
        }
        return single.withUnsafeBytes(body)
    }
}

/// RFC 4180: comma, double quotes, LF or CRLF, a header line. Holds one record and one chunk at most; allocates nothing once its buffers have grown.
struct CSVReader {
    /// One record, and so the most that is kept of a file whose quotes never end.
    static let recordBytes = 1 << 20

    private var held: [UInt8] = []
    private var fields: [CSVField] = []
    private var line = 1
    private var hasBegun = false

    /// Calls `body` for each record that is complete now.
    mutating func feed(_ chunk: [UInt8], _ body: (CSVRecord) throws(TableError) -> Void) throws(TableError) {
        held += chunk
        if !hasBegun {
            guard held.count >= 3 else { return }
            begin()
        }
        try split(isLast: false, body)
        guard held.count <= Self.recordBytes else { throw TableError(line: line, message: "the row has over \(Self.recordBytes) bytes; a quote may be missing") }
    }

    /// Calls `body` for a last record without a line feed.
    mutating func finish(_ body: (CSVRecord) throws(TableError) -> Void) throws(TableError) {
        if !hasBegun { begin() }
        try split(isLast: true, body)
    }

    /// A byte order mark is not part of the first column's name.
    private mutating func begin() {
        hasBegun = true
        if held.starts(with: [0xEF, 0xBB, 0xBF]) { held.removeFirst(3) }
    }

    private mutating func split(isLast: Bool, _ body: (CSVRecord) throws(TableError) -> Void) throws(TableError) {
        var start = 0
        while start < held.count {
            var position = start, next = line
            guard try scan(&position, &next, isLast: isLast) else { break }
            let fields = fields, line = line
            let failure = held.withUnsafeBytes { raw -> TableError? in
                do throws(TableError) { try body(CSVRecord(bytes: raw, fields: fields, line: line)) } catch { return error }
                return nil
            }
            if let failure { throw failure }
            start = position
            self.line = next
        }
        held.removeFirst(min(start, held.count))
    }

    /// Finds one record's fields from `position` on; false when its end has not come yet.
    private mutating func scan(_ position: inout Int, _ line: inout Int, isLast: Bool) throws(TableError) -> Bool {
        fields.removeAll(keepingCapacity: true)
        while true {
            let isComplete = position < held.count && held[position] == UInt8(ascii: "\"") ? try quoted(&position, &line, isLast) : try plain(&position, line)
            guard isComplete else { return false }
            guard position < held.count else { return isLast }
            position += 1
            if held[position - 1] == UInt8(ascii: ",") {
                // A comma at the very end is followed by one more, empty field.
                if position == held.count, isLast { fields.append(CSVField(range: position..<position, isQuoted: false)) }
                if position == held.count { return isLast }
                continue
            }
            line += 1
            return true
        }
    }

    /// Leaves the position at a comma, a line feed, or the end.
    private mutating func plain(_ position: inout Int, _ line: Int) throws(TableError) -> Bool {
        let start = position
        while position < held.count, held[position] != UInt8(ascii: ","), held[position] != UInt8(ascii: "\n") {
            guard held[position] != UInt8(ascii: "\"") else { throw TableError(line: line, message: "a quote stands inside a field that does not begin with one") }
            position += 1
        }
        var end = position
        if end > start, held[end - 1] == UInt8(ascii: "\r"), position == held.count || held[position] == UInt8(ascii: "\n") { end -= 1 }
        fields.append(CSVField(range: start..<end, isQuoted: false))
        return true
    }

    private mutating func quoted(_ position: inout Int, _ line: inout Int, _ isLast: Bool) throws(TableError) -> Bool {
        let began = line
        var index = position + 1, isDoubled = false
        while index < held.count {
            if held[index] == UInt8(ascii: "\n") { line += 1 }
            guard held[index] == UInt8(ascii: "\"") else {
                index += 1
                continue
            }
            guard index + 1 < held.count || isLast else { return false }
            guard index + 1 < held.count, held[index + 1] == UInt8(ascii: "\"") else {
                fields.append(CSVField(range: position + 1..<index, isQuoted: true, isDoubled: isDoubled))
                return try close(&position, after: index + 1, line, isLast)
            }
            isDoubled = true
            index += 2
        }
        guard !isLast else { throw TableError(line: began, message: "a quoted field does not end") }
        return false
    }

    private func close(_ position: inout Int, after quote: Int, _ line: Int, _ isLast: Bool) throws(TableError) -> Bool {
        var end = quote
        if end < held.count, held[end] == UInt8(ascii: "\r") { end += 1 }
        // What follows may come with the next chunk.
        guard end < held.count || isLast else { return false }
        guard end == held.count || held[end] == UInt8(ascii: ",") || held[end] == UInt8(ascii: "\n") else {
            throw TableError(line: line, message: "something follows a closing quote")
        }
        position = end
        return true
    }
}
