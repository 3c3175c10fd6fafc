// SHA-256 digests: the names of everything that never changes.
private import Crypto

/// The SHA-256 digest of some bytes. Its text form, on disk and on the wire, is `sha256:` and 64 lower-case hex digits;
/// no other spelling is read, so that equal digests are equal texts.
package struct Digest: Hashable, Sendable {
    /// The 32 bytes as four big-endian words, so that a digest is stored inline and hashes without a heap object.
    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// Takes the 32 raw bytes; `nil` when there are not 32.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        for (position, byte) in bytes.enumerated() {
            switch position / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        self.words = words
    }

    /// Reads `sha256:` and 64 lower-case hex digits.
    package init?(parsing text: some StringProtocol) {
        guard text.hasPrefix("sha256:"), let bytes = [UInt8](hex: text.dropFirst(7)) else { return nil }
        self.init(bytes: bytes)
    }

    package static func of(_ bytes: [UInt8]) -> Digest {
        var hasher = DigestHasher()
        hasher.update(bytes)
        return hasher.finalize()
    }

    package static func of(_ text: String) -> Digest { of(Array(text.utf8)) }

    package var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
    }

    /// The 64 hex digits without the algorithm's name: the spelling of in-toto digest sets and of file names.
    package var hex: String { bytes.hex }

    /// Twelve hex digits for people to recognise; never for comparing.
    package var short: String { String(hex.prefix(12)) }

    /// Appends the text form.
    package func append(to buffer: inout [UInt8]) {
        buffer.append(text: "sha256:")
        buffer.append(hex: words.0)
        buffer.append(hex: words.1)
        buffer.append(hex: words.2)
        buffer.append(hex: words.3)
    }

    package static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) {
        // One word of a cryptographic digest is already uniform.
        hasher.combine(words.0)
    }
}

extension Digest: CustomStringConvertible {
    package var description: String { "sha256:" + hex }
}

extension Digest: Comparable {
    package static func < (left: Digest, right: Digest) -> Bool { left.words < right.words }
}

extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(parsing: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text.shown(80))' is not sha256: and 64 hex digits")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Digests bytes as they arrive, so that a large file is never in memory at once.
package struct DigestHasher: Sendable {
    private var hasher = SHA256()

    package init() {}

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hasher.update(bufferPointer: bytes)
    }

    package func finalize() -> Digest {
        guard let digest = Digest(bytes: Array(hasher.finalize())) else {
            preconditionFailure("SHA-256 gives 32 bytes")
        }
        return digest
    }
}
