// Entries that say which they are, and the tree of RFC 6962 by its definition.
internal import Evidence
internal import Ports
internal import Primitives

func entry(_ text: String) -> LedgerEntry {
    LedgerEntry(kind: "conformance.step", salt: Array(Digest.of("salt of " + text).bytes.prefix(16)), payload: Array("{\"step\":\"\(text)\"}".utf8))
}

func append(_ stream: String, at revision: Int, _ steps: [String], about subjects: [Digest] = []) -> LedgerAppend {
    LedgerAppend(
        stream: StreamID(stream), expectedRevision: revision, entries: steps.map { entry($0) }, subjects: steps.map { _ in subjects },
        head: Array("{\"after\":\"\(steps.last ?? "nothing")\"}".utf8))
}

/// RFC 6962 §2.1 read aloud.
func merkleRoot(_ leaves: ArraySlice<Digest>) -> Digest {
    guard leaves.count > 1 else { return leaves.first ?? Digest.of([UInt8]()) }
    var left = 1
    while left * 2 < leaves.count { left *= 2 }
    let middle = leaves.startIndex + left
    return Digest.of([1] + merkleRoot(leaves[..<middle]).bytes + merkleRoot(leaves[middle...]).bytes)
}

extension LedgerStore {
    func all() async throws(LedgerStoreError) -> [StoredEntry] { try await entries(from: 0, limit: .max) }

    /// `nil` when it went through.
    func refusal(of appends: [LedgerAppend]) async -> LedgerStoreError? {
        do throws(LedgerStoreError) {
            _ = try await commit(appends)
            return nil
        } catch { return error }
    }
}
