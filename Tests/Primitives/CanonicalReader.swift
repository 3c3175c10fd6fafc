// A reader of the canonical encoding, written from its layout alone.
import Primitives

/// A field as the layout knows it. Text is its bytes, since texts that are equal in Swift may differ in them.
struct Field: Equatable {
    enum Value: Equatable {
        case bytes([UInt8])
        case text([UInt8])
        case integer(Int64)
        case number(bits: UInt64)
        case truth(Bool)
        case absent
        /// Each item is one field.
        case list([Field])
    }

    static let names: [StaticString] = ["a", "b", "ab", "", "9", "\u{9}"]

    var name: [UInt8]
    var value: Value

    static func random(_ random: inout SplitMix64, depth: Int) -> Field {
        Field(name: Array("\(random.pick(names))".utf8), value: .random(&random, depth: depth))
    }

    func write(to encoder: inout CanonicalEncoder) {
        guard let name = Self.names.first(where: { Array("\($0)".utf8) == name }) else { preconditionFailure("fields are made of the names above") }
        switch value {
        case .bytes(let bytes): encoder.field(name, bytes)
        case .text(let bytes): encoder.field(name, String(decoding: bytes, as: UTF8.self))
        case .integer(let integer): encoder.field(name, integer)
        case .number(let bits): encoder.field(name, Double(bitPattern: bits))
        case .truth(let truth): encoder.field(name, truth)
        case .absent: encoder.field(name, Digest?.none)
        case .list(let items): encoder.list(name, items) { $1.write(to: &$0) }
        }
    }
}

extension Field.Value {
    static func random(_ random: inout SplitMix64, depth: Int) -> Field.Value {
        switch random.below(depth > 0 ? 7 : 6) {
        case 0: .bytes(random.bytes(upTo: 20))
        case 1: .text(Array(random.text(of: ["a", "b", "\0", "\u{1}", "\u{3}", "\u{9}", "\u{e9}", "\u{1f600}"], upTo: 12).utf8))
        case 2: .integer(Int64(bitPattern: random.next() >> UInt64(random.below(64))))
        case 3: .number(bits: random.next())
        case 4: .truth(random.below(2) == 0)
        case 5: .absent
        default: .list((0..<random.below(4)).map { _ in Field.random(&random, depth: depth - 1) })
        }
    }
}

struct CanonicalReader {
    struct Malformed: Error {}

    var rest: ArraySlice<UInt8>

    mutating func piece() throws -> (tag: UInt8, content: [UInt8]) {
        guard let tag = rest.popFirst() else { throw Malformed() }
        let length = Int(bigEndian(rest.prefix(8)))
        rest = rest.dropFirst(8)
        guard rest.count >= length else { throw Malformed() }
        defer { rest = rest.dropFirst(length) }
        return (tag, Array(rest.prefix(length)))
    }

    mutating func fields() throws -> [Field] {
        var fields: [Field] = []
        while !rest.isEmpty { fields.append(try field()) }
        return fields
    }

    private mutating func field() throws -> Field {
        let (tag, name) = try piece()
        guard tag == 9 else { throw Malformed() }
        return Field(name: name, value: try value())
    }

    private mutating func value() throws -> Field.Value {
        let (tag, content) = try piece()
        switch (tag, content.count) {
        case (2, _): return .bytes(content)
        case (3, _): return .text(content)
        case (4, 8): return .integer(Int64(bitPattern: bigEndian(content[...])))
        case (5, 8): return .number(bits: bigEndian(content[...]))
        case (6, 1): return .truth(content == [1])
        case (7, 0): return .absent
        case (8, 8): return .list(try (0..<bigEndian(content[...])).map { _ in try field() })
        default: throw Malformed()
        }
    }

    private func bigEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
