// Ledgers that each break one sentence of the port, over one that keeps them all.
import Conformance
import Evidence
import MemoryStores
import Ports
import Primitives
import Synchronization
import Testing

/// Passes everything on, except where a test puts something else in its place.
struct OpenLedger: LedgerStore {
    typealias Error = LedgerStoreError
    private let base: any LedgerStore
    var onCommit: @Sendable ([LedgerAppend]) async throws(Error) -> LedgerPosition
    /// Sees the answers of all three reads of entries; the name says which.
    var onEntries: @Sendable (_ read: String, _ answer: [StoredEntry]) async throws(Error) -> [StoredEntry] = { _, answer in answer }
    var onHead: @Sendable (StreamID, StreamHead?) async throws(Error) -> StreamHead? = { _, answer in answer }
    var onHeads: @Sendable (_ prefix: String, [StreamHead]) async throws(Error) -> [StreamHead] = { _, answer in answer }
    var onPosition: @Sendable (LedgerPosition) async throws(Error) -> LedgerPosition = { $0 }
    var onInclusion: @Sendable (_ index: Int, _ size: Int, [Digest]?) async throws(Error) -> [Digest]? = { _, _, answer in answer }
    var onConsistency: @Sendable (_ old: Int, _ new: Int, [Digest]?) async throws(Error) -> [Digest]? = { _, _, answer in answer }
    var onNote: @Sendable ([UInt8]?) -> [UInt8]? = { $0 }
    var onSave: @Sendable (_ note: [UInt8], _ size: Int) async throws(Error) -> Void

    init(_ base: any LedgerStore) {
        self.base = base
        onCommit = { appends throws(Error) in try await base.commit(appends) }
        onSave = { note, size throws(Error) in try await base.save(checkpoint: note, size: size) }
    }

    func commit(_ appends: [LedgerAppend]) async throws(Error) -> LedgerPosition { try await onCommit(appends) }
    func entries(of stream: StreamID) async throws(Error) -> [StoredEntry] { try await onEntries("of", base.entries(of: stream)) }
    func entries(from index: Int, limit: Int) async throws(Error) -> [StoredEntry] { try await onEntries("from", base.entries(from: index, limit: limit)) }
    func entries(about digest: Digest) async throws(Error) -> [StoredEntry] { try await onEntries("about", base.entries(about: digest)) }
    func head(of stream: StreamID) async throws(Error) -> StreamHead? { try await onHead(stream, base.head(of: stream)) }
    func heads(prefix: String) async throws(Error) -> [StreamHead] { try await onHeads(prefix, base.heads(prefix: prefix)) }
    func position() async throws(Error) -> LedgerPosition { try await onPosition(base.position()) }

    func inclusionProof(of index: Int, in size: Int) async throws(Error) -> [Digest]? {
        try await onInclusion(index, size, base.inclusionProof(of: index, in: size))
    }

    func consistencyProof(from old: Int, to new: Int) async throws(Error) -> [Digest]? {
        try await onConsistency(old, new, base.consistencyProof(from: old, to: new))
    }

    func checkpoint() async throws(Error) -> [UInt8]? { onNote(try await base.checkpoint()) }
    func save(checkpoint note: [UInt8], size: Int) async throws(Error) { try await onSave(note, size) }
}

/// A memory ledger whose stored payloads can be changed from outside, and which keeps every promise.
struct HonestWorld: Sendable {
    let base = MemoryLedger()
    let changed = Kept<Set<Int>>([])

    var store: OpenLedger {
        var store = OpenLedger(base)
        store.onEntries = { [changed] _, answer throws(LedgerStoreError) in
            guard let bad = answer.first(where: { entry in changed.value.withLock { $0.contains(entry.index) } }) else { return answer }
            throw LedgerStoreError(.damaged, "ledger entry \(bad.index) was changed")
        }
        return store
    }

    func bench(_ store: OpenLedger) -> LedgerStoreBench {
        LedgerStoreBench(store: store, reopen: { [base] in base }, tamper: { [changed] index in changed.value.withLock { _ = $0.insert(index) } })
    }
}

/// What it does wrong, the sentence that this breaks, and how.
struct WrongLedger: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var breaks: LedgerStoreConformance.Sentence
    var bench: @Sendable () -> LedgerStoreBench

    init(_ name: String, breaks: LedgerStoreConformance.Sentence, _ change: @escaping @Sendable (inout OpenLedger, HonestWorld) -> Void) {
        testDescription = name
        self.breaks = breaks
        bench = {
            let world = HonestWorld()
            var store = world.store
            change(&store, world)
            return world.bench(store)
        }
    }

    init(_ name: String, breaks: LedgerStoreConformance.Sentence, reopened: @escaping @Sendable (HonestWorld) async throws -> any LedgerStore) {
        testDescription = name
        self.breaks = breaks
        bench = {
            let world = HonestWorld()
            var bench = world.bench(world.store)
            bench.reopen = { try await reopened(world) }
            return bench
        }
    }
}
