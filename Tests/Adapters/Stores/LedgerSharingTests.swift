// Many callers of one ledger, and many openings of one file.
import Evidence
import Foundation
import GRDB
import Ports
import Primitives
import SQLiteLedger
import Synchronization
import Testing

@Suite struct LedgerSharingTests {
    private let folder: Folder
    private let path: String

    init() throws {
        folder = try Folder()
        path = folder("ledger.sqlite")
    }

    private func together<Result: Sendable>(_ callers: Int, _ body: @escaping @Sendable (Int) async -> Result) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            for caller in 0..<callers { group.addTask { (caller, await body(caller)) } }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func attempt(_ ledger: SQLiteLedger, _ appends: [LedgerAppend]) async -> Result<LedgerPosition, LedgerStoreError> {
        do throws(LedgerStoreError) { return .success(try await ledger.commit(appends)) } catch { return .failure(error) }
    }

    /// Commits that wait together share a transaction: one that is refused takes none of the others with it.
    @Test func aRefusedCommitLeavesThoseBesideItAlone() async throws {
        let ledger = try SQLiteLedger(path: path)
        _ = try await ledger.commit([append("taken", at: 0, "taken")])
        let outcomes = await together(100) { caller in
            let own = append("own/\(caller)", at: 0, "one of \(caller)", "two of \(caller)")
            return await attempt(ledger, caller.isMultiple(of: 2) ? [own] : [own, append("taken", at: 0, "refused")])
        }
        let entries = try await ledger.all(), final = try await ledger.position()
        #expect(entries.map(\.index) == Array(0..<101))
        for (caller, outcome) in outcomes.enumerated() {
            switch outcome {
            case .success(let position):
                #expect(caller.isMultiple(of: 2))
                #expect(entries[position.size - 2].entry == entry("one of \(caller)") && entries[position.size - 1].entry == entry("two of \(caller)"))
                // Each was told the root that the ledger really had then.
                let proof = try await ledger.consistencyProof(from: position.size, to: final.size) ?? []
                #expect(MerkleProof.verifyConsistency(from: position.size, root: position.root, to: final.size, root: final.root, proof: proof))
            case .failure(let error):
                #expect(!caller.isMultiple(of: 2))
                #expect(error.code == .conflict)
            }
        }
        #expect(try await ledger.heads(prefix: "own/").count == 50)
        try await ledger.verify()
    }

    @Test func twoOpeningsOfOneFileAreOneLedger() async throws {
        let openings = [try SQLiteLedger(path: path), try SQLiteLedger(path: path)]
        for round in 0..<10 {
            let outcomes = await together(16) { await attempt(openings[$0 % 2], [append("wanted", at: round, "round \(round), caller \($0)")]) }
            #expect(outcomes.count { (try? $0.get()) != nil } == 1)
            #expect(outcomes.allSatisfy { if case .failure(let error) = $0 { error.code == .conflict } else { true } })
        }
        let outcomes = await together(40) { caller in await attempt(openings[caller % 2], [append("own/\(caller)", at: 0, "\(caller)")]) }
        #expect(outcomes.allSatisfy { (try? $0.get()) != nil })
        for opening in openings {
            #expect(try await opening.all().map(\.index) == Array(0..<50))
            try await opening.verify()
        }
        #expect(try await openings[0].position() == openings[1].position())
    }

    /// The file is held until the first caller was turned away.
    @Test func tooManyWaitingCommitsAreRefusedAndTheOthersGoThrough() async throws {
        let ledger = try SQLiteLedger(path: path)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let holder = try DatabaseQueue(path: path, configuration: configuration)
        try await holder.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        let isReleased = Atomic(false)
        // 4096 may wait, and 256 may be under way.
        let errors = await together(4096 + 256 + 100) { caller -> LedgerStoreError? in
            guard case .failure(let error) = await attempt(ledger, [append("own/\(caller)", at: 0, "x")]) else { return nil }
            if !isReleased.exchange(true, ordering: .acquiringAndReleasing) { try? await holder.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") } }
            return error
        }
        let refused = errors.compactMap { $0 }
        #expect(refused.count >= 100)
        #expect(Set(refused.map(Told.init)) == [Told(.unavailable, "too many commits are waiting; try again")])
        #expect(try await ledger.position().size == errors.count - refused.count)
        #expect(try await ledger.commit([append("late", at: 0, "x")]).size == errors.count - refused.count + 1)
    }
}
