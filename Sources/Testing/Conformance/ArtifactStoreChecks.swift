// What each sentence about artifacts means.
private import Foundation
internal import Ports
internal import Primitives

struct ArtifactStoreChecks: Sendable {
    let bench: ArtifactStoreBench
    var store: any ArtifactStore { bench.store }

    func durability() async throws {
        guard let reopen = bench.reopen else { throw Unmet(seen: "the bench cannot open the store again; leave this sentence out for a store that ends with its process") }
        let first = bytes(100_000), second = bytes(70_000), half = bytes(300_000)
        let stored = try await store.put(first)
        try require(try await bytes(of: stored, in: reopen()) == first, "an artifact was put, and not there after opening again")
        try await store.put(stream: chunks(of: second).sequence, expecting: Digest.of(second), limit: second.count)
        try require(try await bytes(of: Digest.of(second), in: reopen()) == second, "a streamed artifact was put, and not there after opening again")
        let expected = Digest.of(half)
        let slow = chunks(of: half) { place in
            guard place == 2 else { return }
            let reopened = try await reopen()
            let isThere = try await reopened.contains(expected)
            try require(!isThere, "a crash in the middle of a stream left something under its digest")
            let left = await refusal { _ = try await reopened.read(expected, limit: .max) }
            try require(left?.code == .missing, "a crash in the middle of a stream left something to read under its digest")
        }
        try await passing(slow.failure) { try await store.put(stream: slow.sequence, expecting: expected, limit: half.count) }
    }

    func naming() async throws {
        let right = bytes(50_000), wrong = bytes(50_001), kept = bytes(20_000)
        let expected = Digest.of(right)
        for (what, sequence) in [
            ("other bytes", chunks(of: wrong).sequence), ("only the first half", chunks(of: Array(right[..<25_000])).sequence), ("nothing", chunks(of: []).sequence),
        ] {
            let refusal = await refusal { try await store.put(stream: sequence, expecting: expected, limit: .max) }
            try require(refusal != nil, "a stream delivered \(what), and `put` returned")
            try await requireNothing(under: expected, after: "a stream that delivered \(what)")
        }
        let broken = chunks(of: right) { place in if place == 2 { throw Broken() } }
        let refusal = await refusal { try await store.put(stream: broken.sequence, expecting: expected, limit: .max) }
        try require(refusal != nil, "a stream broke in the middle, and `put` returned")
        try await requireNothing(under: expected, after: "a stream that broke in the middle")
        let watched = chunks(of: right) { place in if place == 2 { try await requireNothing(under: expected, after: "the middle of a stream") } }
        try await passing(watched.failure) { try await store.put(stream: watched.sequence, expecting: expected, limit: .max) }
        let name = try await store.put(kept)
        _ = await self.refusal { try await store.put(stream: chunks(of: wrong).sequence, expecting: name, limit: .max) }
        try require(try await bytes(of: name, in: store) == kept, "a refused stream changed an artifact that was there")
        _ = await self.refusal { try await store.put(stream: chunks(of: wrong).sequence, expecting: Digest.of(kept + [0]), limit: .max) }
        try await requireNothing(under: Digest.of(kept + [0]), after: "a stream that delivered other bytes")
    }

    private func requireNothing(under digest: Digest, after what: String) async throws {
        try require(try await !store.contains(digest), "after \(what), something is stored under the promised digest")
        let left = await refusal { _ = try await store.read(digest, limit: .max) }
        try require(left?.code == .missing, "after \(what), reading the promised digest says \(left.map { "'\($0.message)'" } ?? "nothing is wrong")")
    }

    func integrity() async throws {
        guard let tamper = bench.tamper else { throw Unmet(seen: "the bench cannot change a stored byte; leave this sentence out for a store that nothing outside can reach") }
        let digest = try await store.put(bytes(600_000)), whole = try await store.put(bytes(1000))
        try await tamper(digest)
        let reads: [(String, @Sendable () async throws -> Void)] = [
            ("read", { _ = try await store.read(digest, limit: .max) }), ("verifiedFile", { _ = try await store.verifiedFile(digest) }),
        ]
        for (name, read) in reads {
            let refusal = await refusal(read)
            try require(refusal != nil, "a byte was changed, and `\(name)` handed it out")
            try require(refusal?.code == .damaged, "a byte was changed, and `\(name)` threw another code: '\(refusal?.message ?? "")'")
        }
        try require(try await bytes(of: whole, in: store).count == 1000, "a byte of one artifact was changed, and another cannot be read")
    }

    func putting() async throws {
        for content in [bytes(0), bytes(1), bytes(300_001)] {
            for time in ["once", "again"] {
                let digest = try await store.put(content)
                try require(digest == Digest.of(content), "\(content.count) bytes were put \(time), and named \(digest.short)")
                try require(try await store.contains(digest), "\(content.count) bytes were put \(time), and are not there")
                try require(try await bytes(of: digest, in: store) == content, "\(content.count) bytes were put \(time), and others were read")
            }
        }
        let content = bytes(40_000)
        try await withThrowingTaskGroup(of: Digest.self) { group in
            for _ in 0..<16 { group.addTask { try await store.put(content) } }
            for try await digest in group { try require(try await bytes(of: digest, in: store) == content, "one of 16 who put the same bytes at once read others") }
        }
        try require(try await !store.contains(Digest.of("unknown")), "an artifact is there that was never put")
    }

    func stream() async throws {
        for (size, chunk) in [(0, 1), (1, 1), (4096, 1000), (200_000, 65_536), (200_000, 200_000)] {
            let content = bytes(size), digest = Digest.of(content)
            // An empty chunk is allowed anywhere.
            try await store.put(stream: chunks(of: content, each: chunk, emptyFirst: true).sequence, expecting: digest, limit: size)
            try require(try await bytes(of: digest, in: store) == content, "\(size) bytes came in chunks of \(chunk), and others were read")
            guard size > 0 else { continue }
            let longer = content + [1], longerDigest = Digest.of(longer)
            let refusal = await refusal { try await store.put(stream: chunks(of: longer, each: chunk).sequence, expecting: longerDigest, limit: size) }
            try require(refusal?.code == .tooLarge, "\(longer.count) bytes came where \(size) are the most, and `put` said \(refusal.map { "'\($0.message)'" } ?? "nothing")")
            try require(try await !store.contains(longerDigest), "\(longer.count) bytes came where \(size) are the most, and were stored")
        }
        let endless = AsyncThrowingStream<[UInt8], any Error> { [UInt8](repeating: 7, count: 1000) }
        let refusal = await refusal { try await store.put(stream: endless, expecting: Digest.of("endless"), limit: 100_000) }
        try require(refusal?.code == .tooLarge, "a stream without an end was not refused at its limit")
    }

    func reading() async throws {
        for size in [1, 5000, 262_144, 700_000] {
            let content = bytes(size), digest = try await store.put(content)
            try require(try await store.read(digest, limit: size) == content, "\(size) bytes were put, and others were read")
            for limit in [size - 1, 0] {
                let refusal = await refusal { _ = try await store.read(digest, limit: limit) }
                try require(refusal?.code == .tooLarge, "\(size) bytes, at most \(limit) asked for, and `read` said \(refusal.map { "'\($0.message)'" } ?? "nothing")")
            }
        }
        let refusal = await refusal { _ = try await store.read(Digest.of("unknown"), limit: .max) }
        try require(refusal?.code == .missing, "an artifact that was never put is answered with \(refusal.map { "'\($0.message)'" } ?? "bytes")")
    }

    func file() async throws {
        for content in [bytes(3), bytes(500_000)] {
            let path = try await store.verifiedFile(try await store.put(content))
            try require(path.hasPrefix("/"), "'\(path)' depends on the current folder")
            try require(FileManager.default.contents(atPath: path).map { Array($0) } == content, "'\(path)' does not have the artifact's bytes")
        }
        let refusal = await refusal { _ = try await store.verifiedFile(Digest.of("unknown")) }
        try require(refusal?.code == .missing, "a file of an artifact that was never put is answered with \(refusal.map { "'\($0.message)'" } ?? "a path")")
    }
}
