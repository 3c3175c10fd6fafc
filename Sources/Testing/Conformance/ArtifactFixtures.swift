// Artifacts to put, and streams that somebody watches.
internal import Ports
internal import Primitives
private import Synchronization

struct Broken: Error {}

/// A stream in which something happens before a chunk, and what that threw: a store may put its own error in its place.
struct WatchedChunks: Sendable {
    var sequence: any AsyncSequence<[UInt8], any Error> & Sendable
    var failure: FailureBox
}

final class FailureBox: Sendable {
    private let value = Mutex<(any Error)?>(nil)
    var error: (any Error)? { value.withLock { $0 } }
    func keep(_ error: any Error) { value.withLock { $0 = error } }
}

extension ArtifactStoreChecks {
    /// Other bytes for each count, that repeat only after a prime number of them, so that chunks cannot change places unseen.
    func bytes(_ count: Int) -> [UInt8] {
        var state = UInt64(count) &+ 1
        let block = (0..<min(count, 4099)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += block.prefix(count - bytes.count) }
        return bytes
    }

    func bytes(of digest: Digest, in store: any ArtifactStore) async throws -> [UInt8] { try await store.read(digest, limit: .max) }

    func refusal(_ body: @Sendable () async throws -> Void) async -> ArtifactError? {
        do {
            try await body()
            return nil
        } catch { return error as? ArtifactError ?? ArtifactError(.unavailable, "an error of another type: \(error)") }
    }

    func chunks(
        of bytes: [UInt8], each size: Int = 8192, emptyFirst: Bool = false, before: @escaping @Sendable (_ place: Int) async throws -> Void = { _ in }
    ) -> WatchedChunks {
        var chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        if emptyFirst { chunks.insert([], at: chunks.count / 2) }
        let rest = chunks, place = Counter(), failure = FailureBox()
        let sequence = AsyncThrowingStream<[UInt8], any Error> {
            let next = place.next()
            guard next < rest.count else { return nil }
            do { try await before(next) } catch {
                failure.keep(error)
                throw error
            }
            return rest[next]
        }
        return WatchedChunks(sequence: sequence, failure: failure)
    }

    /// What the stream's watcher found comes before what the store made of it.
    func passing(_ box: FailureBox, _ body: () async throws -> Void) async throws {
        do { try await body() } catch { throw box.error ?? error }
        if let error = box.error { throw error }
    }
}

private final class Counter: Sendable {
    private let value = Atomic(0)
    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
}
