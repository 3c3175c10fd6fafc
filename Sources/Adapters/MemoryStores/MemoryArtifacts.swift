// Artifacts in memory, for tests and simulations.
private import Foundation
package import Ports
package import Primitives
private import Synchronization

package final class MemoryArtifacts: ArtifactStore {
    private let contents = Mutex<[Digest: [UInt8]]>([:])

    package init() {}

    package func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest {
        let digest = Digest.of(bytes)
        contents.withLock { $0[digest] = bytes }
        return digest
    }

    package func put(
        stream chunks: any AsyncSequence<[UInt8], any Error> & Sendable, expecting expected: Digest, limit: Int
    ) async throws(ArtifactError) {
        var bytes: [UInt8] = []
        do {
            for try await chunk in chunks {
                guard chunk.count <= limit - bytes.count else {
                    throw ArtifactError(.tooLarge, "the artifact has more than \(limit) bytes; nothing was stored", digest: expected)
                }
                bytes += chunk
            }
        } catch let error as ArtifactError {
            throw error
        } catch {
            throw ArtifactError(.unavailable, "the upload broke off: \(error); nothing was stored", digest: expected)
        }
        guard Digest.of(bytes) == expected else {
            throw ArtifactError(.damaged, "what arrived has digest \(Digest.of(bytes)), not \(expected); nothing was stored", digest: expected)
        }
        contents.withLock { $0[expected] = bytes }
    }

    package func contains(_ digest: Digest) async throws(ArtifactError) -> Bool { contents.withLock { $0[digest] != nil } }

    package func read(_ digest: Digest, limit: Int) async throws(ArtifactError) -> [UInt8] {
        guard let bytes = contents.withLock({ $0[digest] }) else { throw ArtifactError(.missing, "the artifact \(digest) is not in the store", digest: digest) }
        guard bytes.count <= limit else { throw ArtifactError(.tooLarge, "the artifact \(digest.short) has more than \(limit) bytes", digest: digest) }
        return bytes
    }

    /// A new temporary file each time; the caller removes it.
    package func verifiedFile(_ digest: Digest) async throws(ArtifactError) -> String {
        let path = NSTemporaryDirectory() + "/penstock-artifact-\(UUID().uuidString)"
        guard FileManager.default.createFile(atPath: path, contents: Data(try await read(digest, limit: .max)), attributes: [.posixPermissions: 0o600]) else {
            throw ArtifactError(.unavailable, "\(path) cannot be written", digest: digest)
        }
        return path
    }
}
