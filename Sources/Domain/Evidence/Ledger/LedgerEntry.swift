// One entry of the ledger, and the leaf that commits to it.
package import Primitives

/// What is appended to the ledger: a kind, a salt and a payload.
///
/// The leaf's data is the canonical encoding of the kind and of a commitment, the digest of salt and payload. So an entry
/// whose payload was erased still proves its place, and nobody without the salt can guess a payload from its leaf.
package struct LedgerEntry: Hashable, Sendable {
    /// A dotted name such as `release.approved`. Frozen once written.
    package var kind: String
    /// 16 random bytes, chosen by the program that appends.
    package var salt: [UInt8]
    /// JSON in all kinds so far.
    package var payload: [UInt8]

    package init(kind: String, salt: [UInt8], payload: [UInt8]) {
        self.kind = kind
        self.salt = salt
        self.payload = payload
    }

    package var commitment: Digest {
        var encoder = CanonicalEncoder(kind: "penstock.ledger-commitment", version: 1)
        encoder.field("salt", salt)
        encoder.field("payload", payload)
        return encoder.digest
    }

    package var leafData: [UInt8] {
        var encoder = CanonicalEncoder(kind: "penstock.ledger-leaf", version: 1)
        encoder.field("kind", kind)
        encoder.field("commitment", commitment)
        return encoder.bytes
    }

    /// RFC 6962 §2.1: SHA-256 over a zero byte and the leaf's data.
    package var leafHash: Digest { Digest.of([0] + leafData) }
}
