// The memory ledger and the SQLite ledger answer everything alike.
import Evidence
import Foundation
import MemoryStores
import Ports
import Primitives
import SQLiteLedger
import Testing

@Suite struct AgreementTests {
    private enum Answer: Hashable {
        case position(LedgerPosition)
        case entries([StoredEntry])
        case heads([StreamHead?])
        case proof([Digest]?)
        case note([UInt8]?)
        case refused(LedgerStoreError.Code)
    }

    private typealias Question = @Sendable (any LedgerStore) async throws(LedgerStoreError) -> Answer

    private static let streams = ["release/a", "release/b", "release", "routing", "node/x", "node/\u{E9}"].map { StreamID($0) }
    private static let digests = (0..<5).map { Digest.of("subject \($0)") }

    private struct Questions {
        var generator: SeededGenerator
        /// As the stores have it, so that most commits fit.
        var revisions: [StreamID: Int] = [:]
        var size = 0

        mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

        mutating func next() -> Question {
            let near = number(-2...size + 2), far = number(-2...size + 2), stream = streams[number(0...5)], digest = digests[number(0...4)]
            switch number(0...19) {
            case 0: return { store throws(LedgerStoreError) in .entries(try await store.entries(of: stream)) }
            case 1: return { store throws(LedgerStoreError) in .entries(try await store.entries(from: near, limit: far)) }
            case 2: return { store throws(LedgerStoreError) in .entries(try await store.entries(about: digest)) }
            case 3: return { store throws(LedgerStoreError) in .heads([try await store.head(of: stream)]) }
            case 4:
                let prefix = String(stream.text.prefix(number(0...9)))
                return { store throws(LedgerStoreError) in .heads(try await store.heads(prefix: prefix)) }
            case 5: return { store throws(LedgerStoreError) in .position(try await store.position()) }
            case 6: return { store throws(LedgerStoreError) in .proof(try await store.inclusionProof(of: near, in: far)) }
            case 7: return { store throws(LedgerStoreError) in .proof(try await store.consistencyProof(from: near, to: far)) }
            case 8: return { store throws(LedgerStoreError) in .note(try await store.checkpoint()) }
            case 9:
                return { store throws(LedgerStoreError) in
                    try await store.save(checkpoint: Array("note \(near)".utf8), size: far)
                    return .note(try await store.checkpoint())
                }
            default: return commit()
            }
        }

        /// One to three appends, sometimes two to one stream, sometimes without entries, sometimes at a wrong revision.
        private mutating func commit() -> Question {
            var appends: [LedgerAppend] = [], next = revisions, isRight = true
            for _ in 0..<number(1...3) {
                let stream = streams[number(0...5)], count = number(0...3), shift = number(0...9) == 0 ? number(-1...1) : 0
                let entries = (0..<count).map { _ in entry("\(number(0...1_000_000))") }
                var subjects: [[Digest]] = []
                for _ in entries { subjects.append((0..<number(0...3)).map { _ in digests[number(0...4)] }) }
                isRight = isRight && shift == 0
                let head = Array("head \(number(0...1_000_000))".utf8)
                appends.append(
                    LedgerAppend(stream: stream, expectedRevision: next[stream, default: 0] + shift, entries: entries, subjects: subjects, head: head))
                next[stream, default: 0] += count
            }
            if isRight {
                revisions = next
                size += appends.reduce(0) { $0 + $1.entries.count }
            }
            let all = appends
            return { store throws(LedgerStoreError) in .position(try await store.commit(all)) }
        }
    }

    private func answer(_ store: any LedgerStore, _ question: Question) async -> Answer {
        do throws(LedgerStoreError) { return try await question(store) } catch { return .refused(error.code) }
    }

    @Test(arguments: 1...4)
    func memoryAndSQLiteAnswerAlike(_ seed: UInt64) async throws {
        let folder = try Folder()
        let memory = MemoryLedger(), sqlite = try SQLiteLedger(path: folder("ledger.sqlite"))
        var questions = Questions(generator: SeededGenerator(seed: seed)), refused = 0
        for step in 0..<400 {
            let question = questions.next()
            let one = await answer(memory, question), other = await answer(sqlite, question)
            try #require(one == other, "seed \(seed), step \(step)")
            if case .refused = one { refused += 1 }
        }
        #expect(try await sqlite.position().size == questions.size)
        #expect(refused > 10)
        // The notes were no checkpoints.
        try raw(folder("ledger.sqlite"), "DELETE FROM checkpoint")
        try await sqlite.verify()
    }
}
