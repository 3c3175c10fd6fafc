// The ledger on SQLite: the default store, one file beside the artifacts.
package import Evidence
internal import Foundation
internal import GRDB
package import OwnedDatabase
package import Ports
package import Primitives

/// A returned commit survives power loss (`OwnedDatabase`).
///
/// A full disk fails the commit and nothing else. After any other I/O error the store stops: commits are refused until it is opened again,
/// because only a recovery can say what reached the disk. Reads go on.
///
/// Nothing else in the process may open the file: closing a second descriptor drops SQLite's locks.
package final class SQLiteLedger: LedgerStore {
    let pool: DatabasePool
    private let commits: CommitQueue
    private let origin: String?

    /// Opens or makes the file and its folder, for the owner only. `origin` is the ledger's name in checkpoints: the first one given stays.
    package init(path: String, origin: String? = nil) throws(LedgerStoreError) {
        do {
            let pool = try Schema.database.open(path, label: "penstock.ledger")
            try Schema.check(pool, path: path, origin: origin)
            self.pool = pool
            self.origin = origin
            commits = CommitQueue(pool: pool)
        } catch {
            throw Self.translate(error, doing: "opening \(path) as")
        }
    }

    package func commit(_ appends: [LedgerAppend]) async throws(LedgerStoreError) -> LedgerPosition {
        try await commits.commit(appends)
    }

    package func entries(of stream: StreamID) async throws(LedgerStoreError) -> [StoredEntry] {
        try await read { database in
            let entries = try Self.entries("WHERE stream = ? ORDER BY revision", [stream.text], database)
            for (revision, entry) in entries.enumerated() where entry.revision != revision {
                throw Self.damaged("entry \(revision) of '\(stream)' is missing before ledger entry \(entry.index)")
            }
            return entries
        }
    }

    package func entries(from index: Int, limit: Int) async throws(LedgerStoreError) -> [StoredEntry] {
        let first = max(0, index)
        return try await read { database in
            let entries = try Self.entries("WHERE idx >= ? ORDER BY idx LIMIT ?", [first, max(0, limit)], database)
            for (offset, entry) in entries.enumerated() where entry.index != first + offset { throw Self.damaged("ledger entry \(first + offset) is missing") }
            return entries
        }
    }

    package func entries(about digest: Digest) async throws(LedgerStoreError) -> [StoredEntry] {
        try await read { try Self.entries("WHERE idx IN (SELECT idx FROM ledger_subject WHERE digest = ?) ORDER BY idx", [Data(digest.bytes)], $0) }
    }

    package func head(of stream: StreamID) async throws(LedgerStoreError) -> StreamHead? {
        try await read { try Row.fetchOne($0, sql: "SELECT * FROM stream_head WHERE stream = ?", arguments: [stream.text]).map { try Self.head($0) } }
    }

    package func heads(prefix: String) async throws(LedgerStoreError) -> [StreamHead] {
        try await read { try Self.heads(prefix: prefix, $0) }
    }

    package func position() async throws(LedgerStoreError) -> LedgerPosition {
        try await read { database in
            let frontier = try Self.frontier(database)
            return LedgerPosition(size: frontier.size, root: frontier.root)
        }
    }

    package func inclusionProof(of index: Int, in size: Int) async throws(LedgerStoreError) -> [Digest]? {
        try await read { database in
            guard size <= (try Self.size(database)) else { return nil }
            return try MerkleProof.inclusion(of: index, in: size) { try Self.node($0, $1, database) }
        }
    }

    package func consistencyProof(from old: Int, to new: Int) async throws(LedgerStoreError) -> [Digest]? {
        try await read { database in
            guard new <= (try Self.size(database)) else { return nil }
            return try MerkleProof.consistency(from: old, to: new) { try Self.node($0, $1, database) }
        }
    }

    package func checkpoint() async throws(LedgerStoreError) -> [UInt8]? {
        try await read { try Self.checkpoint($0)?.note }
    }

    package func save(checkpoint note: [UInt8], size: Int) async throws(LedgerStoreError) {
        try commits.check()
        do {
            try await pool.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO checkpoint VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note, note_sum = excluded.note_sum
                        WHERE excluded.size >= checkpoint.size
                        """, arguments: [size, Data(note), Data(Self.noteSum(note, size: size).bytes)])
            }
        } catch {
            let failure = Self.translate(error, doing: "writing")
            if Self.isFatal(error) { commits.stop(after: failure) }
            throw failure
        }
    }

    /// Derives everything again from the entries and compares; throws `.damaged` naming the first row that differs. With the signer's name
    /// and key the saved checkpoint's signature is checked too, which is what shows a history that was rewritten as a whole.
    package func verify(signer: (origin: String, key: VerificationKey)? = nil) async throws(LedgerStoreError) {
        let origin = origin
        try await read { database in
            var verification = try LedgerVerification(database, origin: origin, signer: signer)
            try verification.run()
        }
    }

    private func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws(LedgerStoreError) -> Result {
        do { return try await pool.read(body) } catch { throw Self.translate(error, doing: "reading") }
    }
}

// What the writer's connection was given.
extension SQLiteLedger {
    /// As SQLite reports it now.
    package func durability() throws(LedgerStoreError) -> OwnedDatabase.Durability {
        do { return try OwnedDatabase.Durability(of: pool) } catch { throw Self.translate(error, doing: "reading") }
    }
}

// SQLite's words in ours.
extension SQLiteLedger {
    static func translate(_ error: any Error, doing work: String) -> LedgerStoreError {
        if let error = error as? LedgerStoreError { return error }
        if let error = error as? OwnedDatabaseError { return LedgerStoreError(.unavailable, error.message) }
        if error is CancellationError { return LedgerStoreError(.unavailable, "\(work) the ledger was given up by the caller") }
        guard let error = error as? DatabaseError else { return LedgerStoreError(.unavailable, "\(work) the ledger failed: \(error)") }
        switch error.resultCode {
        case .SQLITE_FULL: return LedgerStoreError(.unavailable, "the disk is full and nothing was written; make room and try again")
        case .SQLITE_BUSY, .SQLITE_LOCKED: return LedgerStoreError(.unavailable, "another process holds the ledger; stop it and try again")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return damaged("the ledger's database is damaged (\(error.message ?? "no detail"))")
        case .SQLITE_CONSTRAINT where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE:
            return LedgerStoreError(.conflict, "somebody else wrote first; read again")
        case .SQLITE_CONSTRAINT: return damaged("a row is already where the next one belongs (\(error.message ?? "no detail"))")
        default: return LedgerStoreError(.unavailable, "\(work) the ledger failed: \(error)")
        }
    }

    /// Whether it is unknown what reached the disk.
    static func isFatal(_ error: any Error) -> Bool { (error as? DatabaseError)?.resultCode == .SQLITE_IOERR }
}
