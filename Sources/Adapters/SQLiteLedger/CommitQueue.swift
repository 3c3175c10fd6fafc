// Commits that wait at the same time share one transaction, and so one fsync.
internal import Dispatch
internal import Evidence
internal import GRDB
internal import Ports
internal import Synchronization

/// Each commit runs in a savepoint of the shared transaction: a conflict undoes that one only. Nobody is answered before the transaction is
/// on the disk, and when that fails everybody in it gets the error.
final class CommitQueue: Sendable {
    private struct Waiting: Sendable {
        var appends: [LedgerAppend]
        var continuation: CheckedContinuation<Result<LedgerPosition, LedgerStoreError>, Never>
    }

    private struct State {
        var waiting: [Waiting] = []
        var isRunning = false
        var stopped: LedgerStoreError?
    }

    private static let longestQueue = 4096
    private static let largestBatch = 256

    private let pool: DatabasePool
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "penstock.ledger.commits")

    init(pool: DatabasePool) { self.pool = pool }

    func commit(_ appends: [LedgerAppend]) async throws(LedgerStoreError) -> LedgerPosition {
        let outcome: Result<LedgerPosition, LedgerStoreError> = await withCheckedContinuation { continuation in
            let refusal: LedgerStoreError? = state.withLock { state in
                if let stopped = state.stopped { return stopped }
                guard state.waiting.count < Self.longestQueue else { return LedgerStoreError(.unavailable, "too many commits are waiting; try again") }
                state.waiting.append(Waiting(appends: appends, continuation: continuation))
                if !state.isRunning {
                    state.isRunning = true
                    queue.async { self.run() }
                }
                return nil
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) }
        }
        return try outcome.get()
    }

    /// After an I/O error nothing is written any more: a second fsync may claim success for what the first one lost.
    func stop(after error: LedgerStoreError) {
        state.withLock { state in
            guard state.stopped == nil else { return }
            state.stopped = LedgerStoreError(.unavailable, "the ledger takes no more entries since \(error.message); restart to learn which were kept")
        }
    }

    func check() throws(LedgerStoreError) {
        if let stopped = state.withLock({ $0.stopped }) { throw stopped }
    }

    private func run() {
        while let batch = next() {
            let results = commit(batch)
            for (waiting, result) in zip(batch, results) { waiting.continuation.resume(returning: result) }
        }
    }

    private func next() -> [Waiting]? {
        state.withLock { state in
            let batch = Array(state.waiting.prefix(Self.largestBatch))
            state.waiting.removeFirst(batch.count)
            state.isRunning = !batch.isEmpty
            return batch.isEmpty ? nil : batch
        }
    }

    private func commit(_ batch: [Waiting]) -> [Result<LedgerPosition, LedgerStoreError>] {
        do {
            try check()
            return try pool.write { database in
                var frontier = try SQLiteLedger.frontier(database)
                return try batch.map { try Self.attempt($0.appends, &frontier, database) }
            }
        } catch {
            let failure = SQLiteLedger.translate(error, doing: "writing")
            if SQLiteLedger.isFatal(error) { stop(after: failure) }
            return batch.map { _ in .failure(failure) }
        }
    }

    private static func attempt(_ appends: [LedgerAppend], _ frontier: inout MerkleFrontier, _ database: Database) throws -> Result<LedgerPosition, LedgerStoreError> {
        var next = frontier
        do {
            try database.inSavepoint {
                try SQLiteLedger.insert(appends, &next, database)
                return .commit
            }
        } catch let error as LedgerStoreError {
            return .failure(error)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            return .failure(SQLiteLedger.translate(error, doing: "writing"))
        }
        frontier = next
        return .success(LedgerPosition(size: next.size, root: next.root))
    }
}
