// What the ledger says of a batch of decisions: which, and a commitment that nobody can guess anything from.
package import Primitives

/// The entries `first` to `last` of one node's log, as they were stored together.
///
/// The commitment is over one salted leaf an entry, so that an entry whose payload and salt were erased leaves the others provable, and a payload
/// that could be guessed is not confirmed by the ledger.
package struct DecisionBatch: Codable, Hashable, Sendable {
    package static let saltBytes = 16

    package var node: NodeID
    package var first: UInt64
    package var last: UInt64
    package var commitment: Digest

    package init(node: NodeID, first: UInt64, last: UInt64, commitment: Digest) {
        self.node = node
        self.first = first
        self.last = last
        self.commitment = commitment
    }

    /// `leaves` are those of `first` and what follows it, at least one.
    package init?(node: NodeID, first: UInt64, leaves: [Digest]) {
        guard first >= 1, !leaves.isEmpty else { return nil }
        var encoder = CanonicalEncoder(kind: "penstock.decision-batch", version: 1)
        encoder.field("node", node.text)
        encoder.field("first", Int64(bitPattern: first))
        encoder.list("leaves", leaves) { $0.field("leaf", $1) }
        self.init(node: node, first: first, last: first + UInt64(leaves.count) - 1, commitment: encoder.digest)
    }

    package static func leaf(salt: [UInt8], sequence: UInt64, kind: LogFrame.Kind, payload: [UInt8]) -> Digest {
        var encoder = CanonicalEncoder(kind: "penstock.decision-entry", version: 1)
        encoder.field("salt", salt)
        encoder.field("sequence", Int64(bitPattern: sequence))
        encoder.field("kind", Int64(kind.rawValue))
        encoder.field("payload", payload)
        return encoder.digest
    }
}
