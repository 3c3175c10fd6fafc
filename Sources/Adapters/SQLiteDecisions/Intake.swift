// Takes one batch of a node's entries, in one transaction.
internal import Decisions
private import Foundation
internal import GRDB
private import Inference
internal import Ports
internal import Primitives

struct Intake {
    let node: NodeID
    let database: Database

    /// The last entry that is stored then. Throws and changes nothing when an entry contradicts a stored one.
    func take(_ frames: [LogFrame], salts: [UInt8]) throws -> UInt64 {
        let last = try UInt64(Int64.fetchOne(database, sql: "SELECT MAX(last) FROM batch WHERE node = ?", arguments: [node.text]) ?? 0)
        guard let first = frames.first, first.sequence <= last + 1 else { return last }
        for frame in frames.prefix(while: { $0.sequence <= last }) { try compare(frame) }
        let new = frames.drop { $0.sequence <= last }
        guard let begin = new.first?.sequence, let end = new.last?.sequence else { return last }
        var leaves: [Digest] = []
        for (index, frame) in zip(new.indices, new) {
            let salt = Array(salts[(index * DecisionBatch.saltBytes)..<((index + 1) * DecisionBatch.saltBytes)])
            leaves.append(try insert(frame, salt: salt))
        }
        guard let batch = DecisionBatch(node: node, first: begin, leaves: leaves) else { return last }
        try database.execute(
            sql: "INSERT INTO batch VALUES (?, ?, ?, ?)", arguments: [node.text, Int64(batch.first), Int64(batch.last), Data(batch.commitment.bytes)])
        return end
    }

    private func compare(_ frame: LogFrame) throws {
        let row = try Row.fetchOne(
            database, sql: "SELECT kind, payload FROM entry WHERE node = ? AND sequence = ?", arguments: [node.text, Int64(frame.sequence)])
        guard let row, row["kind"] == Int64(frame.kind.rawValue), (row["payload"] as Data?).map(Array.init) == frame.payload else {
            throw DecisionStoreError(
                .contradiction,
                "entry \(frame.sequence) of \(node) is stored already and is another one: two logs have this node's name, or one was changed; give each node its own folder")
        }
    }

    private func insert(_ frame: LogFrame, salt: [UInt8]) throws -> Digest {
        let leaf = DecisionBatch.leaf(salt: salt, sequence: frame.sequence, kind: frame.kind, payload: frame.payload)
        try database.cachedStatement(sql: "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)").execute(arguments: [
            node.text, Int64(frame.sequence), Int64(frame.kind.rawValue), Data(salt), Data(frame.payload), Data(leaf.bytes),
        ])
        // What this program cannot read is kept all the same: it was answered, and a newer program may read it.
        switch frame.kind {
        case .decision: if let record = try? DecisionRecord(parsing: frame.payload) { try index(record, frame.sequence) }
        case .outcome:
            if let record = try? OutcomeRecord(parsing: frame.payload) {
                try index(record, frame.sequence)
                try Sightings.note(record, database)
            }
        case .comparison: if let record = try? ComparisonRecord(parsing: frame.payload) { try Sightings.note(record, node, frame.sequence, database) }
        default: break
        }
        return leaf
    }

    private func index(_ record: DecisionRecord, _ sequence: UInt64) throws {
        let stamp = record.decision.stamp
        try database.cachedStatement(sql: "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").execute(arguments: [
            Rows.key(record.decision.id), node.text, Int64(sequence), stamp.service.text, stamp.release.text, stamp.version, record.time.milliseconds,
            record.decision.outcome.text, record.decision.reason.words.reason, record.decision.score, Int64(clamping: record.latencyMicroseconds),
        ])
    }

    private func index(_ record: OutcomeRecord, _ sequence: UInt64) throws {
        let isTruth = if case .truth = record.value { 1 } else { 0 }
        try database.cachedStatement(sql: "INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, ?, ?)").execute(arguments: [
            Rows.key(record.decision), node.text, Int64(sequence), record.name.text, record.value.number, isTruth, record.at.milliseconds, record.received.milliseconds,
        ])
    }
}
