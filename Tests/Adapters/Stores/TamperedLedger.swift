// A ledger to be changed behind Penstock's back, and what the store then says about it.
import Evidence
import Foundation
import GRDB
import Ports
import Primitives
import SQLiteLedger
import Testing

/// A database of eleven entries in three streams, with a signed checkpoint of the first eight.
struct TamperedLedger {
    let folder: Folder
    let original: [UInt8]

    init() async throws {
        folder = try Folder()
        original = try await Self.make(in: folder)
    }

    static let origin = "test.example/ledger"

    /// The streams of the entries, in order.
    static let streams = ["release/a", "release/a", "routing", "release/b", "routing", "release/a", "release/b", "routing", "release/b", "release/a", "routing"]

    static func subjects(_ index: Int) -> [Digest] { (0..<index % 3).map { Digest.of("subject \(index % 4 + $0)") } }

    /// With `kept` a ledger that Penstock itself wrote for the first entries only; `changed` says something else in one of them.
    static func make(in folder: Folder, kept: Int = 11, changed: Int? = nil, checkpointed: Int? = 8, signer: UInt8 = 7) async throws -> [UInt8] {
        let path = folder("\(UUID().uuidString).sqlite")
        do {
            let ledger = try SQLiteLedger(path: path, origin: origin)
            var revisions: [String: Int] = [:]
            for (index, stream) in streams[..<kept].enumerated() {
                let step = index == changed ? "another \(index)" : "\(index)"
                let position = try await ledger.commit([append(stream, at: revisions[stream, default: 0], step, about: subjects(index))])
                revisions[stream, default: 0] += 1
                guard index + 1 == checkpointed else { continue }
                let checkpoint = Checkpoint(origin: origin, size: position.size, root: position.root)
                try await ledger.save(checkpoint: checkpoint.signed(by: try signingKey(signer), name: origin), size: position.size)
            }
        }
        return try Snapshot.bytes(path, in: folder)
    }

    /// What the store says about a database: at opening, or when it is verified.
    func complaint(_ path: String, signed: Bool = true) async throws -> LedgerStoreError? {
        let key = try signingKey(7).verificationKey
        return await ledgerError {
            let ledger = try SQLiteLedger(path: path, origin: Self.origin)
            try await ledger.verify(signer: signed ? (Self.origin, key) : nil)
        }
    }

    func copy(_ bytes: [UInt8]? = nil) throws -> String {
        let path = folder("copy-\(UUID().uuidString).sqlite")
        try Files.write(bytes ?? original, to: path)
        return path
    }

    /// Changes a copy, and removes it again.
    func complaint(after sql: String, _ arguments: StatementArguments = [], of bytes: [UInt8]? = nil, signed: Bool = true) async throws -> LedgerStoreError? {
        let path = try copy(bytes)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try raw(path, sql, arguments)
        return try await complaint(path, signed: signed)
    }

    /// Every value of every column of every table, the tables of later schemas too.
    func cells() throws -> [Cell] {
        try withRaw(try copy()) { database in
            var cells: [Cell] = []
            for table in try String.fetchAll(database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
                let columns = try Row.fetchAll(database, sql: "SELECT name, pk FROM pragma_table_info(?)", arguments: [table])
                let keys = columns.filter { $0["pk"] > 0 }.map { $0["name"] as String }
                for row in try Row.fetchAll(database, sql: "SELECT * FROM \(table)") {
                    for column in columns {
                        let name: String = column["name"]
                        cells.append(Cell(table: table, column: name, value: row[name], key: keys.map { ($0, row[$0]) }, row: row))
                    }
                }
            }
            return cells
        }
    }

    /// Everything that the tables say.
    static func content(_ path: String) throws -> [String] {
        try withRaw(path) { database in
            try String.fetchAll(database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").flatMap { table in
                try Row.fetchAll(database, sql: "SELECT * FROM \(table)").map { row in "\(table) " + row.map { "\($0) \($1.storage)" }.joined(separator: ", ") }.sorted()
            }
        }
    }
}

struct Cell {
    var table: String
    var column: String
    var value: DatabaseValue
    var key: [(name: String, value: DatabaseValue)]
    var row: Row

    var name: String { "\(table).\(column) of \(row)" }
    var condition: String { key.map { "\($0.name) = ?" }.joined(separator: " AND ") }
    var update: String { "UPDATE \(table) SET \(column) = ? WHERE \(condition)" }

    /// One bit of one byte, the first, a middle and the last; or a number near by and one far off.
    var changes: [DatabaseValue] {
        switch value.storage {
        case .int64(let number): [number + 1, number - 1, number + 1000, number ^ (1 << 40)].map(\.databaseValue)
        case .string(let text): Self.flipped(Array(text.utf8), bit: 1).map { String(decoding: $0, as: UTF8.self).databaseValue }
        case .blob(let data): Self.flipped(Array(data), bit: 0x80).map { Data($0).databaseValue }
        default: []
        }
    }

    private static func flipped(_ bytes: [UInt8], bit: UInt8) -> [[UInt8]] {
        Set([0, bytes.count / 2, bytes.count - 1]).sorted().map { place in
            var changed = bytes
            changed[place] ^= bit
            return changed
        }
    }

    /// What the complaint must name one of, when this value has changed to another: the entry, the node or the stream.
    func places(changedTo change: DatabaseValue) -> [String] {
        switch table {
        case "ledger_entry", "ledger_subject":
            // A subject that went to an earlier entry is wrong there first.
            let moved = column == "idx" ? Int.fromDatabaseValue(change) : nil
            return ([row["idx"]] + (moved.map { [$0] } ?? [])).map { "ledger entry \($0 as Int)" }
        case "merkle_node":
            let place = "\(row["level"] as Int)/\(row["idx"] as Int)"
            let moved = column == "level" ? "\(change)/\(row["idx"] as Int)" : "\(row["level"] as Int)/\(change)"
            return ["Merkle node \(place)", "Merkle node \(moved)"]
        case "stream_head": return ["the state of '\(row["stream"] as String)'", "the state of '\(String.fromDatabaseValue(change) ?? "")'"]
        case "checkpoint": return ["the saved checkpoint"]
        default: return [""]
        }
    }
}
