// Which entities a candidate answers: the same ones on every node, at every time, for one release.
private import struct Crypto.HMAC
private import struct Crypto.SHA256
private import struct Crypto.SymmetricKey

/// Sticky, nested assignment of entities to a candidate.
///
/// An entity's place is the first 8 bytes of HMAC-SHA256(salt of the release, entity) read as a fraction of 2^64. A share takes all
/// places below it, so that the 5 % set lies inside the 25 % set, and another release's salt gives another set.
package struct Assignment: Hashable, Sendable {
    private let salt: [UInt8]
    /// Places at or above this stay with the champion; `nil` takes all.
    private let bound: UInt64?

    /// `share` outside 0...1 is clamped; a share that is not a number takes nobody.
    package init(salt: [UInt8], share: Double) {
        self.salt = salt
        if share.isNaN || share <= 0 {
            bound = 0
        } else if share >= 1 {
            bound = nil
        } else {
            // Exact: a double below 1 times 2^64 is below 2^64 and integral or rounds down.
            bound = UInt64((share * 0x1p64).rounded(.down))
        }
    }

    /// Whether the candidate answers for this entity. A request without an entity is the champion's.
    package func includes(entity: some ContiguousBytesView) -> Bool {
        guard let bound else { return true }
        guard bound != 0 else { return false }
        return Self.place(of: entity, salt: salt) < bound
    }

    package static func place(of entity: some ContiguousBytesView, salt: [UInt8]) -> UInt64 {
        var code = HMAC<SHA256>(key: SymmetricKey(data: salt))
        entity.withRawBytes { code.update(data: $0) }
        return code.finalize().withUnsafeBytes { raw in
            raw.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
    }
}

/// Bytes that can be read in place, so that the hot path need not copy an entity.
package protocol ContiguousBytesView {
    func withRawBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result
}

extension [UInt8]: ContiguousBytesView {
    package func withRawBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { withUnsafeBytes(body) }
}

extension UnsafeRawBufferPointer: ContiguousBytesView {
    package func withRawBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { body(self) }
}
