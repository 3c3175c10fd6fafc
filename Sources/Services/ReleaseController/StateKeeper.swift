// Keeps the folded state in step with the ledger: decides on a copy, writes, then believes.
internal import Evidence
package import Ports
internal import Primitives
package import Releases

/// The one writer of a control plane. State is what the ledger says after every entry that `record` has returned for.
///
/// Two control planes on one store are fenced by the streams' revisions: the one that read stale state gets `.conflict`, folds the
/// new entries, and decides again on its next pass.
package actor StateKeeper {
    private let store: any LedgerStore
    private let random: any RandomSource
    private(set) package var state = SystemState()
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init(store: any LedgerStore, random: any RandomSource) {
        self.store = store
        self.random = random
    }

    /// Folds everything that is stored and compares each stored head with what the entries say.
    package func load() async throws(DeskError) {
        state = SystemState()
        try await catchUp()
        while let stream = try await firstChangedHead() {
            let size = state.size
            try await catchUp()
            // Another control plane that writes meanwhile explains a difference; nothing else does.
            guard state.size > size else {
                throw DeskError(
                    .damaged, rule: "ledger",
                    "the stored state of '\(stream)' is not what the ledger says; a row was changed by hand: restore the database from a backup, or export and look with 'penstock ledger verify'"
                )
            }
        }
    }

    private func firstChangedHead() async throws(DeskError) -> StreamID? {
        let heads: [StreamHead]
        do { heads = try await store.heads(prefix: "") } catch { throw DeskError(error) }
        if let changed = heads.first(where: { state.revisions[$0.stream.text] != $0.revision || state.summary(of: $0.stream.text) != $0.body }) { return changed.stream }
        let missing = Set(state.revisions.keys).subtracting(heads.map(\.stream.text))
        return missing.min().map { StreamID($0) }
    }

    /// Folds what another control plane wrote, and what this one wrote without hearing of it.
    package func refresh() async throws(DeskError) {
        try await exclusively { keeper throws(DeskError) in try await keeper.catchUp() }
    }

    /// Runs one read-decide-write at a time, so that nothing decided is stale when it is written.
    package func exclusively<Result: Sendable>(
        _ body: @Sendable (isolated StateKeeper) async throws(DeskError) -> Result
    ) async throws(DeskError) -> Result {
        while isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
        defer {
            isBusy = false
            if !waiting.isEmpty { waiting.removeFirst().resume() }
        }
        return try await body(self)
    }

    /// Appends records that the domain accepts; all or none. Call inside `exclusively`.
    func record(_ records: [LedgerRecord]) async throws(DeskError) {
        var next = state
        var appends: [LedgerAppend] = []
        for record in records {
            let stream = StreamID(record.stream)
            let revision = next.revisions[stream.text] ?? 0
            do { try next.apply(record) } catch { throw DeskError(error) }
            if appends.last?.stream != stream {
                // A later append to a stream expects the earlier ones of this same commit.
                appends.append(LedgerAppend(stream: stream, expectedRevision: revision, entries: [], subjects: [], head: []))
            }
            appends[appends.count - 1].entries.append(record.entry(salt: random.bytes(16)))
            appends[appends.count - 1].subjects.append(record.subjects)
            appends[appends.count - 1].head = next.summary(of: stream.text)
        }
        if let fence = fence(for: records, next) { appends.append(fence) }
        let position: LedgerPosition
        do { position = try await store.commit(appends) } catch {
            if error.code == .conflict { try await explainConflict() }
            throw DeskError(error)
        }
        // What another control plane wrote to other streams lies before these entries: the ledger's order decides.
        if position.size == next.size { state = next } else { try await catchUp() }
    }

    /// Whether a proposal is new depends on what was rolled back. A rollback comes with a table, so none may come between: an append without
    /// entries only says how many there must be.
    private func fence(for records: [LedgerRecord], _ next: SystemState) -> LedgerAppend? {
        guard let revision = state.revisions["routing"], records.contains(where: { if case .release(_, .proposed) = $0 { true } else { false } }) else { return nil }
        return LedgerAppend(stream: StreamID("routing"), expectedRevision: revision, entries: [], subjects: [], head: next.summary(of: "routing"))
    }

    /// A conflict comes from entries that this control plane has not read. When there are none, the stored revisions are wrong.
    private func explainConflict() async throws(DeskError) {
        let size = state.size
        try await catchUp()
        guard state.size > size else {
            throw DeskError(
                .damaged, rule: "ledger", "the ledger refuses entries as late, and nobody has written others; a row was changed by hand: look with 'penstock ledger verify'")
        }
    }

    private func catchUp() async throws(DeskError) {
        do throws(LedgerStoreError) {
            while true {
                let entries = try await store.entries(from: state.size, limit: 500)
                if entries.isEmpty { return }
                for stored in entries { try fold(stored) }
            }
        } catch { throw DeskError(error) }
    }

    private func fold(_ stored: StoredEntry) throws(LedgerStoreError) {
        do {
            try state.apply(stored.entry)
        } catch {
            throw LedgerStoreError(.damaged, "ledger entry \(stored.index) (\(stored.entry.kind)) breaks a rule: \(error.message)")
        }
    }
}

extension DeskError {
    init(_ error: ReleaseError) {
        let category: Category =
            switch error.rule {
            case .authority, .fourEyes: .forbidden
            case .phase, .order: .conflict
            default: .invalid
            }
        self.init(category, rule: error.rule.name, error.message)
    }

    init(_ error: LedgerStoreError) {
        switch error.code {
        case .conflict: self.init(.conflict, rule: "order", error.message)
        case .damaged: self.init(.damaged, rule: "ledger", error.message)
        default: self.init(.unavailable, rule: "store", error.message)
        }
    }
}
