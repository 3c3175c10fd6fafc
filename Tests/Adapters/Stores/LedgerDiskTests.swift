// A ledger whose disk is full, or breaks.
import Conformance
import Evidence
import GRDBSQLite
import Ports
import Primitives
import SQLiteLedger
import Testing

@Suite struct LedgerDiskTests {
    private let folder: Folder
    private let disk: FaultyDisk
    private let path: String

    init() throws {
        folder = try Folder()
        disk = FaultyDisk(under: folder.path)
        path = folder("ledger.sqlite")
    }

    /// Two streams and 30 kB: about ten pages.
    private func large(_ round: Int) -> [LedgerAppend] {
        var first = append("release/a", at: round, "a\(round)", about: [Digest.of("subject \(round)")])
        first.entries[0].payload += [UInt8](repeating: UInt8(ascii: " "), count: 30_000)
        return [first, append("release/b", at: round, "b\(round)")]
    }

    private func requireWhole(_ ledger: SQLiteLedger, rounds: Int) async throws {
        #expect(try await ledger.position().size == 2 * rounds)
        #expect(try await ledger.all().map(\.entry) == (0..<rounds).flatMap { large($0).flatMap(\.entries) })
        #expect(try await ledger.heads(prefix: "release/").map(\.revision) == [rounds, rounds].filter { $0 > 0 })
        try await ledger.verify()
    }

    @Test func aFullDiskWritesNothingAndTheLedgerGoesOn() async throws {
        let ledger = try SQLiteLedger(path: path)
        var rounds = 0, failed = 0
        for allowed in 0..<100 {
            disk.fail(with: SQLITE_FULL, on: [.write], after: allowed)
            let error = await ledgerError { _ = try await ledger.commit(large(rounds)) }
            let faults = disk.heal()
            #expect((error == nil) == (faults == 0), "after \(allowed) writes")
            guard let error else {
                rounds += 1
                break
            }
            failed += 1
            #expect(error.code == .unavailable)
            #expect(error.message == "the disk is full and nothing was written; make room and try again")
            try await requireWhole(ledger, rounds: rounds)
            // With room again it is as if nothing had been.
            _ = try await ledger.commit(large(rounds))
            rounds += 1
        }
        #expect(failed > 10, "a commit of ten pages has at least ten places to fail")
        try await requireWhole(ledger, rounds: rounds)
        try await requireWhole(try SQLiteLedger(path: try Snapshot.take(path, in: folder)), rounds: rounds)
    }

    @Test func aFullDiskKeepsTheSavedCheckpoint() async throws {
        let ledger = try SQLiteLedger(path: path)
        _ = try await ledger.commit(large(0))
        try await ledger.save(checkpoint: Array("one".utf8), size: 1)
        disk.fail(with: SQLITE_FULL, on: [.write], after: 0)
        let error = await ledgerError { try await ledger.save(checkpoint: Array("two".utf8), size: 2) }
        #expect(error?.code == .unavailable)
        disk.heal()
        #expect(try await ledger.checkpoint() == Array("one".utf8))
        try await ledger.save(checkpoint: Array("two".utf8), size: 2)
        #expect(try await ledger.checkpoint() == Array("two".utf8))
    }

    @Test func everyoneInAFullBatchIsToldAndNobodyIsKept() async throws {
        let ledger = try SQLiteLedger(path: path)
        disk.fail(with: SQLITE_FULL, on: [.write], after: 0)
        let refusals = await withTaskGroup(of: LedgerStoreError?.self) { group in
            for caller in 0..<32 { group.addTask { await ledgerError { _ = try await ledger.commit([append("own/\(caller)", at: 0, "x")]) } } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        disk.heal()
        #expect(refusals.allSatisfy { $0?.code == .unavailable })
        #expect(try await ledger.position().size == 0)
        try await ledger.verify()
    }

    /// Failing once is enough: a second fsync may claim success for what the first one lost.
    @Test(arguments: [(SQLITE_IOERR | (3 << 8), FaultyDisk.Operation.write), (SQLITE_IOERR | (4 << 8), .sync)], [true, false])
    func aBrokenDiskStopsTheLedger(_ fault: (code: Int32, operation: FaultyDisk.Operation), once: Bool) async throws {
        var places = 0
        for allowed in 0..<100 {
            let place = try Folder(), disk = FaultyDisk(under: place.path)
            let ledger = try SQLiteLedger(path: place("ledger.sqlite"))
            for round in 0..<3 { _ = try await ledger.commit(large(round)) }
            disk.fail(with: fault.code, on: [fault.operation], after: allowed, once: once)
            let error = await ledgerError { _ = try await ledger.commit(large(3)) }
            if disk.heal() == 0 {
                #expect(error == nil)
                break
            }
            places += 1
            #expect(error?.code == .unavailable)
            // The disk is whole again, and the ledger does not believe it.
            let later = await ledgerError { _ = try await ledger.commit(large(3)) }
            #expect(later?.code == .unavailable)
            #expect(later?.message.hasPrefix("the ledger takes no more entries since ") == true)
            #expect(await ledgerError { try await ledger.save(checkpoint: Array("note".utf8), size: 6) }?.code == .unavailable)
            try await requireWhole(ledger, rounds: 3)
            // A recovery decides whether the entries are there, wholly.
            let reopened = try SQLiteLedger(path: try Snapshot.take(place("ledger.sqlite"), in: place))
            let rounds = try await reopened.position().size / 2
            #expect(rounds == 3 || rounds == 4)
            try await requireWhole(reopened, rounds: rounds)
            _ = try await reopened.commit(large(rounds))
            disk.remove()
        }
        #expect(places >= (fault.operation == .write ? 10 : 1))
    }

    @Test func aFileSystemWithoutSharedMemoryIsRefused() throws {
        disk.refuseSharedMemory()
        let error = #expect(throws: LedgerStoreError.self) { _ = try SQLiteLedger(path: path) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("could not activate WAL Mode") == true, "\(error?.message ?? "")")
    }
}
