// The decisions and outcomes of all nodes in one SQLite file, beside the ledger and apart from it: payloads can be erased here, commitments stay there.
package import Decisions
private import Foundation
internal import GRDB
package import Inference
internal import OwnedDatabase
package import Ports
package import Primitives

/// What was taken survives power loss (`OwnedDatabase`).
///
/// After an I/O error the store takes nothing until it is opened again, because only a recovery can say what reached the disk. Reads go on.
package final class SQLiteDecisions: DecisionStore, ComparisonSource {
    private let pool: DatabasePool
    private let random: any RandomSource
    private let stop = StopSign()

    /// Opens or makes the file, and its folder, for its owner only. `random` gives the salts.
    package init(path: String, random: any RandomSource) throws(DecisionStoreError) {
        self.random = random
        do {
            pool = try DecisionsSchema.database.open(path, label: "penstock.decisions")
        } catch { throw Self.translate(error, doing: "opening \(path) as") }
    }

    package func take(_ frames: [LogFrame], from node: NodeID) async throws(DecisionStoreError) -> UInt64 {
        guard frames.indices.dropFirst().allSatisfy({ frames[$0].sequence == frames[$0 - 1].sequence &+ 1 }), (frames.first?.sequence ?? 1) >= 1,
            (frames.last?.sequence ?? 0) <= UInt64(Int64.max)
        else { throw DecisionStoreError(.contradiction, "entries are numbered from 1 without a gap, and these of \(node) are not") }
        try stop.check()
        // One call for the whole batch: a random source may be a system call.
        let salts = random.bytes(DecisionBatch.saltBytes * frames.count)
        do {
            return try await pool.write { try Intake(node: node, database: $0).take(frames, salts: salts) }
        } catch {
            let failure = Self.translate(error, doing: "writing")
            if (error as? DatabaseError)?.resultCode == .SQLITE_IOERR { stop.set(failure) }
            throw failure
        }
    }

    package func batches(of node: NodeID, after sequence: UInt64) async throws(DecisionStoreError) -> [DecisionBatch] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM batch WHERE node = ? AND first > ? ORDER BY first", arguments: [node.text, Int64(clamping: sequence)]
            ).map { try Rows.batch($0) }
        }
    }

    package func nodes() async throws(DecisionStoreError) -> [NodeID] {
        try await read { try String.fetchAll($0, sql: "SELECT DISTINCT node FROM batch ORDER BY node").compactMap { NodeID($0) } }
    }

    package func decisions(_ id: DecisionID) async throws(DecisionStoreError) -> [KeptEntry] {
        try await read { try Rows.entries("SELECT node, sequence FROM decision WHERE id = ? ORDER BY node, sequence", id, $0) }
    }

    package func outcomes(of id: DecisionID) async throws(DecisionStoreError) -> [KeptEntry] {
        try await read { try Rows.entries("SELECT node, sequence FROM outcome WHERE decision = ? ORDER BY received, node, sequence", id, $0) }
    }

    package func tally(_ selection: DecisionSelection) async throws(DecisionStoreError) -> [DecisionTally] {
        try await read { try Rows.tally(selection, $0) }
    }

    package func latencies(_ selection: DecisionSelection) async throws(DecisionStoreError) -> [DecisionLatency] {
        try await read { try Rows.latencies(selection, $0) }
    }

    package func sightings(of candidate: ReleaseID, step: Int, after cursor: Int64, limit: Int) async throws(DecisionStoreError) -> [Sighting] {
        try await read { try Sightings.read(candidate, step, after: cursor, limit: limit, $0) }
    }

    private func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws(DecisionStoreError) -> Result {
        do { return try await pool.read(body) } catch { throw Self.translate(error, doing: "reading") }
    }

    static func translate(_ error: any Error, doing work: String) -> DecisionStoreError {
        if let error = error as? DecisionStoreError { return error }
        if let error = error as? OwnedDatabaseError { return DecisionStoreError(.unavailable, error.message) }
        guard let error = error as? DatabaseError else { return DecisionStoreError(.unavailable, "\(work) the decision store failed: \(error)") }
        switch error.resultCode {
        case .SQLITE_FULL: return DecisionStoreError(.unavailable, "the disk is full and no decision was stored; make room, nodes send them again")
        case .SQLITE_BUSY, .SQLITE_LOCKED: return DecisionStoreError(.unavailable, "another process holds the decision store; stop it and try again")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return DecisionStoreError(.damaged, "the decision store is damaged (\(error.message ?? "no detail")); restore it from a backup")
        default: return DecisionStoreError(.unavailable, "\(work) the decision store failed: \(error)")
        }
    }
}
