// A node's files in memory.
package import Ports
package import Primitives
private import Synchronization

/// A node's own store in memory, whose bytes a test may spoil.
package final class NodeStore: ArtifactStore {
    package init() {}

    private let contents = Mutex<[Digest: [UInt8]]>([:])

    package func plant(_ bytes: [UInt8], as digest: Digest) { contents.withLock { $0[digest] = bytes } }

    package func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest {
        plant(bytes, as: Digest.of(bytes))
        return Digest.of(bytes)
    }

    package func put(stream chunks: any AsyncSequence<[UInt8], any Error> & Sendable, expecting expected: Digest, limit: Int) async throws(ArtifactError) {
        var bytes: [UInt8] = []
        do { for try await chunk in chunks { bytes += chunk } } catch { throw ArtifactError(.unavailable, "\(error)") }
        guard bytes.count <= limit else { throw ArtifactError(.tooLarge, "too large") }
        guard Digest.of(bytes) == expected else { throw ArtifactError(.damaged, "what arrived has another digest", digest: expected) }
        plant(bytes, as: expected)
    }

    package func contains(_ digest: Digest) async throws(ArtifactError) -> Bool { contents.withLock { $0[digest] != nil } }

    package func read(_ digest: Digest, limit: Int) async throws(ArtifactError) -> [UInt8] {
        guard let bytes = contents.withLock({ $0[digest] }) else { throw ArtifactError(.missing, "missing", digest: digest) }
        guard bytes.count <= limit else { throw ArtifactError(.tooLarge, "too large", digest: digest) }
        guard Digest.of(bytes) == digest else { throw ArtifactError(.damaged, "\(digest.short) is damaged", digest: digest) }
        return bytes
    }

    package func verifiedFile(_ digest: Digest) async throws(ArtifactError) -> String { throw ArtifactError(.unavailable, "there are no files here", digest: digest) }
}
