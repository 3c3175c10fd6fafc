// Rows of the decision store, and what is checked when they are read.
internal import Decisions
internal import Foundation
internal import GRDB
internal import Inference
internal import Ports
internal import Primitives

enum Rows {
    static func key(_ id: DecisionID) -> Data { Data([UInt8](hex: id.description) ?? []) }

    static func batch(_ row: Row) throws -> DecisionBatch {
        guard let node = NodeID(row["node"] as String? ?? ""), let first = UInt64(exactly: row["first"] as Int64? ?? -1),
            let last = UInt64(exactly: row["last"] as Int64? ?? -1), first >= 1, first <= last, let commitment = digest(row["commitment"])
        else { throw damaged("a batch cannot be read") }
        return DecisionBatch(node: node, first: first, last: last, commitment: commitment)
    }

    /// The entries whose places a query finds, each checked against its batch.
    static func entries(_ places: String, _ id: DecisionID, _ database: Database) throws -> [KeptEntry] {
        try Row.fetchAll(database, sql: places, arguments: [key(id)]).map { try entry(node: $0["node"], sequence: $0["sequence"], database) }
    }

    private static func entry(node: String, sequence: Int64, _ database: Database) throws -> KeptEntry {
        let place = "entry \(sequence) of \(node)"
        guard let found = try Row.fetchOne(database, sql: "SELECT * FROM batch WHERE node = ? AND first <= ? AND last >= ?", arguments: [node, sequence, sequence]) else {
            throw damaged("\(place) is in no batch")
        }
        let batch = try batch(found)
        let rows = try Row.fetchCursor(
            database, sql: "SELECT sequence, leaf FROM entry WHERE node = ? AND sequence BETWEEN ? AND ? ORDER BY sequence",
            arguments: [node, Int64(batch.first), Int64(batch.last)])
        var leaves: [Digest] = []
        while let row = try rows.next() {
            guard let leaf = digest(row["leaf"]), row["sequence"] == Int64(batch.first) + Int64(leaves.count) else { throw damaged("the batch of \(place) has a gap") }
            leaves.append(leaf)
        }
        guard DecisionBatch(node: batch.node, first: batch.first, leaves: leaves) == batch else { throw damaged("the batch of \(place) does not give its commitment") }
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM entry WHERE node = ? AND sequence = ?", arguments: [node, sequence]),
            let kind = UInt8(exactly: row["kind"] as Int64? ?? -1)
        else { throw damaged("\(place) is not there") }
        let salt = Array(row["salt"] as Data? ?? Data()), payload = Array(row["payload"] as Data? ?? Data())
        let leaf = DecisionBatch.leaf(salt: salt, sequence: UInt64(sequence), kind: LogFrame.Kind(rawValue: kind), payload: payload)
        guard leaf == leaves[Int(UInt64(sequence) - batch.first)] else { throw damaged("\(place) was changed: it does not give the leaf beside it") }
        return KeptEntry(node: batch.node, sequence: UInt64(sequence), payload: payload, batch: batch)
    }

    static func tally(_ selection: DecisionSelection, _ database: Database) throws -> [DecisionTally] {
        try Row.fetchAll(
            database,
            sql: """
                WITH truth AS (
                    SELECT decision, MIN(value) AS low, MAX(value) AS high, MIN(is_truth) AS is_truth, COUNT(*) AS told FROM outcome WHERE name = :name GROUP BY decision)
                SELECT d.release AS release, d.version AS version, d.outcome AS outcome, d.reason AS reason, COUNT(*) AS decisions,
                    SUM(low = high) AS joined, SUM(low = high AND high <> 0) AS positive, SUM(low <> high) AS contradicted, SUM(low = high AND told > 1) AS repeated,
                    SUM(told IS NULL AND d.time > :mature) AS immature, SUM(low = high AND is_truth AND score IS NOT NULL) AS scored,
                    SUM(low = high AND is_truth AND score IS NOT NULL AND (score >= 0.5) = (high <> 0)) AS right,
                    SUM(CASE WHEN low = high AND is_truth AND score IS NOT NULL THEN (score - high) * (score - high) END) AS squared
                FROM decision d LEFT JOIN truth ON truth.decision = d.id
                WHERE d.service = :service AND d.time >= :from AND d.time < :to
                GROUP BY d.release, d.version, d.outcome, d.reason ORDER BY d.release, d.outcome, d.reason
                """,
            arguments: [
                "name": selection.outcome?.text ?? "", "mature": selection.matureBefore?.milliseconds ?? Int64.max, "service": selection.service.text,
                "from": selection.from?.milliseconds ?? Int64.min, "to": selection.to?.milliseconds ?? Int64.max,
            ]
        ).map { try tally($0) }
    }

    /// Nearest rank: the smallest latency that the given share of a release's decisions does not exceed.
    static func latencies(_ selection: DecisionSelection, _ database: Database) throws -> [DecisionLatency] {
        try Row.fetchAll(
            database,
            sql: """
                WITH ranked AS (
                    SELECT release, latency, ROW_NUMBER() OVER (PARTITION BY release ORDER BY latency) AS place, COUNT(*) OVER (PARTITION BY release) AS count
                    FROM decision WHERE service = :service AND time >= :from AND time < :to)
                SELECT release, MAX(CASE WHEN place = (count * 50 + 99) / 100 THEN latency END) AS p50,
                    MAX(CASE WHEN place = (count * 99 + 99) / 100 THEN latency END) AS p99
                FROM ranked GROUP BY release ORDER BY release
                """,
            arguments: [
                "service": selection.service.text, "from": selection.from?.milliseconds ?? Int64.min, "to": selection.to?.milliseconds ?? Int64.max,
            ]
        ).map { row in
            guard let release = ReleaseID(row["release"] as String? ?? "") else { throw damaged("a decision cannot be read") }
            return DecisionLatency(release: release, p50: row["p50"] as Int? ?? 0, p99: row["p99"] as Int? ?? 0)
        }
    }

    private static func tally(_ row: Row) throws -> DecisionTally {
        guard let release = ReleaseID(row["release"] as String? ?? ""), let outcome = Outcome(row["outcome"] as String? ?? "") else { throw damaged("a decision cannot be read") }
        func count(_ column: String) -> Int { row[column] as Int? ?? 0 }
        var tally = DecisionTally(release: release, version: row["version"], outcome: outcome, reason: row["reason"] ?? "")
        tally.decisions = count("decisions")
        tally.joined = count("joined")
        tally.positive = count("positive")
        tally.contradicted = count("contradicted")
        tally.repeated = count("repeated")
        tally.immature = count("immature")
        tally.scored = count("scored")
        tally.right = count("right")
        tally.squaredError = row["squared"] as Double? ?? 0
        return tally
    }

    private static func digest(_ data: Data?) -> Digest? { data.flatMap { Digest(bytes: Array($0)) } }

    private static func damaged(_ what: String) -> DecisionStoreError {
        DecisionStoreError(.damaged, "the decision store is damaged: \(what); restore it from a backup")
    }
}
