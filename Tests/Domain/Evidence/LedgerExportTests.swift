// The export file: every byte counts, and the first bad place is named.
import Evidence
import Primitives
import Testing

@Suite struct LedgerExportTests {
    private static let origin = "penstock/rebooking/production"

    private static let entries = [
        LedgerEntry(kind: "trust.installed", salt: [UInt8](repeating: 1, count: 16), payload: Array(#"{"system":"rebooking"}"#.utf8)),
        LedgerEntry(kind: "release.approved", salt: [UInt8](repeating: 2, count: 16), payload: Array("{\"reason\":\"öffnet \\\"/\\\" 🚄\"}\n".utf8)),
        LedgerEntry(kind: "blob", salt: [UInt8](repeating: 3, count: 16), payload: [0xFF, 0x00, 0x0A]),
    ]

    private static func frontier(_ entries: some Sequence<LedgerEntry>) -> MerkleFrontier {
        var frontier = MerkleFrontier()
        for entry in entries { _ = frontier.append(leafHash: entry.leafHash) }
        return frontier
    }

    private static func checkpoint(_ entries: some Sequence<LedgerEntry>) -> Checkpoint {
        let frontier = frontier(entries)
        return Checkpoint(origin: origin, size: frontier.size, root: frontier.root)
    }

    /// The file's pieces: the header, each entry, and what follows. `signed` is what the checkpoint is made over.
    private static func pieces(_ entries: [LedgerEntry], signed: [LedgerEntry]? = nil, header: Int? = nil) throws -> [[UInt8]] {
        let note = checkpoint(signed ?? entries).signed(by: try key(9), name: origin)
        return [LedgerExport.header(origin: origin, size: header ?? entries.count)]
            + entries.enumerated().map { LedgerExport.line(index: $0, entry: $1) }
            + [LedgerExport.trailer(checkpoint: note)]
    }

    private static func verifier(saved: Checkpoint? = nil, leaves: [Digest] = []) throws -> LedgerExportVerifier {
        LedgerExportVerifier(origin: origin, key: try key(9).verificationKey, saved: saved, leaves: leaves)
    }

    private static func place(of file: [UInt8], saved: Checkpoint? = nil, leaves: [Digest] = []) throws -> LedgerExportError.Place? {
        do {
            _ = try verifier(saved: saved, leaves: leaves).verify(file)
            return nil
        } catch let error as LedgerExportError {
            return error.place
        }
    }

    /// The place of each byte of a file made of these pieces.
    private static func places(_ pieces: [[UInt8]]) -> [LedgerExportError.Place] {
        pieces.enumerated().flatMap { number, piece in
            let place: LedgerExportError.Place = number == 0 ? .header : number == pieces.count - 1 ? .checkpoint : .entry(number - 1)
            return Array(repeating: place, count: piece.count)
        }
    }

    @Test func theFormatIsTheOneWritten() throws {
        let lines = String(decoding: try Self.pieces(Self.entries).joined(), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == #"{"format":"penstock-ledger-export","origin":"penstock/rebooking/production","size":3,"version":1}"#)
        let first = Self.entries[0]
        #expect(
            lines[1] == """
                {"index":0,"kind":"trust.installed","leaf":"\(first.leafHash)","payload":"{\\"system\\":\\"rebooking\\"}","salt":"\(first.salt.hex)"}
                """)
        #expect(lines[3].contains(#""payload_base64":"/wAK""#))
        #expect(lines[4].isEmpty && lines[5] == Self.origin && lines.count == 11)
    }

    @Test(arguments: 0...3) func aWholeFileHolds(count: Int) throws {
        let entries = Array(Self.entries.prefix(count))
        let file = Array(try Self.pieces(entries).joined())
        for saved in 0...count {
            let verified = try Self.verifier(saved: Self.checkpoint(entries.prefix(saved)), leaves: entries.prefix(saved).map(\.leafHash)).verify(file)
            #expect(verified.entries == entries)
            #expect(verified.size == count && verified.root == Self.frontier(entries).root)
        }
    }

    @Test func everyFlippedByteIsNamed() throws {
        let pieces = try Self.pieces(Self.entries)
        let file = Array(pieces.joined())
        let places = Self.places(pieces)
        let verifier = try Self.verifier(saved: Self.checkpoint(Self.entries.prefix(2)))
        for index in file.indices {
            for mask in [0x01, 0x20, 0x80, file[index] ^ 0x0A, file[index] ^ 0x31] as [UInt8] where mask != 0 {
                var other = file
                other[index] ^= mask
                let error = #expect(throws: LedgerExportError.self, "byte \(index) ^ \(mask)") { try verifier.verify(other) }
                #expect(error?.place == places[index], "byte \(index) ^ \(mask): \(error?.description ?? "accepted")")
            }
        }
    }

    @Test func everyTruncationIsNamed() throws {
        let pieces = try Self.pieces(Self.entries)
        let file = Array(pieces.joined())
        let places = Self.places(pieces)
        for length in file.indices { #expect(try Self.place(of: Array(file[..<length])) == places[length], "cut to \(length) bytes") }
    }

    @Test func linesMissingAddedOrMovedAreNamed() throws {
        let whole = try Self.pieces(Self.entries)
        for missing in 0..<3 {
            var pieces = whole
            pieces.remove(at: 1 + missing)
            #expect(try Self.place(of: Array(pieces.joined())) == .entry(missing))
            pieces = whole
            pieces.insert(whole[1 + missing], at: 1 + missing)
            #expect(try Self.place(of: Array(pieces.joined())) == (missing == 2 ? .checkpoint : .entry(missing + 1)))
        }
        #expect(try Self.place(of: Array([whole[0], whole[2], whole[1], whole[3], whole[4]].joined())) == .entry(0))
        #expect(try Self.place(of: Array(whole.dropFirst().joined())) == .header)
        #expect(try Self.place(of: Array((whole + [[0x0A]]).joined())) == .checkpoint)
        #expect(try Self.place(of: Array((whole + [whole[4]]).joined())) == .checkpoint)
        // A header that was made to fit fewer entries contradicts what is signed.
        #expect(try Self.place(of: Array(try Self.pieces(Array(Self.entries.prefix(2)), signed: Self.entries).joined())) == .header)
        for size in [-1, 2, 4, Int.max] {
            #expect(try Self.place(of: Array(try Self.pieces(Self.entries, header: size).joined())) == .header)
        }
        #expect(try Self.place(of: []) == .header)
    }

    /// The same content in another spelling: what JSON readers shrug at is refused.
    @Test(arguments: [
        ("{\"index\"", "{ \"index\""), ("\"index\":0", "\"index\":0.0"), ("\"index\":0", "\"index\":0,\"index\":0"), ("\"index\":0", "\"extra\":1,\"index\":0"),
        ("rebooking\\\"}", "rebooking\\\"\\u007d"), ("trust.installed", "trust\\u002einstalled"), ("\"payload\":\"{", "\"payload\":\"\\u007b"),
        ("\"salt\":\"01", "\"salt\":\"\\u00301"),
    ]) func anotherSpellingIsRefused(old: String, new: String) throws {
        var pieces = try Self.pieces(Self.entries)
        let line = String(decoding: pieces[1], as: UTF8.self)
        try #require(line.contains(old))
        pieces[1] = Array(line.replacing(old, with: new).utf8)
        #expect(try Self.place(of: Array(pieces.joined())) == .entry(0))
    }

    @Test func anEntryChangedWithItsLeafIsFoundByWhatIsKnownFromElsewhere() throws {
        for changed in 0..<3 {
            var entries = Self.entries
            entries[changed].payload = Array("{}".utf8)
            let file = Array(try Self.pieces(entries, signed: Self.entries).joined())
            #expect(try Self.place(of: file) == .checkpoint)
            #expect(try Self.place(of: file, leaves: Self.entries.map(\.leafHash)) == .entry(changed))
            for saved in 0...3 {
                let error = #expect(throws: LedgerExportError.self) {
                    try Self.verifier(saved: Self.checkpoint(Self.entries.prefix(saved))).verify(file)
                }
                #expect(error?.place == .checkpoint)
                #expect(error?.message.contains(changed < saved ? "before entry \(saved)," : "at entry \(saved) or later") == true)
            }
        }
    }

    @Test func rewrittenAndSignedAgainContradictsTheSavedCheckpoint() throws {
        var forged = Self.entries
        forged[1].payload = Array("{}".utf8)
        let file = Array(try Self.pieces(forged).joined())
        #expect(try Self.place(of: file) == nil)
        #expect(try Self.place(of: file, saved: Self.checkpoint(Self.entries.prefix(1))) == nil)
        #expect(try Self.place(of: file, saved: Self.checkpoint(Self.entries.prefix(2))) == .savedCheckpoint)
        #expect(try Self.place(of: file, saved: Self.checkpoint(Self.entries)) == .savedCheckpoint)
        let shorter = Array(try Self.pieces(Array(Self.entries.prefix(2))).joined())
        #expect(try Self.place(of: shorter, saved: Self.checkpoint(Self.entries)) == .savedCheckpoint)
        let foreign = Checkpoint(origin: "penstock/other/production", size: 0, root: MerkleHash.empty)
        #expect(try Self.place(of: Array(try Self.pieces(Self.entries).joined()), saved: foreign) == .savedCheckpoint)
        #expect(try Self.place(of: file, saved: Checkpoint(origin: Self.origin, size: 0, root: MerkleHash.leaf([]))) == .savedCheckpoint)
    }

    @Test func anotherLedgersOrKeysFileIsRefused() throws {
        let file = Array(try Self.pieces(Self.entries).joined())
        let other = LedgerExportVerifier(origin: "penstock/rebooking/staging", key: try key(9).verificationKey)
        let elsewhere = #expect(throws: LedgerExportError.self) { try other.verify(file) }
        #expect(elsewhere?.place == .header)
        let wrong = LedgerExportVerifier(origin: Self.origin, key: try key(8).verificationKey)
        let unsigned = #expect(throws: LedgerExportError.self) { try wrong.verify(file) }
        #expect(unsigned?.place == .checkpoint)
    }
}
