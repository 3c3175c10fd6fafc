// Splits JSON lines into rows while their bytes arrive.
internal import Primitives

/// One JSON object a line, each a row of the contract. Empty lines are passed over.
struct JSONLines {
    /// Borrowed for the time of one call.
    struct Line {
        let bytes: UnsafeRawBufferPointer
        let number: Int
        fileprivate let admission: RowAdmission

        /// Over the values of these columns as they are written. Left out and null are one; a number that can be written in two ways, 1 and 1.0, makes two keys.
        func key(_ columns: [Int]) -> Digest {
            var hasher = DigestHasher()
            for column in columns {
                let value = value(of: admission.columns[column].name)
                hasher.update(Array("\(value.count):".utf8) + value)
            }
            return hasher.finalize()
        }

        /// The row was admitted, so that its grammar holds.
        private func value(of name: String) -> [UInt8] {
            var cursor = JSONCursor(bytes)
            cursor.skipSpace()
            _ = cursor.take(UInt8(ascii: "{"))
            repeat {
                cursor.skipSpace()
                guard let key = try? cursor.string() else { return [] }
                let isIt = cursor.decoded(key).elementsEqual(name.utf8)
                cursor.skipSpace()
                _ = cursor.take(UInt8(ascii: ":"))
                cursor.skipSpace()
                let start = cursor.position
                if cursor.byte == UInt8(ascii: "\"") {
                    guard let text = try? cursor.string() else { return [] }
                    if isIt { return [UInt8(ascii: "\"")] + cursor.decoded(text) }
                } else {
                    while !cursor.atEnd, cursor.byte != UInt8(ascii: ","), cursor.byte != UInt8(ascii: "}"), cursor.byte != 0x20 { cursor.advance() }
                    if isIt {
                        let text = bytes[start..<cursor.position]
                        return text.elementsEqual("null".utf8) ? [] : Array(text)
                    }
                }
                cursor.skipSpace()
            } while cursor.take(UInt8(ascii: ","))
            return []
        }
    }

    private let admission: RowAdmission
    private var held: [UInt8] = []
    private var number = 1
    private var row: [Double]

    init(_ admission: RowAdmission) {
        self.admission = admission
        row = Array(repeating: 0, count: admission.featureCount)
    }

    mutating func feed(_ chunk: [UInt8], _ body: (Line) throws(TableError) -> Void) throws(TableError) {
        held += chunk
        var start = 0
        while let end = held[start...].firstIndex(of: UInt8(ascii: "\n")) {
            try take(start..<end, body)
            start = end + 1
        }
        held.removeFirst(start)
        guard held.count <= CSVReader.recordBytes else { throw TableError(line: number, message: "the line has over \(CSVReader.recordBytes) bytes") }
    }

    mutating func finish(_ body: (Line) throws(TableError) -> Void) throws(TableError) {
        try take(0..<held.count, body)
        held = []
    }

    private mutating func take(_ range: Range<Int>, _ body: (Line) throws(TableError) -> Void) throws(TableError) {
        defer { number += 1 }
        let number = number, admission = admission
        let isBlank = held[range].allSatisfy { $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }
        guard !isBlank else { return }
        var failure: TableError?
        held.withUnsafeBytes { raw in
            let bytes = UnsafeRawBufferPointer(rebasing: raw[range])
            row.withUnsafeMutableBufferPointer { row in
                switch admission.admit(bytes, into: row) {
                case .admitted: do throws(TableError) { try body(Line(bytes: bytes, number: number, admission: admission)) } catch { failure = error }
                case .outside(let breach, _): failure = TableError(line: number, message: admission.sentence(for: breach))
                case .malformed(let row): failure = TableError(line: number, message: row.message)
                }
            }
        }
        if let failure { throw failure }
    }
}
