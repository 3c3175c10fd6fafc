// Key files: a private one for its owner, a public one to hand out.
import Decisions
import Evidence
import Foundation
import Primitives

/// Text files of two lines, so that a key is never mistaken for something else.
///
///     penstock private key v1 (Ed25519): keep it, show it to nobody
///     <base64 of the 32-byte seed>
enum KeyFiles {
    private static let privateHeader = "penstock private key v1 (Ed25519): keep it, show it to nobody"
    private static let recordHeader = "penstock record key v1 (HMAC-SHA256): keep it, show it to nobody"
    private static let publicHeader = "penstock public key v1 (Ed25519)"

    static func write(_ key: SigningKey, private path: String) throws {
        try Files.write(Array("\(privateHeader)\n\(key.seed.base64)\n".utf8), to: path)
    }

    static func write(_ key: VerificationKey, public path: String) throws {
        try Files.write(Array("\(publicHeader)\n\(key.bytes.base64)\n".utf8), to: path)
    }

    /// 32 secret bytes.
    static func write(record key: [UInt8], to path: String) throws {
        try Files.write(Array("\(recordHeader)\n\(key.base64)\n".utf8), to: path)
    }

    static func recordKey(_ path: String) throws -> RecordKey {
        guard let bytes = try content(path, header: recordHeader), let key = RecordKey(bytes: bytes) else {
            throw Failure.badInput("\(path) is no penstock record key; copy record.key of the installation's home here")
        }
        return key
    }

    static func signingKey(_ path: String) throws -> SigningKey {
        guard let seed = try content(path, header: privateHeader), let key = SigningKey(seed: seed) else {
            throw Failure.badInput("\(path) is no penstock private key; make one with 'penstock key new'")
        }
        return key
    }

    static func verificationKey(_ path: String) throws -> VerificationKey {
        guard let bytes = try content(path, header: publicHeader), let key = VerificationKey(bytes: bytes) else {
            throw Failure.badInput("\(path) is no penstock public key; it is the .pub file that 'penstock key new' writes")
        }
        return key
    }

    private static func content(_ path: String, header: String) throws -> [UInt8]? {
        let lines = try Files.text(path).split(separator: "\n")
        guard lines.count == 2, lines[0] == header else { return nil }
        return [UInt8](base64: String(lines[1]))
    }
}
