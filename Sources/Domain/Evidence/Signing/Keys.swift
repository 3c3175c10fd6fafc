// Ed25519 keys and their names.
private import Foundation
package import Primitives

private import enum Crypto.Curve25519

/// The name of a public key: the digest of its 32 bytes. A hint about which key to try, never a reason to believe.
package struct KeyID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    package var digest: Digest

    package init(from decoder: any Decoder) throws { digest = try Digest(from: decoder) }
    package init(digest: Digest) { self.digest = digest }
    package func encode(to encoder: any Encoder) throws { try digest.encode(to: encoder) }
    package static func < (left: KeyID, right: KeyID) -> Bool { left.digest < right.digest }
    package var description: String { digest.description }
}

/// An Ed25519 public key. JSON and file form: standard base64 of its 32 bytes.
package struct VerificationKey: Hashable, Sendable, Codable {
    package let bytes: [UInt8]

    /// `nil` when the bytes are no Ed25519 public key.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 32, (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)) != nil else { return nil }
        self.bytes = bytes
    }

    package var id: KeyID { KeyID(digest: Digest.of(bytes)) }

    package func isValid(signature: [UInt8], over message: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
        return key.isValidSignature(signature, for: message)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = [UInt8](base64: try container.decode(String.self)), let key = VerificationKey(bytes: bytes) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not the base64 of a 32-byte Ed25519 public key")
        }
        self = key
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes.base64)
    }
}

/// An Ed25519 private key. Held by its owner only; the owner's process signs, nothing else ever sees it.
package struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// A new key from the system's random source.
    package init() { key = Curve25519.Signing.PrivateKey() }

    /// From the 32-byte seed; `nil` for any other length.
    package init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.key = key
    }

    package var seed: [UInt8] { Array(key.rawRepresentation) }

    package var verificationKey: VerificationKey {
        guard let key = VerificationKey(bytes: Array(key.publicKey.rawRepresentation)) else { preconditionFailure("a public key is 32 bytes") }
        return key
    }

    package func sign(_ message: [UInt8]) -> [UInt8] {
        do {
            return Array(try key.signature(for: message))
        } catch {
            preconditionFailure("Ed25519 signing cannot fail for a valid key: \(error)")
        }
    }
}

extension [UInt8] {
    /// Reads standard base64 with padding; `nil` for anything that is not the one spelling of its bytes.
    package init?(base64 text: String) {
        guard let data = Data(base64Encoded: text) else { return nil }
        self = Array(data)
        guard base64 == text else { return nil }
    }

    package var base64: String { Data(self).base64EncodedString() }
}
