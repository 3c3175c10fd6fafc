// A ledger behind a bad line, whose rows somebody else may change.
internal import Evidence
package import Ports
package import Primitives
private import Synchronization

/// One program's view of a ledger. The ledger itself keeps its promises; what goes wrong lies between it and the program.
package final class UnreliableLedger: LedgerStore {
    package enum Fault: Sendable {
        /// Nothing was written.
        case lost
        /// Everything was written, and the writer hears of an error.
        case unheard
        /// Written, and the revisions were not looked at. No ledger may do that; it is here to show that tests notice.
        case unchecked
    }

    package struct Behaviour: Sendable {
        /// Looks at each commit before the ledger does, and may do other things meanwhile.
        package var fault: @Sendable ([LedgerAppend]) async -> Fault? = { _ in nil }
        /// Hears of each commit that took effect, and whether its writer was told so.
        package var committed: @Sendable ([LedgerAppend], LedgerPosition, Bool) async -> Void = { _, _, _ in }
        /// What a reader is shown of an entry and of a head; `nil` leaves a head out.
        package var entry: @Sendable (StoredEntry) -> StoredEntry = { $0 }
        package var head: @Sendable (StreamHead) -> StreamHead? = { $0 }
        /// Before the heads are read.
        package var beforeHeads: @Sendable () async -> Void = {}
        /// Neither read nor written.
        package var isDown = false

        package init() {}
    }

    private let ledger: any LedgerStore
    private let behaviour: Mutex<Behaviour>

    package init(_ ledger: any LedgerStore, _ behaviour: Behaviour = Behaviour()) {
        self.ledger = ledger
        self.behaviour = Mutex(behaviour)
    }

    package func change(_ body: (inout Behaviour) -> Void) { behaviour.withLock { body(&$0) } }

    private func reachable() throws(LedgerStoreError) -> Behaviour {
        let behaviour = behaviour.withLock { $0 }
        guard !behaviour.isDown else { throw LedgerStoreError(.unavailable, "the ledger cannot be reached") }
        return behaviour
    }

    package func commit(_ appends: [LedgerAppend]) async throws(LedgerStoreError) -> LedgerPosition {
        let behaviour = try reachable()
        switch await behaviour.fault(appends) {
        case .lost: throw LedgerStoreError(.unavailable, "the line broke before anything was written")
        case .unheard:
            let position = try await ledger.commit(appends)
            await behaviour.committed(appends, position, false)
            throw LedgerStoreError(.unavailable, "the line broke before the answer came")
        case .unchecked:
            let fresh = try await unchecked(appends)
            let position = try await ledger.commit(fresh)
            await behaviour.committed(fresh, position, true)
            return position
        case nil:
            let position = try await ledger.commit(appends)
            await behaviour.committed(appends, position, true)
            return position
        }
    }

    private func unchecked(_ appends: [LedgerAppend]) async throws(LedgerStoreError) -> [LedgerAppend] {
        var revisions: [StreamID: Int] = [:]
        var fresh = appends
        for index in fresh.indices {
            let stream = fresh[index].stream
            let revision = if let known = revisions[stream] { known } else { try await ledger.head(of: stream)?.revision ?? 0 }
            fresh[index].expectedRevision = revision
            revisions[stream] = revision + fresh[index].entries.count
        }
        return fresh
    }

    package func entries(of stream: StreamID) async throws(LedgerStoreError) -> [StoredEntry] {
        let behaviour = try reachable()
        return try await ledger.entries(of: stream).map(behaviour.entry)
    }

    package func entries(from index: Int, limit: Int) async throws(LedgerStoreError) -> [StoredEntry] {
        let behaviour = try reachable()
        return try await ledger.entries(from: index, limit: limit).map(behaviour.entry)
    }

    package func entries(about digest: Digest) async throws(LedgerStoreError) -> [StoredEntry] {
        let behaviour = try reachable()
        return try await ledger.entries(about: digest).map(behaviour.entry)
    }

    package func head(of stream: StreamID) async throws(LedgerStoreError) -> StreamHead? {
        let behaviour = try reachable()
        return try await ledger.head(of: stream).flatMap(behaviour.head)
    }

    package func heads(prefix: String) async throws(LedgerStoreError) -> [StreamHead] {
        let behaviour = try reachable()
        await behaviour.beforeHeads()
        return try await ledger.heads(prefix: prefix).compactMap(behaviour.head)
    }

    package func position() async throws(LedgerStoreError) -> LedgerPosition {
        _ = try reachable()
        return try await ledger.position()
    }

    package func inclusionProof(of index: Int, in size: Int) async throws(LedgerStoreError) -> [Digest]? {
        _ = try reachable()
        return try await ledger.inclusionProof(of: index, in: size)
    }

    package func consistencyProof(from old: Int, to new: Int) async throws(LedgerStoreError) -> [Digest]? {
        _ = try reachable()
        return try await ledger.consistencyProof(from: old, to: new)
    }

    package func checkpoint() async throws(LedgerStoreError) -> [UInt8]? {
        _ = try reachable()
        return try await ledger.checkpoint()
    }

    package func save(checkpoint note: [UInt8], size: Int) async throws(LedgerStoreError) {
        _ = try reachable()
        try await ledger.save(checkpoint: note, size: size)
    }
}
