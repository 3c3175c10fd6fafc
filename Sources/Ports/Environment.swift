// The world's small things: time, randomness, and reading a user's file.
package import Primitives

/// The wall clock, for records. Never for leases or deadlines.
package protocol WallClock: Sendable {
    func now() -> Instant
}

package protocol RandomSource: Sendable {
    /// Cryptographically secure bytes, except in simulations.
    func bytes(_ count: Int) -> [UInt8]
}

/// Parses YAML or JSON into a document, refusing aliases, tags, duplicate keys, depth over `Limits.documentDepth` and size over `Limits.documentBytes`.
package protocol DocumentParser: Sendable {
    /// `file` is only for messages.
    func parse(_ bytes: [UInt8], file: String) throws(DocumentError) -> DocumentNode
}
