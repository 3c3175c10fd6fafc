// Artifact stores that each break one sentence of the port, over one that keeps them all.
import Conformance
import Foundation
import MemoryStores
import Ports
import Primitives
import Testing

/// Passes everything on, except where a test puts something else in its place.
struct OpenArtifacts: ArtifactStore {
    typealias Error = ArtifactError
    typealias Chunks = any AsyncSequence<[UInt8], any Swift.Error> & Sendable
    var onPut: @Sendable ([UInt8]) async throws(Error) -> Digest
    var onStream: @Sendable (Chunks, _ expected: Digest, _ limit: Int) async throws(Error) -> Void
    var onContains: @Sendable (Digest) async throws(Error) -> Bool
    var onRead: @Sendable (Digest, _ limit: Int) async throws(Error) -> [UInt8]
    var onFile: @Sendable (Digest) async throws(Error) -> String

    init(_ base: any ArtifactStore) {
        onPut = { bytes throws(Error) in try await base.put(bytes) }
        onStream = { chunks, expected, limit throws(Error) in try await base.put(stream: chunks, expecting: expected, limit: limit) }
        onContains = { digest throws(Error) in try await base.contains(digest) }
        onRead = { digest, limit throws(Error) in try await base.read(digest, limit: limit) }
        onFile = { digest throws(Error) in try await base.verifiedFile(digest) }
    }

    func put(_ bytes: [UInt8]) async throws(Error) -> Digest { try await onPut(bytes) }
    func put(stream chunks: Chunks, expecting expected: Digest, limit: Int) async throws(Error) { try await onStream(chunks, expected, limit) }
    func contains(_ digest: Digest) async throws(Error) -> Bool { try await onContains(digest) }
    func read(_ digest: Digest, limit: Int) async throws(Error) -> [UInt8] { try await onRead(digest, limit) }
    func verifiedFile(_ digest: Digest) async throws(Error) -> String { try await onFile(digest) }
}

/// An artifact store in memory whose bytes can be changed from outside. `extra` holds what a wrong store keeps under names of its choice.
struct HonestArtifacts: Sendable {
    let base = MemoryArtifacts()
    let changed = Kept<Set<Digest>>([])
    let extra = Kept<[Digest: [UInt8]]>([:])
    let folder: Folder

    init() throws { folder = try Folder() }

    var store: OpenArtifacts {
        var store = OpenArtifacts(base)
        store.onContains = { digest throws(ArtifactError) in
            if extra.value.withLock({ $0[digest] }) != nil { return true }
            return try await base.contains(digest)
        }
        store.onRead = { digest, limit throws(ArtifactError) in
            try check(digest)
            if let bytes = extra.value.withLock({ $0[digest] }) { return bytes }
            return try await base.read(digest, limit: limit)
        }
        store.onFile = { digest throws(ArtifactError) in
            try check(digest)
            return try file(try await base.read(digest, limit: .max))
        }
        return store
    }

    private func check(_ digest: Digest) throws(ArtifactError) {
        if changed.value.withLock({ $0.contains(digest) }) { throw ArtifactError(.damaged, "changed", digest: digest) }
    }

    /// Gone with the folder.
    func file(_ bytes: [UInt8]) throws(ArtifactError) -> String {
        let path = folder(UUID().uuidString)
        do { try Files.write(bytes, to: path) } catch { throw ArtifactError(.unavailable, "\(error)") }
        return path
    }

    func bench(_ store: OpenArtifacts) -> ArtifactStoreBench {
        ArtifactStoreBench(store: store, reopen: { base }, tamper: { digest in changed.value.withLock { _ = $0.insert(digest) } })
    }
}

/// What it does wrong, the sentence that this breaks, and how.
struct WrongArtifacts: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var breaks: ArtifactStoreConformance.Sentence
    var bench: @Sendable () throws -> ArtifactStoreBench

    init(_ name: String, breaks: ArtifactStoreConformance.Sentence, _ change: @escaping @Sendable (inout OpenArtifacts, HonestArtifacts) -> Void) {
        testDescription = name
        self.breaks = breaks
        bench = {
            let world = try HonestArtifacts()
            var store = world.store
            change(&store, world)
            return world.bench(store)
        }
    }

    init(_ name: String, reopened: @escaping @Sendable (HonestArtifacts) async throws -> any ArtifactStore) {
        testDescription = name
        breaks = .durability
        bench = {
            let world = try HonestArtifacts()
            var bench = world.bench(world.store)
            bench.reopen = { try await reopened(world) }
            return bench
        }
    }

    static let all: [WrongArtifacts] = stored + named + handedOut
}

extension WrongArtifacts {
    private static let stored = [
        WrongArtifacts("comes back empty") { _ in MemoryArtifacts() },
        WrongArtifacts("keeps what was streamed in memory only", breaks: .durability) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                let (bytes, isWhole) = await collect(chunks, limit)
                try await MemoryArtifacts().put(stream: stream(bytes, isWhole: isWhole), expecting: expected, limit: limit)
                world.extra.value.withLock { $0[expected] = bytes }
            }
        },
        WrongArtifacts("comes back with half an artifact under its name") { world in
            var store = OpenArtifacts(world.base)
            store.onContains = { _ in true }
            return store
        },
        WrongArtifacts("refuses what is there already", breaks: .putting) { store, world in
            store.onPut = { bytes throws(ArtifactError) in
                guard try await !world.base.contains(Digest.of(bytes)) else { throw ArtifactError(.unavailable, "it is there") }
                return try await world.base.put(bytes)
            }
        },
        WrongArtifacts("empties an artifact that comes again", breaks: .putting) { store, world in
            store.onPut = { bytes throws(ArtifactError) in
                if try await world.base.contains(Digest.of(bytes)) { world.extra.value.withLock { $0[Digest.of(bytes)] = [] } }
                return try await world.base.put(bytes)
            }
        },
        WrongArtifacts("does not store what is empty", breaks: .putting) { store, world in
            store.onPut = { bytes throws(ArtifactError) in bytes.isEmpty ? Digest.of(bytes) : try await world.base.put(bytes) }
        },
        WrongArtifacts("has everything", breaks: .putting) { store, world in
            let honest = store.onContains
            store.onContains = { digest throws(ArtifactError) in
                if digest == Digest.of("unknown") { return true }
                return try await honest(digest)
            }
        },
    ]

    private static let named = [
        WrongArtifacts("stores what comes under the promised name", breaks: .naming) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                let (bytes, isWhole) = await collect(chunks, limit)
                guard isWhole, bytes.count <= limit, Digest.of(bytes) != expected else {
                    return try await world.base.put(stream: stream(bytes, isWhole: isWhole), expecting: expected, limit: limit)
                }
                world.extra.value.withLock { $0[expected] = bytes }
            }
        },
        WrongArtifacts("says that the bytes are wrong and keeps them", breaks: .naming) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                let (bytes, isWhole) = await collect(chunks, limit)
                if isWhole, bytes.count <= limit, Digest.of(bytes) != expected { world.extra.value.withLock { $0[expected] = bytes } }
                try await world.base.put(stream: stream(bytes, isWhole: isWhole), expecting: expected, limit: limit)
            }
        },
        WrongArtifacts("takes a stream that broke for one that ended", breaks: .naming) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                let (bytes, isWhole) = await collect(chunks, limit)
                if isWhole { return try await world.base.put(stream: stream(bytes), expecting: expected, limit: limit) }
                world.extra.value.withLock { $0[expected] = bytes }
            }
        },
        WrongArtifacts("shows a name while its bytes arrive", breaks: .naming) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                world.extra.value.withLock { $0[expected] = [] }
                defer { world.extra.value.withLock { $0[expected] = nil } }
                try await world.base.put(stream: chunks, expecting: expected, limit: limit)
            }
        },
        WrongArtifacts("takes one byte more than the limit", breaks: .stream) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                try await world.base.put(stream: chunks, expecting: expected, limit: limit == .max ? limit : limit + 1)
            }
        },
        WrongArtifacts("stops at the limit in silence", breaks: .stream) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                do throws(ArtifactError) { try await world.base.put(stream: chunks, expecting: expected, limit: limit) } catch  where error.code == .tooLarge {}
            }
        },
        WrongArtifacts("calls too much damaged", breaks: .stream) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                do throws(ArtifactError) { try await world.base.put(stream: chunks, expecting: expected, limit: limit) } catch { throw ArtifactError(.damaged, error.message) }
            }
        },
        WrongArtifacts("takes an empty chunk for the end", breaks: .stream) { store, world in
            store.onStream = { chunks, expected, limit throws(ArtifactError) in
                let (bytes, _) = await collect(chunks, limit, stopsAtEmpty: true)
                try await world.base.put(stream: stream(bytes), expecting: expected, limit: limit)
            }
        },
    ]

    private static let handedOut = [
        WrongArtifacts("does not check what is read", breaks: .integrity) { store, world in
            store.onRead = { digest, limit throws(ArtifactError) in try await world.base.read(digest, limit: limit) }
        },
        WrongArtifacts("does not check what is loaded", breaks: .integrity) { store, world in
            store.onFile = { digest throws(ArtifactError) in try world.file(try await world.base.read(digest, limit: .max)) }
        },
        WrongArtifacts("calls a changed artifact missing", breaks: .integrity) { store, _ in
            let honest = store.onRead
            store.onRead = { digest, limit throws(ArtifactError) in
                do throws(ArtifactError) { return try await honest(digest, limit) } catch  where error.code == .damaged { throw ArtifactError(.missing, "gone", digest: digest) }
            }
        },
        WrongArtifacts("cuts what is read at the limit", breaks: .reading) { store, _ in
            let honest = store.onRead
            store.onRead = { digest, limit throws(ArtifactError) in Array(try await honest(digest, .max).prefix(limit)) }
        },
        WrongArtifacts("reads one byte more than the limit", breaks: .reading) { store, _ in
            let honest = store.onRead
            store.onRead = { digest, limit throws(ArtifactError) in try await honest(digest, limit == .max ? limit : limit + 1) }
        },
        WrongArtifacts("reads nothing where there is nothing", breaks: .reading) { store, world in
            let honest = store.onRead
            store.onRead = { digest, limit throws(ArtifactError) in
                if digest == Digest.of("unknown") { return [] }
                return try await honest(digest, limit)
            }
        },
        WrongArtifacts("makes a file without the bytes", breaks: .file) { store, world in
            store.onFile = { digest throws(ArtifactError) in
                _ = try await world.store.verifiedFile(digest)
                return try world.file([])
            }
        },
        WrongArtifacts("makes a path from the current folder", breaks: .file) { store, world in
            store.onFile = { digest throws(ArtifactError) in "." + (try await world.store.verifiedFile(digest)) }
        },
        WrongArtifacts("makes a path to nothing", breaks: .file) { store, world in
            store.onFile = { digest throws(ArtifactError) in
                let path = try await world.store.verifiedFile(digest)
                return path + "-gone"
            }
        },
    ]

    private static func collect(_ chunks: OpenArtifacts.Chunks, _ limit: Int, stopsAtEmpty: Bool = false) async -> (bytes: [UInt8], isWhole: Bool) {
        var bytes: [UInt8] = []
        do {
            for try await chunk in chunks {
                if stopsAtEmpty, chunk.isEmpty { return (bytes, true) }
                bytes += chunk
                if bytes.count > limit { return (bytes, true) }
            }
            return (bytes, true)
        } catch { return (bytes, false) }
    }

    private static func stream(_ bytes: [UInt8], isWhole: Bool = true) -> OpenArtifacts.Chunks {
        AsyncThrowingStream<[UInt8], any Error> { continuation in
            continuation.yield(bytes)
            continuation.finish(throwing: isWhole ? nil : CancellationError())
        }
    }
}
