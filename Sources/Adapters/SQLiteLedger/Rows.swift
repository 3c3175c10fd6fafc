// Rows of the ledger's tables: how they are written, and what is checked when they are read.
internal import Evidence
internal import Foundation
internal import GRDB
internal import Ports
internal import Primitives

extension SQLiteLedger {
    static let remedy = "restore the database from a backup"

    static func insert(_ appends: [LedgerAppend], _ frontier: inout MerkleFrontier, _ database: Database) throws {
        for append in appends {
            precondition(append.subjects.count == append.entries.count, "each entry has its own list of subjects, which may be empty")
            let revision = try Int.fetchOne(database, sql: "SELECT revision FROM stream_head WHERE stream = ?", arguments: [append.stream.text]) ?? 0
            guard revision == append.expectedRevision else {
                throw LedgerStoreError(.conflict, "'\(append.stream)' has \(revision) entries, and \(append.expectedRevision) were expected; read it again")
            }
            for (offset, entry) in append.entries.enumerated() {
                let stored = StoredEntry(index: frontier.size, stream: append.stream, revision: revision + offset, entry: entry)
                try insert(stored, subjects: Set(append.subjects[offset]), &frontier, database)
            }
            let next = StreamHead(stream: append.stream, revision: revision + append.entries.count, body: append.head)
            try database.cachedStatement(
                sql: """
                    INSERT INTO stream_head VALUES (?, ?, ?, ?)
                    ON CONFLICT (stream) DO UPDATE SET revision = excluded.revision, body = excluded.body, head_sum = excluded.head_sum
                    """
            ).execute(arguments: [next.stream.text, next.revision, Data(next.body), Data(sum(next).bytes)])
        }
    }

    private static func insert(_ stored: StoredEntry, subjects: Set<Digest>, _ frontier: inout MerkleFrontier, _ database: Database) throws {
        let hash = stored.entry.leafHash
        let sorted = subjects.sorted().map { Data($0.bytes) }
        let place = placeSum(stream: stored.stream.text, revision: stored.revision, subjects: sorted)
        try database.cachedStatement(sql: "INSERT INTO ledger_entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)").execute(arguments: [
            stored.index, stored.stream.text, stored.revision, stored.entry.kind, Data(stored.entry.salt), Data(stored.entry.payload), Data(hash.bytes),
            Data(place.bytes),
        ])
        let node = try database.cachedStatement(sql: "INSERT INTO merkle_node VALUES (?, ?, ?)")
        for made in frontier.append(leafHash: hash) { try node.execute(arguments: [made.level, made.index, Data(made.hash.bytes)]) }
        let subject = try database.cachedStatement(sql: "INSERT INTO ledger_subject VALUES (?, ?)")
        for digest in sorted { try subject.execute(arguments: [digest, stored.index]) }
    }

    static func entry(_ row: Row) throws -> StoredEntry {
        let index = try integer(row, "idx")
        let entry = LedgerEntry(kind: try text(row, "kind"), salt: try bytes(row, "salt"), payload: try bytes(row, "payload"))
        guard entry.leafHash.bytes == (try bytes(row, "leaf_hash")) else {
            throw damaged("ledger entry \(index) was changed: it does not give the leaf hash beside it")
        }
        return StoredEntry(index: index, stream: StreamID(try text(row, "stream")), revision: try integer(row, "revision"), entry: entry)
    }

    static func entries(_ condition: String, _ arguments: StatementArguments, _ database: Database) throws -> [StoredEntry] {
        try Row.fetchAll(database, sql: "SELECT * FROM ledger_entry \(condition)", arguments: arguments).map { try entry($0) }
    }

    static func head(_ row: Row) throws -> StreamHead {
        let head = StreamHead(stream: StreamID(try text(row, "stream")), revision: try integer(row, "revision"), body: try bytes(row, "body"))
        guard sum(head).bytes == (try bytes(row, "head_sum")) else { throw damaged("the state of '\(head.stream)' was changed: it does not give the sum beside it") }
        return head
    }

    /// Reads no further than the names that begin so.
    static func heads(prefix: String, _ database: Database) throws -> [StreamHead] {
        var heads: [StreamHead] = []
        let cursor = try Row.fetchCursor(database, sql: "SELECT * FROM stream_head WHERE stream >= ? ORDER BY stream", arguments: [prefix])
        while let row = try cursor.next() {
            guard try text(row, "stream").utf8.starts(with: prefix.utf8) else { break }
            heads.append(try head(row))
        }
        return heads
    }

    static func checkpoint(_ database: Database) throws -> (size: Int, note: [UInt8])? {
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM checkpoint WHERE id = 1") else { return nil }
        let size = try integer(row, "size"), note = try bytes(row, "note")
        guard noteSum(note, size: size).bytes == (try bytes(row, "note_sum")) else { throw damaged("the saved checkpoint was changed: it does not give the sum beside it") }
        return (size, note)
    }

    static func size(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT coalesce(max(idx) + 1, 0) FROM ledger_entry") ?? 0
    }

    static func node(_ level: Int, _ index: Int, _ database: Database) throws -> Digest {
        let statement = try database.cachedStatement(sql: "SELECT hash FROM merkle_node WHERE level = ? AND idx = ?")
        guard let row = try Row.fetchOne(statement, arguments: [level, index]), let hash = Digest(bytes: try bytes(row, "hash")) else {
            throw damaged("the Merkle node \(level)/\(index) is missing or no digest")
        }
        return hash
    }

    /// The tree's right edge, from the stored nodes.
    static func frontier(_ database: Database) throws -> MerkleFrontier {
        let size = try size(database)
        var peaks: [Digest] = []
        var start = 0
        for level in stride(from: Int.bitWidth - 2, through: 0, by: -1) where size >> level & 1 == 1 {
            peaks.append(try node(level, start >> level, database))
            start += 1 << level
        }
        guard let frontier = MerkleFrontier(size: size, peaks: peaks) else { throw damaged("the Merkle tree does not fit \(size) entries") }
        return frontier
    }

    // What no leaf commits to.

    /// The subjects in their order.
    static func placeSum(stream: String, revision: Int, subjects: [Data]) -> Digest {
        var encoder = CanonicalEncoder(kind: "penstock.ledger-place", version: 1)
        encoder.field("stream", stream)
        encoder.field("revision", Int64(revision))
        encoder.field("count", Int64(subjects.count))
        encoder.field("subjects", subjects.flatMap { Array($0) })
        return encoder.digest
    }

    private static func sum(_ head: StreamHead) -> Digest {
        var encoder = CanonicalEncoder(kind: "penstock.stream-head", version: 1)
        encoder.field("stream", head.stream.text)
        encoder.field("revision", Int64(head.revision))
        encoder.field("body", head.body)
        return encoder.digest
    }

    static func noteSum(_ note: [UInt8], size: Int) -> Digest {
        var encoder = CanonicalEncoder(kind: "penstock.saved-checkpoint", version: 1)
        encoder.field("size", Int64(size))
        encoder.field("note", note)
        return encoder.digest
    }

    // A damaged file may hold any type in any column: GRDB's own conversions would stop the process.

    static func integer(_ row: Row, _ column: String) throws -> Int {
        let value: DatabaseValue = row[column]
        guard case .int64(let number) = value.storage else { throw damaged("a row has no number in '\(column)'") }
        return Int(number)
    }

    static func text(_ row: Row, _ column: String) throws -> String {
        let value: DatabaseValue = row[column]
        guard case .string(let text) = value.storage else { throw damaged("a row has no text in '\(column)'") }
        return text
    }

    static func bytes(_ row: Row, _ column: String) throws -> [UInt8] {
        let value: DatabaseValue = row[column]
        guard case .blob(let data) = value.storage else { throw damaged("a row has no bytes in '\(column)'") }
        return Array(data)
    }

    static func damaged(_ what: String) -> LedgerStoreError { LedgerStoreError(.damaged, "\(what); \(remedy)") }
}
