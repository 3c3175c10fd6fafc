// Where the ledger and the state that it explains are kept.
package import Evidence
package import Primitives

/// One thing with a history: `release/<id>`, `model/<name>@<n>`, `evidence`, `routing`, `trust`, `node/<id>`.
package struct StreamID: Hashable, Sendable, Codable, CustomStringConvertible, Comparable {
    package let text: String

    package init(_ text: String) { self.text = text }
    package var description: String { text }
    package static func < (left: StreamID, right: StreamID) -> Bool { left.text < right.text }
}

/// Entries for one stream, and the state that they lead to.
package struct LedgerAppend: Hashable, Sendable {
    package var stream: StreamID
    /// How many entries the stream has now; the commit fails with `.conflict` when it has another number.
    package var expectedRevision: Int
    package var entries: [LedgerEntry]
    /// For each entry, the digests that it says something about; an index only, derived from the payloads.
    package var subjects: [[Digest]]
    /// The stream's folded state after these entries, as JSON. A convenience for reading: the entries decide.
    package var head: [UInt8]

    package init(stream: StreamID, expectedRevision: Int, entries: [LedgerEntry], subjects: [[Digest]], head: [UInt8]) {
        self.stream = stream
        self.expectedRevision = expectedRevision
        self.entries = entries
        self.subjects = subjects
        self.head = head
    }
}

/// An entry with its place.
package struct StoredEntry: Hashable, Sendable {
    /// The place in the whole ledger, from 0.
    package var index: Int
    package var stream: StreamID
    /// The place in its stream, from 0.
    package var revision: Int
    package var entry: LedgerEntry

    package init(index: Int, stream: StreamID, revision: Int, entry: LedgerEntry) {
        self.index = index
        self.stream = stream
        self.revision = revision
        self.entry = entry
    }
}

package struct StreamHead: Hashable, Sendable {
    package var stream: StreamID
    /// How many entries the stream has.
    package var revision: Int
    package var body: [UInt8]

    package init(stream: StreamID, revision: Int, body: [UInt8]) {
        self.stream = stream
        self.revision = revision
        self.body = body
    }
}

/// How far the ledger goes: its size and the Merkle root over all leaves.
package struct LedgerPosition: Hashable, Sendable {
    package var size: Int
    package var root: Digest

    package init(size: Int, root: Digest) {
        self.size = size
        self.root = root
    }
}

package struct LedgerStoreError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case conflict, damaged, unavailable }
        private var value: Value
        /// Somebody else appended first: read again and decide again.
        package static let conflict = Code(value: .conflict)
        /// What is stored contradicts the ledger: an operator must look. Nothing is repaired by itself.
        package static let damaged = Code(value: .damaged)
        /// The store cannot be read or written now (disk full, file locked, I/O error).
        package static let unavailable = Code(value: .unavailable)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// Keeps the ledger. The promises below are the sentences of the conformance suite.
///
/// - A commit is atomic over all its appends: entries, leaf hashes, Merkle nodes and heads become visible together or not at all.
/// - When `commit` has returned, the entries survive kill -9 and power loss.
/// - A commit whose `expectedRevision` does not match for any stream changes nothing and throws `.conflict`.
/// - Entries are never changed or removed; indices are dense from 0 in commit order.
/// - Every read of an entry checks it against its stored leaf hash; a difference throws `.damaged` and names the index.
/// - A saved checkpoint is never replaced by one of a smaller size.
///
/// Any thread may call anything; reads see all commits that returned before they began.
package protocol LedgerStore: Sendable {
    func commit(_ appends: [LedgerAppend]) async throws(LedgerStoreError) -> LedgerPosition
    func entries(of stream: StreamID) async throws(LedgerStoreError) -> [StoredEntry]
    func entries(from index: Int, limit: Int) async throws(LedgerStoreError) -> [StoredEntry]
    /// All entries indexed under this digest, in ledger order.
    func entries(about digest: Digest) async throws(LedgerStoreError) -> [StoredEntry]
    func head(of stream: StreamID) async throws(LedgerStoreError) -> StreamHead?
    /// Heads of the streams whose name begins so, in the order of their names.
    func heads(prefix: String) async throws(LedgerStoreError) -> [StreamHead]
    func position() async throws(LedgerStoreError) -> LedgerPosition
    /// RFC 6962 §2.1.1 audit path; `nil` when index or size is out of range.
    func inclusionProof(of index: Int, in size: Int) async throws(LedgerStoreError) -> [Digest]?
    /// RFC 6962 §2.1.2; `nil` when the sizes are out of range.
    func consistencyProof(from old: Int, to new: Int) async throws(LedgerStoreError) -> [Digest]?
    /// The bytes of the last saved signed note.
    func checkpoint() async throws(LedgerStoreError) -> [UInt8]?
    func save(checkpoint note: [UInt8], size: Int) async throws(LedgerStoreError)
}
