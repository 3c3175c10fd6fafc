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
        do throws(LedgerStoreError) {
            for head in try await store.heads(prefix: "") {
                guard state.revisions[head.stream.text] == head.revision, state.summary(of: head.stream.text) == head.body else {
                    throw LedgerStoreError(
                        .damaged,
                        "the stored state of '\(head.stream)' is not what the ledger says; a row was changed by hand: restore the database from a backup, or export and look with 'penstock ledger verify'"
                    )
                }
            }
        } catch { throw DeskError(error) }
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
        do {
            _ = try await store.commit(appends)
        } catch {
            if error.code == .conflict { try await catchUp() }
            throw DeskError(error)
        }
        state = next
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
