// A ledger in memory: for tests and simulations, with the same promises except that it ends with the process.
internal import Evidence
package import Ports
package import Primitives
private import Synchronization

package final class MemoryLedger: LedgerStore {
    private struct Place: Hashable {
        var level: Int
        var index: Int
    }

    private struct Contents {
        var entries: [StoredEntry] = []
        var frontier = MerkleFrontier()
        var nodes: [Place: Digest] = [:]
        var subjects: [Digest: [Int]] = [:]
        var streams: [StreamID: [Int]] = [:]
        var heads: [StreamID: StreamHead] = [:]
        var checkpoint: (size: Int, note: [UInt8])?

        var position: LedgerPosition { LedgerPosition(size: frontier.size, root: frontier.root) }

        mutating func apply(_ append: LedgerAppend) {
            for (offset, entry) in append.entries.enumerated() {
                let index = entries.count
                entries.append(StoredEntry(index: index, stream: append.stream, revision: append.expectedRevision + offset, entry: entry))
                streams[append.stream, default: []].append(index)
                for node in frontier.append(leafHash: entry.leafHash) { nodes[Place(level: node.level, index: node.index)] = node.hash }
                for subject in Set(append.subjects[offset]) { subjects[subject, default: []].append(index) }
            }
            heads[append.stream] = StreamHead(stream: append.stream, revision: append.expectedRevision + append.entries.count, body: append.head)
        }
    }

    private let contents = Mutex(Contents())

    package init() {}

    /// Checks everything first: nothing is changed by a commit that fails.
    package func commit(_ appends: [LedgerAppend]) async throws(LedgerStoreError) -> LedgerPosition {
        try contents.withLock { contents throws(LedgerStoreError) in
            var revisions: [StreamID: Int] = [:]
            for append in appends {
                precondition(append.subjects.count == append.entries.count, "each entry has its own list of subjects, which may be empty")
                let revision = revisions[append.stream] ?? contents.heads[append.stream]?.revision ?? 0
                guard revision == append.expectedRevision else {
                    throw LedgerStoreError(.conflict, "'\(append.stream)' has \(revision) entries, and \(append.expectedRevision) were expected; read it again")
                }
                revisions[append.stream] = revision + append.entries.count
            }
            for append in appends { contents.apply(append) }
            return contents.position
        }
    }

    package func entries(of stream: StreamID) async throws(LedgerStoreError) -> [StoredEntry] {
        contents.withLock { contents in (contents.streams[stream] ?? []).map { contents.entries[$0] } }
    }

    package func entries(from index: Int, limit: Int) async throws(LedgerStoreError) -> [StoredEntry] {
        contents.withLock { Array($0.entries.dropFirst(max(0, index)).prefix(max(0, limit))) }
    }

    package func entries(about digest: Digest) async throws(LedgerStoreError) -> [StoredEntry] {
        contents.withLock { contents in (contents.subjects[digest] ?? []).map { contents.entries[$0] } }
    }

    package func head(of stream: StreamID) async throws(LedgerStoreError) -> StreamHead? { contents.withLock { $0.heads[stream] } }

    package func heads(prefix: String) async throws(LedgerStoreError) -> [StreamHead] {
        contents.withLock { contents in
            contents.heads.values.filter { $0.stream.text.utf8.starts(with: prefix.utf8) }
                .sorted { $0.stream.text.utf8.lexicographicallyPrecedes($1.stream.text.utf8) }
        }
    }

    package func position() async throws(LedgerStoreError) -> LedgerPosition {
        contents.withLock { $0.position }
    }

    package func inclusionProof(of index: Int, in size: Int) async throws(LedgerStoreError) -> [Digest]? {
        try contents.withLock { contents throws(LedgerStoreError) in
            guard size <= contents.frontier.size else { return nil }
            return try MerkleProof.inclusion(of: index, in: size) { level, place throws(LedgerStoreError) in try Self.node(level, place, contents.nodes) }
        }
    }

    package func consistencyProof(from old: Int, to new: Int) async throws(LedgerStoreError) -> [Digest]? {
        try contents.withLock { contents throws(LedgerStoreError) in
            guard new <= contents.frontier.size else { return nil }
            return try MerkleProof.consistency(from: old, to: new) { level, place throws(LedgerStoreError) in try Self.node(level, place, contents.nodes) }
        }
    }

    package func checkpoint() async throws(LedgerStoreError) -> [UInt8]? { contents.withLock { $0.checkpoint?.note } }

    package func save(checkpoint note: [UInt8], size: Int) async throws(LedgerStoreError) {
        contents.withLock { contents in
            if let saved = contents.checkpoint, saved.size > size { return }
            contents.checkpoint = (size, note)
        }
    }

    private static func node(_ level: Int, _ place: Int, _ nodes: [Place: Digest]) throws(LedgerStoreError) -> Digest {
        guard let hash = nodes[Place(level: level, index: place)] else { throw LedgerStoreError(.damaged, "the Merkle node \(level)/\(place) is missing") }
        return hash
    }
}
