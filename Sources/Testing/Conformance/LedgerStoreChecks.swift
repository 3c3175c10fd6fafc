// What each sentence about a single caller means.
internal import Evidence
internal import Ports
internal import Primitives

struct LedgerStoreChecks: Sendable {
    let bench: LedgerStoreBench
    var store: any LedgerStore { bench.store }

    func durability() async throws {
        guard let reopen = bench.reopen else { throw Unmet(seen: "the bench cannot open the store again; leave this sentence out for a store that ends with its process") }
        var steps: [String] = []
        for round in 0..<12 {
            steps.append("\(round)")
            _ = try await store.commit([append("stream/\(round % 3)", at: round / 3, ["\(round)"])])
            // Opened again at the start, in the middle and at the end: every returned commit counts, not only the last.
            guard [0, 5, 11].contains(round) else { continue }
            try await requireKept(steps, in: try await reopen())
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<16 { group.addTask { _ = try await store.commit([append("together/\(task)", at: 0, ["together \(task)"])]) } }
            try await group.waitForAll()
        }
        let kept = Set(try await reopen().all().map(\.entry))
        for task in 0..<16 { try require(kept.contains(entry("together \(task)")), "one of 16 commits that returned together was not there after opening again") }
    }

    private func requireKept(_ steps: [String], in reopened: any LedgerStore) async throws {
        let kept = try await reopened.all().map(\.entry)
        try require(kept == steps.map { entry($0) }, "\(steps.count) entries were committed, and \(kept.count) were there after opening again, or others")
    }

    func conflict() async throws {
        let subject = Digest.of("subject")
        _ = try await store.commit([append("release/a", at: 0, ["a0", "a1"], about: [subject])])
        _ = try await store.commit([append("release/b", at: 0, ["b0"], about: [subject])])
        let before = try await everything(about: subject)
        func fresh(_ name: String) -> LedgerAppend { append(name, at: 0, ["of \(name)"], about: [subject]) }
        let cases: [(String, [LedgerAppend])] = [
            ("one too few", [append("release/a", at: 1, ["x"], about: [subject])]),
            ("one too many", [append("release/a", at: 3, ["x"], about: [subject])]),
            ("none", [append("release/a", at: 0, ["x"], about: [subject])]),
            ("a negative number", [append("release/a", at: -1, ["x"], about: [subject])]),
            ("one for a stream that does not exist", [append("release/c", at: 1, ["x"], about: [subject])]),
            ("a wrong number for the last of three streams", [fresh("release/c"), append("release/b", at: 1, ["b1"]), append("release/a", at: 1, ["x"])]),
            ("a wrong number for the first of three streams", [append("release/a", at: 1, ["x"]), append("release/b", at: 1, ["b1"]), fresh("release/c")]),
            ("a wrong number without entries", [append("release/a", at: 1, [])]),
        ]
        for (expected, appends) in cases {
            let refusal = await store.refusal(of: appends)
            try require(refusal?.code == .conflict, "a commit that expected \(expected) was answered with \(refusal.map { "'\($0.message)'" } ?? "success")")
            let after = try await everything(about: subject)
            try require(after == before, "a refused commit that expected \(expected) changed what is stored")
        }
        let refusal = await store.refusal(of: [append("release/a", at: 2, ["a2"])])
        try require(refusal == nil, "the right revision was refused after the wrong ones: '\(refusal?.message ?? "")'")
    }

    private struct Everything: Hashable {
        var entries: [StoredEntry]
        var about: [StoredEntry]
        var heads: [StreamHead]
        var position: LedgerPosition
    }

    private func everything(about subject: Digest) async throws -> Everything {
        Everything(
            entries: try await store.all(), about: try await store.entries(about: subject), heads: try await store.heads(prefix: ""),
            position: try await store.position())
    }

    func order() async throws {
        var expected: [StoredEntry] = []
        var revisions: [String: Int] = [:]
        for round in 0..<24 {
            // Names that do not sort as they are committed, and commits of one to three entries.
            let stream = "stream/\((round * 5 + 3) % 7)", steps = (0...round % 3).map { "\(round).\($0)" }
            let revision = revisions[stream, default: 0]
            _ = await store.refusal(of: [append(stream, at: revision + 1, ["refused"])])
            let position = try await store.commit([append(stream, at: revision, steps)])
            for (offset, step) in steps.enumerated() {
                expected.append(StoredEntry(index: expected.count, stream: StreamID(stream), revision: revision + offset, entry: entry(step)))
            }
            revisions[stream] = revision + steps.count
            try require(position.size == expected.count, "the commit that made \(expected.count) entries returned the size \(position.size)")
            let found = try await store.all()
            try require(found == expected, "after commit \(round), \(Self.difference(found, expected))")
        }
        for stream in revisions.keys.sorted() {
            let found = try await store.entries(of: StreamID(stream)), wanted = expected.filter { $0.stream.text == stream }
            try require(found == wanted, "in '\(stream)', \(Self.difference(found, wanted))")
        }
        for (first, limit) in [(0, 1), (3, 4), (expected.count - 1, 5), (expected.count, 5), (7, 0), (expected.count + 9, 1)] {
            let found = try await store.entries(from: first, limit: limit), wanted = Array(expected.dropFirst(first).prefix(limit))
            try require(found == wanted, "asked for \(limit) from \(first), \(Self.difference(found, wanted))")
        }
    }

    private static func difference(_ found: [StoredEntry], _ expected: [StoredEntry]) -> String {
        guard let place = (0..<min(found.count, expected.count)).first(where: { found[$0] != expected[$0] }) else {
            return "there are \(found.count) entries and not \(expected.count)"
        }
        let one = found[place], other = expected[place]
        return "place \(place) shows entry \(one.index) of '\(one.stream)' at revision \(one.revision)\(one.entry == other.entry ? "" : " with other content"), "
            + "not entry \(other.index) of '\(other.stream)' at revision \(other.revision)"
    }

    func integrity() async throws {
        guard let tamper = bench.tamper else { throw Unmet(seen: "the bench cannot change a stored entry; leave this sentence out for a store that nothing outside can reach") }
        let subject = Digest.of("subject"), stream = StreamID("release/a")
        for round in 0..<7 { _ = try await store.commit([append(stream.text, at: round, ["\(round)"], about: [subject])]) }
        _ = try await store.commit([append("release/b", at: 0, ["whole"])])
        try await tamper(5)
        let reads: [(String, @Sendable () async throws -> [StoredEntry])] = [
            ("entries(of:)", { try await store.entries(of: stream) }), ("entries(from:limit:)", { try await store.all() }),
            ("entries(about:)", { try await store.entries(about: subject) }),
        ]
        for (name, read) in reads {
            do {
                let found = try await read()
                throw Unmet(seen: "entry 5 was changed, and \(name) handed out \(found.count) entries")
            } catch let error as LedgerStoreError {
                try require(error.code == .damaged, "entry 5 was changed, and \(name) threw another code: '\(error.message)'")
                try require(Self.numbers(in: error.message).contains(5), "entry 5 was changed, and \(name) does not name it: '\(error.message)'")
            }
        }
        let before = try await store.entries(from: 0, limit: 5), other = try await store.entries(of: StreamID("release/b"))
        try require(before.count == 5 && other.count == 1, "entry 5 was changed, and reads without it do not go on")
    }

    private static func numbers(in text: String) -> [Int] { text.split { !$0.isNumber }.compactMap { Int($0) } }

    func checkpoint() async throws {
        try await store.save(checkpoint: Array("five".utf8), size: 5)
        for smaller in [4, 0] {
            try await store.save(checkpoint: Array("smaller".utf8), size: smaller)
            try require(try await store.checkpoint() == Array("five".utf8), "one of size \(smaller) replaced one of size 5")
        }
        try await store.save(checkpoint: Array("seven".utf8), size: 7)
        try require(try await store.checkpoint() == Array("seven".utf8), "one of size 7 did not replace one of size 5")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for size in 8..<40 { group.addTask { try await store.save(checkpoint: Array("size \(size)".utf8), size: size) } }
            try await group.waitForAll()
        }
        let last = String(decoding: try await store.checkpoint() ?? [], as: UTF8.self)
        try require(last == "size 39", "after sizes 8 to 39 at once, '\(last)' was there and not the largest")
    }

    func note() async throws {
        try require(try await store.checkpoint() == nil, "a checkpoint was there before any was saved")
        for (size, note) in [Array("name\n1\nroot\n\n\u{2014} name signature\n".utf8), [0, 0xFF, 0xC3, 0x28, 0x0A, 0], Array("again".utf8)].enumerated() {
            try await store.save(checkpoint: note, size: size)
            let found = try await store.checkpoint()
            try require(found == note, "\(note.count) bytes were saved, and \(found.map { "\($0.count) others" } ?? "none") were there")
        }
        try await store.save(checkpoint: Array("signed again".utf8), size: 2)
        try require(try await store.checkpoint() == Array("signed again".utf8), "a later note of the same size did not replace the earlier")
    }
}
