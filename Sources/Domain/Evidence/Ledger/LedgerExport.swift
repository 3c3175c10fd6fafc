// The ledger as one file that anyone can check without us.
package import Primitives

/// Why an export does not hold: the first place, and what is wrong there.
package struct LedgerExportError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Place: Hashable, Sendable {
        case header
        case entry(Int)
        /// The entries are each whole, and the signed checkpoint at the end is not, or not of them.
        case checkpoint
        /// The file is whole, and does not continue the checkpoint that was saved earlier.
        case savedCheckpoint
    }

    package var place: Place
    package var message: String

    package var description: String {
        switch place {
        case .header: "at the header: \(message)"
        case .entry(let index): "at entry \(index): \(message)"
        case .checkpoint: "at the checkpoint: \(message)"
        case .savedCheckpoint: "against the saved checkpoint: \(message)"
        }
    }
}

/// Text: a header line, one JSON line an entry with sorted keys, an empty line, and a signed checkpoint over all of them.
///
/// Each line is exactly what Penstock writes for its content, so that no byte is free to change unseen.
package enum LedgerExport {
    fileprivate struct Header: Codable, Hashable {
        var format = "penstock-ledger-export"
        var origin: String
        var size: Int
        var version = 1
    }

    /// One of the two payloads is there: text where the bytes are text, base64 where they are not.
    fileprivate struct Line: Codable, Hashable {
        var index: Int
        var kind: String
        var leaf: Digest
        var payload: String?
        var payloadBase64: Base64Bytes?
        var salt: String

        private enum CodingKeys: String, CodingKey {
            case index, kind, leaf, payload, salt
            case payloadBase64 = "payload_base64"
        }
    }

    package static func header(origin: String, size: Int) -> [UInt8] { StrictJSON.encode(Header(origin: origin, size: size)) + [newline] }

    package static func line(index: Int, entry: LedgerEntry) -> [UInt8] {
        let text = String(validating: entry.payload, as: UTF8.self)
        let line = Line(
            index: index, kind: entry.kind, leaf: entry.leafHash, payload: text, payloadBase64: text == nil ? Base64Bytes(entry.payload) : nil,
            salt: entry.salt.hex)
        return StrictJSON.encode(line) + [newline]
    }

    package static func trailer(checkpoint note: [UInt8]) -> [UInt8] { [newline] + note }

    fileprivate static let newline = UInt8(ascii: "\n")
}

/// Checks an export from its first byte to its last. The place in the error is the first that is wrong.
package struct LedgerExportVerifier: Sendable {
    package struct Verified: Sendable {
        package var entries: [LedgerEntry]
        package var size: Int
        package var root: Digest
    }

    private let origin: String
    private let key: VerificationKey
    private let saved: Checkpoint?
    private let leaves: [Digest]

    /// `saved` is a checkpoint that was opened, and so verified, earlier. `leaves` are the first leaf hashes as another copy has them;
    /// they name an entry that was changed together with its leaf hash.
    package init(origin: String, key: VerificationKey, saved: Checkpoint? = nil, leaves: [Digest] = []) {
        self.origin = origin
        self.key = key
        self.saved = saved
        self.leaves = leaves
    }

    package func verify(_ file: [UInt8]) throws(LedgerExportError) -> Verified {
        if let saved, saved.origin != origin {
            throw LedgerExportError(place: .savedCheckpoint, message: "it is of '\(saved.origin.prefix(100))', and this ledger is '\(origin)'")
        }
        var rest = file[...]
        let size = try readHeader(&rest)
        var entries: [LedgerEntry] = []
        var frontier = MerkleFrontier()
        var isAsSaved = saved.flatMap { Self.isSame($0, frontier) }
        for index in 0..<size {
            let entry = try readEntry(index, &rest)
            _ = frontier.append(leafHash: entry.leafHash)
            entries.append(entry)
            isAsSaved = isAsSaved ?? saved.flatMap { Self.isSame($0, frontier) }
        }
        try readTrailer(rest, size: size, root: frontier.root, isAsSaved: isAsSaved)
        try checkSaved(size: size, isAsSaved: isAsSaved)
        return Verified(entries: entries, size: size, root: frontier.root)
    }

    /// `nil` for as long as the tree has another size than the checkpoint.
    private static func isSame(_ checkpoint: Checkpoint, _ frontier: MerkleFrontier) -> Bool? {
        checkpoint.size == frontier.size ? checkpoint.root == frontier.root : nil
    }

    private func readHeader(_ rest: inout ArraySlice<UInt8>) throws(LedgerExportError) -> Int {
        let signed = closingCheckpoint(of: rest)
        guard let line = nextLine(&rest), let header: LedgerExport.Header = try? StrictJSON.decode(from: line),
            LedgerExport.header(origin: header.origin, size: header.size) == line + [LedgerExport.newline]
        else { throw LedgerExportError(place: .header, message: "the first line is no header of a ledger export of version 1") }
        guard header.origin == origin else {
            throw LedgerExportError(place: .header, message: "it is the ledger of '\(header.origin.prefix(100))', and '\(origin)' was expected")
        }
        guard header.size >= 0 else { throw LedgerExportError(place: .header, message: "it announces \(header.size) entries") }
        if let signed, signed.size != header.size {
            throw LedgerExportError(
                place: .header, message: "it announces \(header.size) entries, and the checkpoint at the end of the file is signed for \(signed.size)")
        }
        return header.size
    }

    /// The checkpoint in the last five lines, where there is a valid one: what it signs settles whether the header is right.
    private func closingCheckpoint(of file: ArraySlice<UInt8>) -> Checkpoint? {
        let tail = file.suffix(Checkpoint.maximumBytes + 1)
        var start = tail.endIndex
        for _ in 0..<6 {
            guard let end = tail[..<start].lastIndex(of: LedgerExport.newline) else { return nil }
            start = end
        }
        return try? Checkpoint.open(Array(tail[(start + 1)...]), origin: origin, key: key)
    }

    private func readEntry(_ index: Int, _ rest: inout ArraySlice<UInt8>) throws(LedgerExportError) -> LedgerEntry {
        func bad(_ what: String) -> LedgerExportError { LedgerExportError(place: .entry(index), message: what) }
        guard let line = nextLine(&rest) else { throw bad("the file ends before this entry is complete") }
        guard !line.isEmpty else { throw bad("an empty line stands in its place; the entry is missing") }
        guard let content: LedgerExport.Line = try? StrictJSON.decode(from: line), let salt = [UInt8](hex: content.salt),
            let payload = content.payload.map({ Array($0.utf8) }) ?? content.payloadBase64?.bytes
        else { throw bad("the line is no ledger entry") }
        let entry = LedgerEntry(kind: content.kind, salt: salt, payload: payload)
        guard content.index == index else { throw bad("the line says that it is entry \(content.index)") }
        guard entry.leafHash == content.leaf else { throw bad("kind, salt and payload do not give the leaf hash beside them") }
        guard LedgerExport.line(index: index, entry: entry) == line + [LedgerExport.newline] else {
            throw bad("the line is not spelled as the ledger spells it")
        }
        guard index >= leaves.count || leaves[index] == entry.leafHash else { throw bad("another copy of the ledger has another entry here") }
        return entry
    }

    private func readTrailer(_ rest: ArraySlice<UInt8>, size: Int, root: Digest, isAsSaved: Bool?) throws(LedgerExportError) {
        guard rest.first == LedgerExport.newline else {
            throw LedgerExportError(place: .checkpoint, message: "after the last entry there is no empty line and checkpoint")
        }
        let checkpoint: Checkpoint
        do { checkpoint = try Checkpoint.open(Array(rest.dropFirst()), origin: origin, key: key) } catch {
            throw LedgerExportError(place: .checkpoint, message: error.message)
        }
        guard checkpoint.size == size, checkpoint.root == root else {
            throw LedgerExportError(
                place: .checkpoint,
                message: "it was signed over \(checkpoint.size) other entries than these \(size): an entry was changed together with its leaf hash, "
                    + whereChanged(isAsSaved))
        }
    }

    private func whereChanged(_ isAsSaved: Bool?) -> String {
        guard let saved, let isAsSaved else { return "and a checkpoint saved earlier would show where" }
        return isAsSaved ? "at entry \(saved.size) or later, by the saved checkpoint" : "before entry \(saved.size), by the saved checkpoint"
    }

    private func checkSaved(size: Int, isAsSaved: Bool?) throws(LedgerExportError) {
        guard let saved, isAsSaved != true else { return }
        throw LedgerExportError(
            place: .savedCheckpoint,
            message: saved.size > size
                ? "\(saved.size) entries were there when it was saved, and the file has \(size); entries are missing at the end"
                : "the first \(saved.size) entries are not those that were there when it was saved; history before entry \(saved.size) was rewritten")
    }

    /// The bytes up to the next newline, which is taken too; `nil` when there is none.
    private func nextLine(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard let end = rest.firstIndex(of: LedgerExport.newline) else { return nil }
        defer { rest = rest[(end + 1)...] }
        return Array(rest[..<end])
    }
}
