// The length-framed encoding that everything digested or salted goes through.

/// Writes values so that two different values never give the same bytes.
///
/// Layout, frozen: the kind and format version of the whole, then the fields in the order written. Every piece is one tag
/// byte, an 8-byte big-endian length, and that many bytes. Integers are 8 bytes big-endian, floating point its IEEE 754
/// bit pattern, text UTF-8. A list is its count and then its items; an absent value has its own tag. Because each piece
/// says its own length, moving a byte from one field to the next always changes the encoding.
package struct CanonicalEncoder: Sendable {
    private enum Tag: UInt8 {
        case kind = 1
        case bytes, text, integer, number, truth, absent, list, field
    }

    package private(set) var bytes: [UInt8] = []

    /// `kind` separates domains: no two kinds of value share an encoding. `version` is the format's own number.
    package init(kind: StaticString, version: UInt16) {
        put(.kind, Array("\(kind)".utf8) + [0, UInt8(version >> 8), UInt8(version & 255)])
    }

    package mutating func field(_ name: StaticString, _ value: [UInt8]) {
        mark(name)
        put(.bytes, value)
    }

    package mutating func field(_ name: StaticString, _ value: String?) {
        mark(name)
        put(optional: value)
    }

    package mutating func field(_ name: StaticString, _ value: Digest?) {
        mark(name)
        if let value { put(.bytes, value.bytes) } else { put(.absent, []) }
    }

    package mutating func field(_ name: StaticString, _ value: Int64?) {
        mark(name)
        if let value { put(.integer, Self.bigEndian(UInt64(bitPattern: value))) } else { put(.absent, []) }
    }

    package mutating func field(_ name: StaticString, _ value: Double?) {
        mark(name)
        if let value { put(.number, Self.bigEndian(value.bitPattern)) } else { put(.absent, []) }
    }

    package mutating func field(_ name: StaticString, _ value: Bool) {
        mark(name)
        put(.truth, [value ? 1 : 0])
    }

    /// A list: `body` is called once an item and writes that item's own fields. Items are counted, not framed: each writes the same fields, or begins with one
    /// that says which follow.
    package mutating func list<Item>(_ name: StaticString, _ items: some Collection<Item>, _ body: (inout CanonicalEncoder, Item) -> Void) {
        mark(name)
        put(.list, Self.bigEndian(UInt64(items.count)))
        for item in items { body(&self, item) }
    }

    package var digest: Digest { Digest.of(bytes) }

    private mutating func mark(_ name: StaticString) { put(.field, Array("\(name)".utf8)) }

    private mutating func put(optional text: String?) {
        if let text { put(.text, Array(text.utf8)) } else { put(.absent, []) }
    }

    private mutating func put(_ tag: Tag, _ content: [UInt8]) {
        bytes.append(tag.rawValue)
        bytes += Self.bigEndian(UInt64(content.count))
        bytes += content
    }

    private static func bigEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }
}
