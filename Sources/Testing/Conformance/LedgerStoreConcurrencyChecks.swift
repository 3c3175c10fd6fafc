// What the sentences about many callers at once mean.
internal import Evidence
internal import Ports
internal import Primitives
private import Synchronization

extension LedgerStoreChecks {
    /// One task commits to two streams at once, and another looks, in every order of looking, for one without the other.
    func atomicity() async throws {
        let rounds = 40
        try await withThrowingTaskGroup(of: Void.self) { group in
            let isFinished = FinishedFlag()
            group.addTask {
                defer { isFinished.set() }
                for round in 0..<rounds {
                    let left = append("pair/left", at: round, ["left \(round)"]), right = append("pair/right", at: 2 * round, ["right \(round)", "more \(round)"])
                    _ = try await store.commit([left, right])
                }
            }
            group.addTask {
                while !isFinished.isSet {
                    try await lookForHalves()
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
        try await lookForHalves()
        let heads = try await store.heads(prefix: "pair/"), size = try await store.position().size
        try require(heads.map(\.revision) == [rounds, 2 * rounds], "after \(rounds) commits of 1 and 2 entries, the heads are at \(heads.map(\.revision))")
        try require(size == 3 * rounds, "after \(rounds) commits of 3 entries, the size is \(size)")
    }

    private func lookForHalves() async throws {
        let left = StreamID("pair/left"), right = StreamID("pair/right")
        let firstLeft = try await store.entries(of: left).count, thenRight = try await store.entries(of: right).count
        try require(thenRight >= 2 * firstLeft, "\(firstLeft) entries of one stream were visible, and then only \(thenRight) of those committed with them")
        let firstRight = try await store.entries(of: right).count, thenLeft = try await store.entries(of: left).count
        try require(2 * thenLeft >= firstRight, "\(firstRight) entries of one stream were visible, and then only \(thenLeft) of those committed with them")
        let heads = try await store.heads(prefix: "pair/")
        let revisions = Dictionary(uniqueKeysWithValues: heads.map { ($0.stream, $0.revision) })
        try require(2 * (revisions[left] ?? 0) == revisions[right] ?? 0, "in one read, the heads were at \(heads.map(\.revision))")
        try require(revisions[left] ?? 0 >= thenLeft, "\(thenLeft) entries were visible, and then the head was at \(revisions[left] ?? 0)")
        let afterHeads = try await store.entries(of: left).count
        try require(afterHeads >= revisions[left] ?? 0, "the head was at \(revisions[left] ?? 0), and then \(afterHeads) entries were visible")
        let shown = try await store.all().count, size = try await store.position().size
        try require(shown.isMultiple(of: 3), "commits of three entries, and \(shown) entries were visible")
        try require(size.isMultiple(of: 3) && size >= shown, "commits of three entries, \(shown) visible, and then the size was \(size)")
        guard size > 0 else { return }
        try require(try await store.inclusionProof(of: size - 1, in: size) != nil, "the size was \(size), and then there was no proof of the last entry")
    }

    /// 64 callers want the same place, then 64 callers each want their own.
    func concurrency() async throws {
        let callers = 64
        for round in 0..<4 {
            let refusals = await together(callers) { await store.refusal(of: [append("wanted", at: round, ["round \(round), caller \($0)"])]) }
            let winners = refusals.count { $0 == nil }, conflicts = refusals.count { $0?.code == .conflict }
            try require(winners == 1, "\(callers) callers committed to one revision at once, and \(winners) of them succeeded")
            try require(conflicts == callers - 1, "\(callers) callers committed to one revision at once, and \(conflicts) of them were told of a conflict")
            let count = try await store.entries(of: StreamID("wanted")).count
            try require(count == round + 1, "one caller in each of \(round + 1) rounds succeeded, and the stream has \(count) entries")
        }
        let refusals = await together(callers) { caller -> LedgerStoreError? in
            for round in 0..<4 {
                if let refusal = await store.refusal(of: [append("own/\(caller)", at: round, ["caller \(caller), round \(round)"])]) { return refusal }
                if round == 2, let error = await error({ () async throws(LedgerStoreError) in _ = try await store.heads(prefix: "own/") }) { return error }
            }
            return nil
        }
        try require(refusals.allSatisfy { $0 == nil }, "callers of different streams hindered one another: '\(refusals.compactMap { $0?.message }.first ?? "")'")
        let expected = Set((0..<callers).flatMap { caller in (0..<4).map { entry("caller \(caller), round \($0)") } })
        let found = try await store.entries(from: 4, limit: .max).map(\.entry)
        try require(found.count == expected.count && Set(found) == expected, "\(expected.count) commits to different streams succeeded, and \(found.count) entries came")
    }

    func freshness() async throws {
        let callers = 8
        let failures = await together(callers) { caller in
            await error {
                let stream = StreamID("seen/\(caller)"), subject = Digest.of("subject \(caller)")
                for round in 0..<6 {
                    let position = try await store.commit([append(stream.text, at: round, ["caller \(caller), round \(round)"], about: [subject])])
                    // Another task, so that no store can know its reader.
                    try await Task.detached { try await requireVisible(stream, subject, revision: round + 1, position) }.value
                }
            }
        }
        if let failure = failures.compactMap({ $0 }).first { throw failure }
    }

    private func requireVisible(_ stream: StreamID, _ subject: Digest, revision: Int, _ position: LedgerPosition) async throws {
        let reads: [(String, Int, Int)] = [
            ("entries(of:)", try await store.entries(of: stream).count, revision), ("entries(about:)", try await store.entries(about: subject).count, revision),
            ("head(of:)", try await store.head(of: stream)?.revision ?? 0, revision),
            ("heads(prefix:)", try await store.heads(prefix: stream.text).first?.revision ?? 0, revision),
            ("position", try await store.position().size, position.size), ("entries(from:limit:)", try await store.all().count, position.size),
        ]
        for (name, found, least) in reads { try require(found >= least, "a commit had made \(least), and \(name) began afterwards and showed \(found)") }
        try require(try await store.inclusionProof(of: position.size - 1, in: position.size) != nil, "a commit had made size \(position.size), and no proof reached it")
        try require(try await store.consistencyProof(from: 1, to: position.size) != nil, "a commit had made size \(position.size), and no proof reached it")
    }

    private func error<Failure>(_ body: () async throws(Failure) -> Void) async -> Failure? {
        do throws(Failure) {
            try await body()
            return nil
        } catch { return error }
    }

    private func together<Result: Sendable>(_ callers: Int, _ body: @escaping @Sendable (Int) async -> Result) async -> [Result] {
        await withTaskGroup(of: Result.self) { group in
            for caller in 0..<callers { group.addTask { await body(caller) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}

private final class FinishedFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
