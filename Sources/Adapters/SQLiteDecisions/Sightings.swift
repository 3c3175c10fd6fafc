// Comparisons and the outcomes of their requests, in one order that never changes.
internal import Decisions
private import Foundation
internal import GRDB
private import Inference
internal import Ports
internal import Primitives

enum Sightings {
    /// As stored. Numbers are frozen.
    private enum What: Int64 {
        case compared = 0
        case untrue = 1
        case isTrue = 2
        case contradicted = 3

        init(_ truth: Bool) { self = truth ? .isTrue : .untrue }

        var meaning: Sighting.What {
            switch self {
            case .compared: .compared
            case .untrue: .truth(false)
            case .isTrue: .truth(true)
            case .contradicted: .contradicted
            }
        }
    }

    private struct Place {
        var candidate: String
        var step: Int64
        var decision: Data
        var node: String
        var sequence: Int64
    }

    static func note(_ record: ComparisonRecord, _ node: NodeID, _ sequence: UInt64, _ database: Database) throws {
        let decision = Rows.key(record.decision)
        // Both come from one node in this order, and another node may have told the outcome before.
        let known = try Int64.fetchAll(database, sql: "SELECT DISTINCT value <> 0 FROM outcome WHERE decision = ? AND is_truth", arguments: [decision])
        let place = Place(candidate: record.candidate.text, step: Int64(clamping: record.step), decision: decision, node: node.text, sequence: Int64(sequence))
        try insert(.compared, place, database)
        if let first = known.first { try insert(known.count > 1 ? .contradicted : What(first != 0), place, database) }
    }

    /// An outcome counts once, when it is told first; told otherwise later, it is contradicted once.
    static func note(_ record: OutcomeRecord, _ database: Database) throws {
        guard case .truth(let truth) = record.value else { return }
        let rows = try Row.fetchAll(
            database, sql: "SELECT candidate, step, what, decision, node, sequence FROM sighting WHERE decision = ? ORDER BY cursor", arguments: [Rows.key(record.decision)])
        for row in rows where row["what"] == What.compared.rawValue {
            let place = Place(candidate: row["candidate"], step: row["step"], decision: row["decision"], node: row["node"], sequence: row["sequence"])
            let told = rows.last { $0["node"] == place.node && $0["sequence"] == place.sequence && $0["what"] != What.compared.rawValue }
                .flatMap { What(rawValue: $0["what"]) }
            switch told {
            case nil: try insert(What(truth), place, database)
            case What(truth), .contradicted: break
            default: try insert(.contradicted, place, database)
            }
        }
    }

    private static func insert(_ what: What, _ place: Place, _ database: Database) throws {
        try database.cachedStatement(sql: "INSERT INTO sighting (candidate, step, what, decision, node, sequence) VALUES (?, ?, ?, ?, ?, ?)").execute(arguments: [
            place.candidate, place.step, what.rawValue, place.decision, place.node, place.sequence,
        ])
    }

    static func read(_ candidate: ReleaseID, _ step: Int, after cursor: Int64, limit: Int, _ database: Database) throws -> [Sighting] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT s.cursor AS cursor, s.what AS what, e.payload AS payload FROM sighting s JOIN entry e ON e.node = s.node AND e.sequence = s.sequence
                WHERE s.candidate = ? AND s.step = ? AND s.cursor > ? ORDER BY s.cursor LIMIT ?
                """, arguments: [candidate.text, Int64(clamping: step), cursor, limit]
        ).map { row in
            guard let what = What(rawValue: row["what"]), let record = try? ComparisonRecord(parsing: Array(row["payload"] as Data? ?? Data())) else {
                throw DecisionStoreError(.damaged, "a comparison of \(candidate) cannot be read: it was changed; restore the decisions from a backup")
            }
            return Sighting(cursor: row["cursor"], record: record, what: what.meaning)
        }
    }
}
