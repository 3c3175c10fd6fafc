// Every row of the database against what the entries say it must be.
internal import Evidence
internal import Foundation
internal import GRDB
internal import Ports
internal import Primitives

/// One pass over the entries in one snapshot; memory grows with the number of streams only.
struct LedgerVerification {
    private let database: Database
    private let origin: String?
    private let signer: (origin: String, key: VerificationKey)?
    private let checkpoint: (size: Int, note: [UInt8])?
    private var frontier = MerkleFrontier()
    private var revisions: [String: Int] = [:]
    private let subjects: RowCursor
    private var nextSubject: Row?

    init(_ database: Database, origin: String?, signer: (origin: String, key: VerificationKey)?) throws {
        self.database = database
        self.origin = origin
        self.signer = signer
        try Self.checkFile(database)
        checkpoint = try SQLiteLedger.checkpoint(database)
        subjects = try Row.fetchCursor(database, sql: "SELECT idx, digest FROM ledger_subject ORDER BY idx, digest")
        nextSubject = try subjects.next()?.copy()
    }

    mutating func run() throws {
        try checkMeta()
        try checkCheckpoint()
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM ledger_entry ORDER BY idx")
        while let row = try rows.next() {
            try checkEntry(row)
            try checkCheckpoint()
        }
        if let left = nextSubject { throw SQLiteLedger.damaged("a subject is indexed for ledger entry \(try SQLiteLedger.integer(left, "idx")), which is missing") }
        try checkNodeCount()
        try checkHeads()
        if let checkpoint, checkpoint.size > frontier.size || checkpoint.size < 0 {
            throw SQLiteLedger.damaged("the saved checkpoint covers \(checkpoint.size) entries, and there are \(frontier.size); entries are missing at the end")
        }
    }

    private static func checkFile(_ database: Database) throws {
        let answer = try String.fetchOne(database, sql: "PRAGMA integrity_check(1)") ?? "no answer"
        guard answer == "ok" else { throw SQLiteLedger.damaged("the ledger's database is damaged (\(answer))") }
        // A read-only connection's integrity check leaves constraints out.
        let others = try Int.fetchOne(database, sql: "SELECT count(*) FROM checkpoint WHERE id <> 1") ?? 0
        guard others == 0 else { throw SQLiteLedger.damaged("the saved checkpoint was given another number") }
    }

    private func checkMeta() throws {
        for row in try Row.fetchAll(database, sql: "SELECT * FROM meta ORDER BY name") {
            let name = try SQLiteLedger.text(row, "name"), value = try SQLiteLedger.text(row, "value")
            guard name == "format" && value == Schema.format || name == "origin" && value == origin ?? value else {
                throw SQLiteLedger.damaged("the setting '\(name)' of the database was changed to '\(value)'")
            }
        }
        let wanted = origin == nil ? ["format"] : ["format", "origin"]
        for name in wanted where try Schema.meta(name, database) == nil { throw SQLiteLedger.damaged("the setting '\(name)' of the database is missing") }
    }

    private mutating func checkEntry(_ row: Row) throws {
        let stored = try SQLiteLedger.entry(row)
        guard stored.index == frontier.size else { throw SQLiteLedger.damaged("ledger entry \(frontier.size) is missing") }
        let stream = stored.stream.text
        let place = SQLiteLedger.placeSum(stream: stream, revision: stored.revision, subjects: try takeSubjects(of: stored.index))
        guard place.bytes == (try SQLiteLedger.bytes(row, "place_sum")) else {
            throw SQLiteLedger.damaged("the stream, revision or subjects of ledger entry \(stored.index) were changed")
        }
        guard stored.revision == revisions[stream] ?? 0 else { throw SQLiteLedger.damaged("ledger entry \(stored.index) is not the next of '\(stream)'") }
        revisions[stream] = stored.revision + 1
        for expected in frontier.append(leafHash: stored.entry.leafHash) where try SQLiteLedger.node(expected.level, expected.index, database) != expected.hash {
            throw SQLiteLedger.damaged("the Merkle node \(expected.level)/\(expected.index) above ledger entry \(stored.index) does not fit it")
        }
    }

    private mutating func takeSubjects(of index: Int) throws -> [Data] {
        var digests: [Data] = []
        while let row = nextSubject, try SQLiteLedger.integer(row, "idx") <= index {
            guard try SQLiteLedger.integer(row, "idx") == index else {
                throw SQLiteLedger.damaged("a subject is indexed for ledger entry \(try SQLiteLedger.integer(row, "idx")), which is missing")
            }
            digests.append(Data(try SQLiteLedger.bytes(row, "digest")))
            nextSubject = try subjects.next()?.copy()
        }
        return digests
    }

    /// A tree of n leaves has 2n − (ones in n) complete subtrees.
    private func checkNodeCount() throws {
        let expected = 2 * frontier.size - frontier.size.nonzeroBitCount
        let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM merkle_node") ?? 0
        guard count != expected else { return }
        let extra = try Row.fetchOne(
            database, sql: "SELECT level, idx FROM merkle_node WHERE level < 0 OR level > 61 OR idx < 0 OR (idx + 1) << level > ? ORDER BY idx, level", arguments: [frontier.size])
        let name = try extra.map { "\(try SQLiteLedger.integer($0, "level"))/\(try SQLiteLedger.integer($0, "idx"))" } ?? "?"
        throw SQLiteLedger.damaged("the Merkle node \(name) is beyond the last entry: there are \(count) nodes, and \(frontier.size) entries have \(expected)")
    }

    private func checkHeads() throws {
        var streams = Set(revisions.keys)
        let rows = try Row.fetchCursor(database, sql: "SELECT * FROM stream_head ORDER BY stream")
        while let row = try rows.next() {
            let head = try SQLiteLedger.head(row)
            let count = revisions[head.stream.text] ?? 0
            guard head.revision == count else {
                throw SQLiteLedger.damaged("the state of '\(head.stream)' is at revision \(head.revision), and the ledger has \(count) entries of it")
            }
            streams.remove(head.stream.text)
        }
        if let stream = streams.min() { throw SQLiteLedger.damaged("the state of '\(stream)' is missing, and the ledger has \(revisions[stream] ?? 0) entries of it") }
    }

    /// When as many entries were read as the saved checkpoint covers, they must have its root.
    private func checkCheckpoint() throws {
        guard let checkpoint, checkpoint.size == frontier.size else { return }
        let lines = String(decoding: checkpoint.note, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 2, lines[1] == String(checkpoint.size), lines[2] == Data(frontier.root.bytes).base64EncodedString() else {
            throw SQLiteLedger.damaged("the first \(checkpoint.size) ledger entries do not have the root of the saved checkpoint")
        }
        guard let signer else { return }
        do { _ = try Checkpoint.open(checkpoint.note, origin: signer.origin, key: signer.key) } catch {
            throw SQLiteLedger.damaged("the saved checkpoint does not hold: \(error.message)")
        }
    }
}
