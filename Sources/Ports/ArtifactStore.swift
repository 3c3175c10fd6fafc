// Where bytes live that are named by their digest.
package import Primitives

package struct ArtifactError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case missing, damaged, tooLarge, unavailable }
        private var value: Value
        package static let missing = Code(value: .missing)
        /// The stored bytes do not have the digest that names them.
        package static let damaged = Code(value: .damaged)
        package static let tooLarge = Code(value: .tooLarge)
        package static let unavailable = Code(value: .unavailable)
    }

    package var code: Code
    package var message: String
    package var digest: Digest?

    package init(_ code: Code, _ message: String, digest: Digest? = nil) {
        self.code = code
        self.message = message
        self.digest = digest
    }

    package var description: String { message }
}

/// Content-addressed bytes.
///
/// - When `put` has returned, the artifact survives power loss; a crash before leaves nothing under its digest.
/// - Bytes that do not have the promised digest are never stored under it.
/// - `read` and `verifiedFile` check the digest of what they hand out and throw `.damaged` when it differs.
package protocol ArtifactStore: Sendable {
    /// Stores a whole artifact; storing it again is harmless.
    func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest
    /// Stores what a stream delivers, at most `limit` bytes, and only if its digest is `expected`.
    func put(stream chunks: any AsyncSequence<[UInt8], any Error> & Sendable, expecting expected: Digest, limit: Int) async throws(ArtifactError)
    func contains(_ digest: Digest) async throws(ArtifactError) -> Bool
    /// The whole artifact, at most `limit` bytes.
    func read(_ digest: Digest, limit: Int) async throws(ArtifactError) -> [UInt8]
    /// A path from which a native library can load; its content was hashed just now.
    func verifiedFile(_ digest: Digest) async throws(ArtifactError) -> String
}
