// The history of runs on SQLite: one file in the project's own state.
private import Dispatch
private import Foundation
internal import GRDB
internal import OwnedDatabase
package import Pipelines
package import Ports
internal import Primitives

/// A returned append survives power loss (`OwnedDatabase`).
///
/// One process at a time may run pipelines from one home: whoever holds the lock beside the file (`RunLock`). Reading needs no lock.
package final class SQLiteRuns: RunCatalog {
    private let pool: DatabasePool
    /// SQLite blocks, and an append must not be given up when its task is cancelled.
    private let queue = DispatchQueue(label: "penstock.runs")

    package init(path: String) throws(RunCatalogError) {
        do { pool = try RunSchema.database.open(path, label: "penstock.runs") } catch { throw Self.translate(error, "opening \(path)") }
    }

    package func append(
        _ event: RunEvent, to run: RunID, of pipeline: PipelineName, revision: Int, components: StageComponents?
    ) async throws(RunCatalogError) {
        try await onQueue { pool in
            try pool.write { database in
                let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM run_event WHERE run = ?", arguments: [run.text]) ?? 0
                guard count == revision else {
                    throw RunCatalogError(.conflict, "the run \(run) has \(count) events and not \(revision); somebody else goes on with it")
                }
                try Self.insert(event, run, pipeline, revision, database)
                if case .stagePublished(let execution, _) = event, let components { try Self.insert(execution, components, pipeline, database) }
            }
        }
    }

    package func events(of run: RunID) async throws(RunCatalogError) -> [RunEvent] {
        try await onQueue { pool in
            try pool.read { database in
                let rows = try Row.fetchAll(database, sql: "SELECT revision, kind, payload FROM run_event WHERE run = ? ORDER BY revision", arguments: [run.text])
                return try rows.enumerated().map { revision, row in
                    guard row["revision"] == revision, let read = try RunEvent.read(kind: row["kind"], payload: Array(row["payload"] as Data)), read.run == run else {
                        throw RunCatalogError(.damaged, "event \(revision) of the run \(run) is missing or of another run; move the file away to begin anew")
                    }
                    return read.event
                }
            }
        }
    }

    package func runs(of pipeline: PipelineName, limit: Int) async throws(RunCatalogError) -> [RunID] {
        try await onQueue { pool in
            try pool.read { database in
                try String.fetchAll(database, sql: "SELECT run FROM run WHERE pipeline = ? ORDER BY seq DESC LIMIT ?", arguments: [pipeline.text, max(0, limit)])
                    .map { try Self.name($0) }
            }
        }
    }

    package func openRuns() async throws(RunCatalogError) -> [(run: RunID, pipeline: PipelineName)] {
        try await onQueue { pool in
            try pool.read { database in
                try Row.fetchAll(database, sql: "SELECT run, pipeline FROM run WHERE ended = 0 ORDER BY seq")
                    .map { (run: try Self.name($0["run"]), pipeline: try Self.name($0["pipeline"])) }
            }
        }
    }

    package func newestExecution(of stage: StageName, in pipeline: PipelineName) async throws(RunCatalogError) -> CatalogedExecution? {
        try await execution("pipeline = ? AND stage = ?", [pipeline.text, stage.text])
    }

    package func execution(of fingerprint: StageFingerprint) async throws(RunCatalogError) -> CatalogedExecution? {
        try await execution("fingerprint = ?", [Data(fingerprint.digest.bytes)])
    }

    package func execution(id: String) async throws(RunCatalogError) -> CatalogedExecution? { try await execution("id = ?", [id]) }

    private func execution(_ condition: String, _ arguments: StatementArguments) async throws(RunCatalogError) -> CatalogedExecution? {
        try await onQueue { pool in
            try pool.read { database in
                guard
                    let row = try Row.fetchOne(
                        database, sql: "SELECT execution, components FROM execution WHERE \(condition) ORDER BY seq DESC LIMIT 1", arguments: arguments)
                else { return nil }
                let execution: StageExecution
                do { execution = try StrictJSON.decode(from: Array(row["execution"] as Data)) } catch {
                    throw RunCatalogError(.damaged, "a stored execution cannot be read: \(StrictJSON.explain(error)); move the file away to begin anew")
                }
                return CatalogedExecution(execution, try StageComponents(decoding: Array(row["components"] as Data)))
            }
        }
    }

    private func onQueue<Result: Sendable>(_ body: @escaping @Sendable (DatabasePool) throws -> Result) async throws(RunCatalogError) -> Result {
        let outcome: Swift.Result<Result, RunCatalogError> = await withCheckedContinuation { continuation in
            queue.async { [pool] in
                do { continuation.resume(returning: .success(try body(pool))) } catch {
                    continuation.resume(returning: .failure(Self.translate(error, "using the history of runs")))
                }
            }
        }
        return try outcome.get()
    }
}

extension SQLiteRuns {
    private static func insert(_ event: RunEvent, _ run: RunID, _ pipeline: PipelineName, _ revision: Int, _ database: Database) throws {
        if revision == 0 { try database.execute(sql: "INSERT INTO run (run, pipeline, ended) VALUES (?, ?, 0)", arguments: [run.text, pipeline.text]) }
        try database.execute(
            sql: "INSERT INTO run_event (run, revision, kind, payload) VALUES (?, ?, ?, ?)", arguments: [run.text, revision, event.kind, Data(event.payload(of: run))])
        switch event {
        case .succeeded, .failed, .cancelled: try database.execute(sql: "UPDATE run SET ended = 1 WHERE run = ?", arguments: [run.text])
        case .planned, .started, .stageStarted, .attemptFailed, .stageFailed, .stagePublished, .stageReused, .stageSkipped, .stageCancelled, .abandoned, .resumed: break
        }
    }

    private static func insert(_ execution: StageExecution, _ components: StageComponents, _ pipeline: PipelineName, _ database: Database) throws {
        try database.execute(
            sql: "INSERT INTO execution (id, pipeline, stage, fingerprint, execution, components) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                execution.id, pipeline.text, execution.stage.text, Data(execution.fingerprint.digest.bytes), Data(StrictJSON.encode(execution)), Data(components.encoded),
            ])
    }

    private static func name<Subject>(_ text: String) throws(RunCatalogError) -> Identifier<Subject> {
        guard let name = Identifier<Subject>(text) else { throw RunCatalogError(.damaged, "the history of runs holds a name that is none") }
        return name
    }

    private static func translate(_ error: any Error, _ work: String) -> RunCatalogError {
        switch error {
        case let error as RunCatalogError: return error
        case let error as OwnedDatabaseError: return RunCatalogError(.unavailable, error.message)
        case let error as PipelineError: return RunCatalogError(error.code == .unreadable ? .damaged : .unavailable, error.message)
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_FULL: return RunCatalogError(.unavailable, "the disk is full and nothing was written; make room and run again")
            case .SQLITE_BUSY, .SQLITE_LOCKED: return RunCatalogError(.unavailable, "another process holds the history of runs; wait for it and run again")
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                return RunCatalogError(.damaged, "the history of runs is damaged (\(error.message ?? "no detail")); move the file away to begin anew")
            default: return RunCatalogError(.unavailable, "\(work) failed: \(error)")
            }
        default: return RunCatalogError(.unavailable, "\(work) failed: \(error)")
        }
    }
}
