// Signed notes: one spelling, one key, one ledger.
import Evidence
import Primitives
import Testing

@Suite struct CheckpointTests {
    private static let origin = "penstock/rebooking/production"

    private static func checkpoint(_ size: Int = 1207) -> Checkpoint { Checkpoint(origin: origin, size: size, root: MerkleHash.leaf([7])) }

    /// The signer's example of golang.org/x/mod/sumdb/note: its name, private key and the key hash that its signature lines begin with.
    @Test func signatureLinesAreThoseOfGoNotes() throws {
        let seed = try #require([UInt8](base64: "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")).dropFirst()
        let peter = try #require(SigningKey(seed: Array(seed)))
        #expect([1] + peter.verificationKey.bytes == [UInt8](base64: "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"))
        let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
        let published = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
        let blob = try #require([UInt8](base64: published))
        #expect(peter.verificationKey.isValid(signature: Array(blob.dropFirst(4)), over: Array(text.utf8)))

        let note = Checkpoint(origin: "PeterNeumann", size: 3, root: MerkleHash.empty).signed(by: peter, name: "PeterNeumann")
        let lines = String(decoding: note, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.dropLast(2) == ["PeterNeumann", "3", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", ""])
        let parts = lines[4].split(separator: " ")
        let line = try #require([UInt8](base64: String(parts[2])))
        #expect(parts.prefix(2) == ["\u{2014}", "PeterNeumann"])
        #expect(line.prefix(4) == [0xC7, 0x4F, 0x20, 0xA3])
        #expect(peter.verificationKey.isValid(signature: Array(line.dropFirst(4)), over: Array("PeterNeumann\n3\n\(lines[2])\n".utf8)))
    }

    @Test(arguments: [0, 1, 1207, Int.max]) func whatIsSignedIsRead(size: Int) throws {
        let key = try key(1)
        let note = Self.checkpoint(size).signed(by: key, name: Self.origin)
        #expect(try Checkpoint.open(note, origin: Self.origin, key: key.verificationKey) == Self.checkpoint(size))
    }

    @Test func anyOtherByteIsRefused() throws {
        let key = try key(1)
        let note = Self.checkpoint().signed(by: key, name: Self.origin)
        for index in note.indices {
            for mask in [1, 2, 4, 8, 16, 32, 64, 128, note[index] ^ 0x0A, note[index] ^ 0x20, note[index]] as [UInt8] where mask != 0 {
                var other = note
                other[index] ^= mask
                #expect(throws: EvidenceError.self, "byte \(index)") { try Checkpoint.open(other, origin: Self.origin, key: key.verificationKey) }
            }
            #expect(throws: EvidenceError.self) { try Checkpoint.open(Array(note[..<index]), origin: Self.origin, key: key.verificationKey) }
            for byte in [0x0A, 0x20, 0x30, 0x3D] as [UInt8] {
                var other = note
                other.insert(byte, at: index)
                #expect(throws: EvidenceError.self) { try Checkpoint.open(other, origin: Self.origin, key: key.verificationKey) }
            }
        }
        for tail in ["\n", " ", "\0", "\u{2014} x AAAA\n"] {
            #expect(throws: EvidenceError.self) { try Checkpoint.open(note + Array(tail.utf8), origin: Self.origin, key: key.verificationKey) }
        }
    }

    /// Bodies that the right key really signed, and that are no checkpoint of this ledger in its one spelling.
    @Test(arguments: [
        ("\(origin)\n01\nROOT\n", EvidenceError.Code.malformed),
        ("\(origin)\n+1\nROOT\n", .malformed),
        ("\(origin)\n-1\nROOT\n", .malformed),
        ("\(origin)\n\nROOT\n", .malformed),
        ("\(origin)\n9223372036854775808\nROOT\n", .malformed),
        ("\(origin)\n1 \nROOT\n", .malformed),
        ("\(origin)\n\u{0661}\nROOT\n", .malformed),
        ("\(origin)\r\n1\r\nROOT\r\n", .malformed),
        ("\(origin)\n1\nROOT=\n", .malformed),
        ("\(origin)\n1\nAAAA\n", .malformed),
        ("\(origin)\n1\n\n", .malformed),
        ("\(origin)\n1\nROOT\nextension\n", .malformed),
        ("\(origin)\n1\nROOT\n\n", .malformed),
        ("\(origin) \n1\nROOT\n", .inconsistent),
        ("penstock/rebooking/staging\n1\nROOT\n", .inconsistent),
        ("\n1\nROOT\n", .inconsistent),
    ]) func signedAndYetRefused(body: String, code: EvidenceError.Code) throws {
        let key = try key(1)
        let text = body.replacing("ROOT", with: MerkleHash.leaf([7]).bytes.base64)
        let name = Array(Self.origin.utf8)
        let hash = Digest.of(name + [0x0A, 0x01] + key.verificationKey.bytes).bytes.prefix(4)
        let line = "\u{2014} \(Self.origin) \((hash + key.sign(Array(text.utf8))).base64)\n"
        let error = #expect(throws: EvidenceError.self) {
            try Checkpoint.open(Array("\(text)\n\(line)".utf8), origin: Self.origin, key: key.verificationKey)
        }
        #expect(error?.code == code)
    }

    /// Swift finds these two spellings of é equal; a note does not.
    @Test func equivalentTextIsNotTheSameNote() throws {
        let key = try key(1)
        let composed = "penstock/caf\u{E9}", decomposed = "penstock/cafe\u{301}"
        let note = Checkpoint(origin: composed, size: 1, root: MerkleHash.leaf([7])).signed(by: key, name: composed)
        #expect(throws: Never.self) { try Checkpoint.open(note, origin: composed, key: key.verificationKey) }
        let respelled = Array(String(decoding: note, as: UTF8.self).replacing(composed, with: decomposed).utf8)
        #expect(respelled != note)
        #expect(throws: EvidenceError.self) { try Checkpoint.open(respelled, origin: composed, key: key.verificationKey) }
    }

    @Test func anotherKeyNameOrSecondSignatureIsRefused() throws {
        let mine = try key(1), other = try key(2)
        let note = Self.checkpoint().signed(by: mine, name: Self.origin)
        let error = #expect(throws: EvidenceError.self) { try Checkpoint.open(note, origin: Self.origin, key: other.verificationKey) }
        #expect(error?.code == .untrusted)
        let renamed = Self.checkpoint().signed(by: mine, name: "somebody")
        #expect(throws: EvidenceError.self) { try Checkpoint.open(renamed, origin: Self.origin, key: mine.verificationKey) }
        let second = try #require(Self.checkpoint().signed(by: other, name: Self.origin).split(separator: 0x0A).last)
        #expect(throws: EvidenceError.self) { try Checkpoint.open(note + second + [0x0A], origin: Self.origin, key: mine.verificationKey) }
        let long = Array(repeating: UInt8(ascii: "a"), count: 5000)
        #expect(throws: EvidenceError.self) { try Checkpoint.open(long, origin: Self.origin, key: mine.verificationKey) }
    }
}
