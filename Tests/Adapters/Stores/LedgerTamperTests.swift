// A ledger that somebody changed behind Penstock's back.
import Evidence
import Foundation
import GRDB
import Ports
import Primitives
import SQLiteLedger
import Testing

@Suite struct LedgerTamperTests {
    private let ledger: TamperedLedger

    init() async throws { ledger = try await TamperedLedger() }

    @Test func theDatabaseIsWholeBeforehand() async throws {
        #expect(try await ledger.complaint(ledger.copy()) == nil)
        #expect(try await ledger.complaint(after: "SELECT 1") == nil)
    }

    @Test func anyChangedValueIsDamageAndItsPlaceIsNamed() async throws {
        var changes = 0
        for cell in try ledger.cells() where cell.table + cell.column != "checkpointid" {
            for change in cell.changes {
                let path = try ledger.copy()
                defer { try? FileManager.default.removeItem(atPath: path) }
                do { try raw(path, cell.update, StatementArguments([change] + cell.key.map(\.value))) } catch let error as DatabaseError {
                    // SQLite has a row there already.
                    try #require(error.resultCode == .SQLITE_CONSTRAINT)
                    continue
                }
                changes += 1
                let complaint = try await ledger.complaint(path)
                #expect(complaint != nil, "\(cell.name) became \(change), unnoticed")
                // A newer schema, or another ledger's name, is no damage.
                guard let complaint, cell.table != "meta", cell.table != "grdb_migrations" else { continue }
                #expect(complaint.code == .damaged, "\(cell.name) became \(change): \(complaint.message)")
                let isNamed = cell.places(changedTo: change).contains { complaint.message.contains($0) }
                #expect(isNamed, "\(cell.name) became \(change): \(complaint.message)")
            }
        }
        #expect(changes > 500)
    }

    @Test func aCheckpointUnderAnotherNumberIsNoticed() async throws {
        let complaint = try await ledger.complaint(after: "UPDATE checkpoint SET id = 2")
        #expect(complaint?.code == .damaged)
    }

    @Test func anyDeletedRowIsDamageAndItsPlaceIsNamed() async throws {
        var deleted = 0
        for cell in try ledger.cells() where cell.key.first?.name == cell.column && cell.table != "checkpoint" {
            // The name that a ledger is opened with is written where there is none.
            if cell.table == "meta", String.fromDatabaseValue(cell.value) == "origin" { continue }
            let complaint = try await ledger.complaint(after: "DELETE FROM \(cell.table) WHERE \(cell.condition)", StatementArguments(cell.key.map(\.value)))
            deleted += 1
            #expect(complaint != nil, "\(cell.name) was deleted, unnoticed")
            guard let complaint, cell.table != "meta", cell.table != "grdb_migrations" else { continue }
            #expect(complaint.code == .damaged, "\(cell.name) was deleted: \(complaint.message)")
            // The last entry is not missed by those after it, but by what is left of it.
            let names = cell.places(changedTo: cell.value) + (cell.table == "ledger_entry" ? ["Merkle node 0/\(cell.row["idx"] as Int)"] : [])
            #expect(names.contains { complaint.message.contains($0) }, "\(cell.name) was deleted: \(complaint.message)")
        }
        #expect(deleted > 40)
    }

    /// Each is a row that fits its table, and says something that no commit said.
    @Test(arguments: [
        ("INSERT INTO ledger_entry SELECT 11, stream, revision + 1, kind, salt, payload, leaf_hash, place_sum FROM ledger_entry WHERE idx = 10", "ledger entry 11"),
        ("INSERT INTO ledger_entry SELECT 99, stream, revision + 1, kind, salt, payload, leaf_hash, place_sum FROM ledger_entry WHERE idx = 10", "ledger entry 11"),
        ("INSERT INTO ledger_entry SELECT -1, stream, revision + 1, kind, salt, payload, leaf_hash, place_sum FROM ledger_entry WHERE idx = 10", "ledger entry"),
        ("INSERT INTO merkle_node SELECT 0, 11, hash FROM merkle_node WHERE level = 0 AND idx = 10", "Merkle node 0/11"),
        ("INSERT INTO merkle_node SELECT 4, 0, hash FROM merkle_node WHERE level = 3 AND idx = 0", "Merkle node 4/0"),
        ("INSERT INTO merkle_node SELECT -1, 0, hash FROM merkle_node WHERE level = 3 AND idx = 0", "Merkle node -1/0"),
        ("INSERT INTO ledger_subject SELECT digest, 3 FROM ledger_subject WHERE idx = 10", "ledger entry 3"),
        ("INSERT INTO ledger_subject SELECT digest, 11 FROM ledger_subject WHERE idx = 10", "ledger entry 11"),
        ("INSERT INTO ledger_subject SELECT digest, -1 FROM ledger_subject WHERE idx = 10", "ledger entry -1"),
        ("INSERT INTO stream_head SELECT 'release/c', revision, body, head_sum FROM stream_head WHERE stream = 'release/b'", "'release/c'"),
        ("INSERT INTO meta VALUES ('color', 'red')", "'color'"),
    ])
    func anInsertedRowIsDamageAndItsPlaceIsNamed(_ insert: String, _ place: String) async throws {
        let complaint = try await ledger.complaint(after: insert)
        #expect(complaint?.code == .damaged)
        #expect(complaint?.message.contains(place) == true, "\(complaint?.message ?? "unnoticed")")
    }

    /// What stands in the file beside the rows: each could make a commit do other things than it says.
    @Test(arguments: [
        "CREATE TRIGGER forget AFTER INSERT ON ledger_entry WHEN new.idx > 10 BEGIN DELETE FROM stream_head WHERE stream = new.stream; END",
        "CREATE TABLE guests (name TEXT)", "CREATE VIEW guests AS SELECT * FROM meta", "CREATE INDEX guests ON ledger_entry (kind)",
    ])
    func whatPenstockDidNotMakeIsNoticed(_ change: String) async throws {
        let complaint = try await ledger.complaint(after: change)
        #expect(complaint?.code == .damaged)
    }

    private static let swap = """
        UPDATE ledger_entry SET idx = -1 - idx WHERE idx IN (3, 4); UPDATE ledger_entry SET idx = 3 WHERE idx = -5; UPDATE ledger_entry SET idx = 4 WHERE idx = -4;
        """

    /// From the plainest to one who carries everything along that is indexed by place.
    @Test(arguments: [
        (swap, 3),
        (swap + "UPDATE ledger_subject SET idx = CASE idx WHEN 3 THEN 4 ELSE 3 END WHERE idx IN (3, 4)", 3),
        (
            swap + "UPDATE ledger_subject SET idx = CASE idx WHEN 3 THEN 4 ELSE 3 END WHERE idx IN (3, 4);"
                + "UPDATE merkle_node SET hash = (SELECT leaf_hash FROM ledger_entry WHERE ledger_entry.idx = merkle_node.idx) WHERE level = 0", 3
        ),
        // Two of one stream change their content, and keep their places.
        (
            "CREATE TEMP TABLE old AS SELECT * FROM ledger_entry; UPDATE ledger_entry SET (kind, salt, payload, leaf_hash) = "
                + "(SELECT kind, salt, payload, leaf_hash FROM old WHERE old.idx = 9 - ledger_entry.idx) WHERE idx IN (4, 5)", 4
        ),
        ("UPDATE ledger_entry SET revision = -1 - revision WHERE stream = 'routing'; UPDATE ledger_entry SET revision = revision + 4 WHERE stream = 'routing'", 2),
    ])
    func reorderedEntriesAreDamageAndTheFirstIsNamed(_ change: String, _ first: Int) async throws {
        let complaint = try await ledger.complaint(after: change)
        #expect(complaint?.code == .damaged)
        #expect(complaint?.message.contains("ledger entry \(first)") == true, "\(complaint?.message ?? "unnoticed")")
    }

    /// What is handed out without a verification is checked where a sum stands beside it.
    @Test func readsCheckWhatTheyHandOut() async throws {
        for cell in try ledger.cells() {
            let isEntry = cell.table == "ledger_entry" && ["kind", "salt", "payload", "leaf_hash"].contains(cell.column)
            let isHead = cell.table == "stream_head" && cell.column != "stream", isNote = cell.table == "checkpoint" && cell.column != "id"
            guard isEntry || isHead || isNote else { continue }
            let path = try ledger.copy()
            defer { try? FileManager.default.removeItem(atPath: path) }
            try raw(path, cell.update, StatementArguments([cell.changes[0]] + cell.key.map(\.value)))
            let store = try SQLiteLedger(path: path)
            var errors: [LedgerStoreError?] = []
            if isEntry {
                let index: Int = cell.row["idx"]
                errors.append(await ledgerError { _ = try await store.entries(from: index, limit: 1) })
                errors.append(await ledgerError { _ = try await store.entries(of: StreamID(cell.row["stream"])) })
                for subject in TamperedLedger.subjects(index) { errors.append(await ledgerError { _ = try await store.entries(about: subject) }) }
                for error in errors { #expect(error?.message.contains("ledger entry \(index) ") == true, "\(cell.name)") }
            } else if isHead {
                errors.append(await ledgerError { _ = try await store.head(of: StreamID(cell.row["stream"])) })
                errors.append(await ledgerError { _ = try await store.heads(prefix: "") })
            } else {
                errors.append(await ledgerError { _ = try await store.checkpoint() })
            }
            for error in errors { #expect(error?.code == .damaged, "\(cell.name)") }
        }
    }

    @Test func readsMissADeletedEntry() async throws {
        let path = try ledger.copy()
        try raw(path, "DELETE FROM ledger_entry WHERE idx = 1")
        let store = try SQLiteLedger(path: path)
        for first in [0, 1] {
            let error = await ledgerError { _ = try await store.entries(from: first, limit: 3) }
            #expect(error?.code == .damaged)
            #expect(error?.message.contains("ledger entry 1 is missing") == true, "\(error?.message ?? "unnoticed")")
        }
        let error = await ledgerError { _ = try await store.entries(of: StreamID("release/a")) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("entry 1 of 'release/a' is missing before ledger entry 5") == true, "\(error?.message ?? "unnoticed")")
        #expect(try await store.entries(from: 2, limit: 3).map(\.index) == [2, 3, 4])
        #expect(try await store.entries(of: StreamID("routing")).count == 4)
    }

    // Files that Penstock itself wrote, and so are right in themselves, with a row of the original put in.

    private func forged(kept: Int = 11, changed: Int? = nil, checkpointed: Int? = nil, signer: UInt8 = 7, keeping tables: [String]) async throws -> String {
        let path = try ledger.copy(try await TamperedLedger.make(in: ledger.folder, kept: kept, changed: changed, checkpointed: checkpointed, signer: signer))
        let original = try ledger.copy()
        try withRaw(path) { database in
            try database.execute(sql: "ATTACH ? AS original", arguments: [original])
            for table in tables { try database.execute(sql: "DELETE FROM main.\(table); INSERT INTO main.\(table) SELECT * FROM original.\(table)") }
        }
        return path
    }

    @Test(arguments: 0..<8)
    func aTruncatedTailContradictsTheSavedCheckpoint(_ kept: Int) async throws {
        let complaint = try await ledger.complaint(try await forged(kept: kept, keeping: ["checkpoint"]), signed: false)
        #expect(complaint?.code == .damaged)
        #expect(complaint?.message.hasPrefix("the saved checkpoint covers 8 entries, and there are \(kept)") == true, "\(complaint?.message ?? "unnoticed")")
    }

    @Test(arguments: 0..<8)
    func aRewrittenHistoryContradictsTheSavedCheckpoint(_ changed: Int) async throws {
        let complaint = try await ledger.complaint(try await forged(changed: changed, keeping: ["checkpoint"]), signed: false)
        #expect(complaint?.code == .damaged)
        #expect(complaint?.message.hasPrefix("the first 8 ledger entries do not have the root of the saved checkpoint") == true, "\(complaint?.message ?? "unnoticed")")
    }

    @Test func aRewrittenHistoryWithANewCheckpointHasAnotherSignature() async throws {
        let forged = try await forged(changed: 3, checkpointed: 8, signer: 8, keeping: [])
        let complaint = try await ledger.complaint(forged)
        #expect(complaint?.code == .damaged)
        #expect(complaint?.message.hasPrefix("the saved checkpoint does not hold: ") == true, "\(complaint?.message ?? "unnoticed")")
        #expect(try await ledger.complaint(forged, signed: false) == nil, "without the key it is a ledger like any other")
    }

    /// The file alone cannot show this; a checkpoint that was saved elsewhere does.
    @Test(arguments: [(5, nil), (11, 2), (9, nil), (11, 9)] as [(Int, Int?)])
    func aCheckpointSavedElsewhereShowsWhatTheFileCannot(_ kept: Int, _ changed: Int?) async throws {
        let whole = try SQLiteLedger(path: try ledger.copy())
        let saved = try await whole.position()
        let path = try await forged(kept: kept, changed: changed, keeping: [])
        #expect(try await ledger.complaint(path) == nil)
        let forged = try SQLiteLedger(path: path)
        let position = try await forged.position()
        let proof = try await forged.consistencyProof(from: saved.size, to: position.size)
        let continues = proof.map { MerkleProof.verifyConsistency(from: saved.size, root: saved.root, to: position.size, root: position.root, proof: $0) }
        #expect(continues != true)
    }
}
