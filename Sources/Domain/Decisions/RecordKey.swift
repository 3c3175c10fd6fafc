// The key that hides entities and values in records while equal ones stay equal.
package import Primitives

private import struct Crypto.HMAC
private import struct Crypto.SHA256
private import struct Crypto.SymmetricKey

package enum RecordKeySubject {}

/// Which key hashed: the first 8 bytes of the key's SHA-256 in hex. It says nothing about the key.
package typealias RecordKeyID = Identifier<RecordKeySubject>

/// 32 secret bytes. Without them a hash cannot be traced to a value by trying values, and two installations' hashes do not compare.
///
/// The messages, frozen: `penstock.entity/1`, a zero byte and the entity in UTF-8; `penstock.field/1`, a zero byte, the column's name, a zero byte,
/// one byte for the type and the value. So an entity's hash is the same in every service, and no column's hashes compare with another's.
package struct RecordKey: Sendable {
    package let id: RecordKeyID
    /// Has taken in the key; each hash goes on from a copy.
    private let code: HMAC<SHA256>

    /// `nil` when there are not 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32, let id = RecordKeyID(Digest.of(bytes).hex.prefix(16)) else { return nil }
        self.id = id
        code = HMAC(key: SymmetricKey(data: bytes))
    }

    package func hash(entity: UnsafeRawBufferPointer) -> KeyedHash {
        var code = code
        Self.entityDomain.withUnsafeBytes { code.update(data: $0) }
        code.update(data: entity)
        return code.finalize().withUnsafeBytes { KeyedHash($0) }
    }

    package func hash(entity: String) -> KeyedHash { Array(entity.utf8).withUnsafeBytes { hash(entity: $0) } }

    /// `domain` is what `fieldDomain(of:)` made of the column's name.
    func hash(text: UnsafeRawBufferPointer, domain: ArraySlice<UInt8>) -> KeyedHash { hash(.text, text, domain) }

    /// The value's spelling does not count: `250` and `2.5e2` are one number, `-0` is zero.
    func hash(number: Double, domain: ArraySlice<UInt8>) -> KeyedHash {
        withUnsafeBytes(of: (number == 0 ? 0 : number).bitPattern.bigEndian) { hash(.number, $0, domain) }
    }

    func hash(truth: Bool, domain: ArraySlice<UInt8>) -> KeyedHash { withUnsafeBytes(of: UInt8(truth ? 1 : 0)) { hash(.truth, $0, domain) } }

    private func hash(_ type: FieldType, _ value: UnsafeRawBufferPointer, _ domain: ArraySlice<UInt8>) -> KeyedHash {
        var code = code
        domain.withUnsafeBytes { code.update(data: $0) }
        withUnsafeBytes(of: type.rawValue) { code.update(data: $0) }
        code.update(data: value)
        return code.finalize().withUnsafeBytes { KeyedHash($0) }
    }

    private enum FieldType: UInt8 {
        case text = 0x73
        case number = 0x6e
        case truth = 0x62
    }

    private static let entityDomain = Array("penstock.entity/1\0".utf8)

    /// A column's name has no control characters, so the zero byte ends it.
    static func fieldDomain(of column: String) -> [UInt8] { Array("penstock.field/1\0\(column)\0".utf8) }
}

/// A key must not come into a log line by being printed.
extension RecordKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "record key \(id)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": id.text]) }
}

/// HMAC-SHA256 of a value. Text form 64 lower-case hex digits.
package struct KeyedHash: Hashable, Sendable, CustomStringConvertible {
    private let words: InlineWords

    private struct InlineWords: Hashable, Sendable {
        var first: UInt64, second: UInt64, third: UInt64, fourth: UInt64
    }

    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 32, "HMAC-SHA256 gives 32 bytes")
        func word(_ index: Int) -> UInt64 { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)) }
        words = InlineWords(first: word(0), second: word(1), third: word(2), fourth: word(3))
    }

    package init?(parsing text: some StringProtocol) {
        guard let bytes = [UInt8](hex: text), bytes.count == 32 else { return nil }
        self = bytes.withUnsafeBytes { KeyedHash($0) }
    }

    /// The first 8 bytes: enough to tell entities apart where only their number matters.
    package var short: UInt64 { words.first }

    package var description: String {
        var text: [UInt8] = []
        append(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    package func append(to buffer: inout [UInt8]) {
        buffer.append(hex: words.first)
        buffer.append(hex: words.second)
        buffer.append(hex: words.third)
        buffer.append(hex: words.fourth)
    }
}
