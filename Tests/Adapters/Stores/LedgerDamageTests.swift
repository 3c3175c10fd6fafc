// Damage that no SQL makes: any byte of the file, and any type in any column.
import Foundation
import GRDB
import Ports
import Primitives
import SQLiteLedger
import Testing

@Suite struct LedgerDamageTests {
    private let ledger: TamperedLedger

    init() async throws { ledger = try await TamperedLedger() }

    /// More with PENSTOCK_EDITS.
    private static let edits = ProcessInfo.processInfo.environment["PENSTOCK_EDITS"].flatMap { Int($0) } ?? 150

    /// A byte that no row depends on may change: the rest must be noticed, and must stop nothing.
    @Test func anyChangedByteIsNoticedOrMeansNothing() async throws {
        let noticed = try await Self.change(Self.edits, bytesIn: Self.schema.upperBound..<ledger.original.count, of: ledger)
        #expect(noticed > Self.edits / 4)
    }

    /// In a process of its own: one that stops is a failure of this test only.
    @Test func anyChangedByteOfTheSchemaIsNoticedOrMeansNothing() async {
        await #expect(processExitsWith: .success) {
            _ = try await Self.change(Self.edits, bytesIn: Self.schema, of: TamperedLedger())
        }
    }

    /// The first page.
    private static let schema = 0..<4096

    /// Answers how many changes were noticed.
    private static func change(_ edits: Int, bytesIn range: Range<Int>, of ledger: TamperedLedger) async throws -> Int {
        let before = try TamperedLedger.content(try ledger.copy())
        // Most of the file is empty pages' room.
        let used = range.filter { ledger.original[$0] != 0 }
        var generator = SeededGenerator(seed: 2), noticed = 0
        for _ in 0..<edits {
            let isUsed = Int.random(in: 0..<4, using: &generator) > 0
            let place = (isUsed ? used.randomElement(using: &generator) : nil) ?? Int.random(in: range, using: &generator)
            let bit = UInt8.random(in: 1...255, using: &generator)
            var bytes = ledger.original
            bytes[place] ^= bit
            let path = try ledger.copy(bytes)
            defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
            guard try await ledger.complaint(path) == nil else {
                noticed += 1
                continue
            }
            #expect(try TamperedLedger.content(path) == before, "byte \(place) changed by \(bit)")
        }
        return noticed
    }

    /// STRICT tables are strict in writing only.
    @Test func anyTypeInAnyColumnIsNoticedAndStopsNothing() async throws {
        var checked = 0
        for cell in try ledger.cells() where cell.row["idx"] as Int? ?? 0 < 2 {
            for value: DatabaseValue in [.null, 2.5.databaseValue, "text".databaseValue, Data([0xFF, 0xC3]).databaseValue] {
                let path = try ledger.copy()
                defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
                guard try Self.put(value, in: cell, path) else { continue }
                checked += 1
                let complaint = try await ledger.complaint(path)
                #expect(complaint != nil, "\(cell.name) became \(value)")
                try await Self.useAnyway(path)
            }
        }
        #expect(checked > 100)
    }

    /// Answers whether the value is there: some columns cannot hold it even so.
    private static func put(_ value: DatabaseValue, in cell: Cell, _ path: String) throws -> Bool {
        guard value != cell.value else { return false }
        let schema = try withRaw(path) { database in
            let schema = try Row.fetchAll(database, sql: "SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
            try database.execute(
                sql: """
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')'), ' NOT NULL', '');
                    UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ' INTEGER,', ' BLOB,'), ' TEXT,', ' BLOB,'), 'TEXT PRIMARY', 'BLOB PRIMARY');
                    """)
            return schema
        }
        do { try raw(path, cell.update, StatementArguments([value] + cell.key.map(\.value))) } catch { return false }
        try withRaw(path) { database in
            try database.execute(sql: "PRAGMA writable_schema = ON")
            for table in schema { try database.execute(sql: "UPDATE sqlite_schema SET sql = ? WHERE name = ?", arguments: [table["sql"] as String, table["name"] as String]) }
        }
        return true
    }

    /// All calls of a store that nobody verified: they may refuse, and may not stop the process.
    private static func useAnyway(_ path: String) async throws {
        guard let store = try? SQLiteLedger(path: path) else { return }
        _ = try? await store.all()
        for stream in Set(TamperedLedger.streams) {
            _ = try? await store.entries(of: StreamID(stream))
            _ = try? await store.head(of: StreamID(stream))
        }
        _ = try? await store.entries(about: Digest.of("subject 1"))
        _ = try? await store.heads(prefix: "")
        _ = try? await store.position()
        _ = try? await store.inclusionProof(of: 1, in: 11)
        _ = try? await store.consistencyProof(from: 1, to: 11)
        _ = try? await store.checkpoint()
        try? await store.save(checkpoint: [1], size: 20)
        for revision in 0..<5 { _ = try? await store.commit([append("routing", at: revision, "late \(revision)")]) }
        _ = try? await store.commit([append("new", at: 0, "late")])
    }
}
