// Signed statements of how far the ledger goes.
package import Primitives

/// A C2SP tlog-checkpoint: the ledger's name, size and root, in a signed note with one Ed25519 signature.
package struct Checkpoint: Hashable, Sendable {
    package var origin: String
    package var size: Int
    package var root: Digest

    package init(origin: String, size: Int, root: Digest) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    private var body: String { "\(origin)\n\(size)\n\(root.bytes.base64)\n" }

    package static let maximumBytes = 4096

    /// The note's bytes. `open` reads it when `name` is the origin.
    package func signed(by key: SigningKey, name: String) -> [UInt8] {
        let signature = Self.keyHash(name: name, key: key.verificationKey) + key.sign(Array(body.utf8))
        return Array("\(body)\n\u{2014} \(name) \(signature.base64)\n".utf8)
    }

    /// Reads a note of the ledger with this name, signed with this key under that name. A note has one spelling: any other byte is refused.
    package static func open(_ note: [UInt8], origin: String, key: VerificationKey) throws(EvidenceError) -> Checkpoint {
        guard note.count <= maximumBytes, let text = String(validating: note, as: UTF8.self) else { throw malformed("it is not a short UTF-8 text") }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 6, lines[3].isEmpty, lines[5].isEmpty else { throw malformed("it does not have the five lines of a checkpoint") }
        guard lines[0] == origin else {
            throw EvidenceError(.inconsistent, "the checkpoint is of '\(lines[0].prefix(100))', and this ledger is '\(origin)'")
        }
        guard let size = Int(lines[1]), size >= 0, String(size) == lines[1] else { throw malformed("its second line is no size") }
        guard let bytes = [UInt8](base64: String(lines[2])), let root = Digest(bytes: bytes) else { throw malformed("its third line is no root hash") }
        let parts = lines[4].split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "\u{2014}", parts[1] == origin, let blob = [UInt8](base64: String(parts[2])), blob.count == 68 else {
            throw malformed("its signature line cannot be read")
        }
        let checkpoint = Checkpoint(origin: origin, size: size, root: root)
        guard Array(blob.prefix(4)) == keyHash(name: origin, key: key) else {
            throw EvidenceError(.untrusted, "the checkpoint is signed with another key than the ledger's")
        }
        guard key.isValid(signature: Array(blob.dropFirst(4)), over: Array(checkpoint.body.utf8)), checkpoint.matches(note, signature: blob) else {
            throw EvidenceError(.unsigned, "the checkpoint's signature does not hold")
        }
        return checkpoint
    }

    private func matches(_ note: [UInt8], signature: [UInt8]) -> Bool {
        note == Array("\(body)\n\u{2014} \(origin) \(signature.base64)\n".utf8)
    }

    private static func keyHash(name: String, key: VerificationKey) -> [UInt8] {
        Array(Digest.of(Array(name.utf8) + [0x0A, 0x01] + key.bytes).bytes.prefix(4))
    }

    private static func malformed(_ what: String) -> EvidenceError { EvidenceError(.malformed, "the checkpoint cannot be read: \(what)") }
}
