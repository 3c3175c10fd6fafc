// Who may call: API tokens, of which only digests are kept.
package import Ports
package import Primitives

package enum TokenKind: String, Codable, Hashable, Sendable, CaseIterable {
    /// A person's command line.
    case `operator`
    /// A serving node: reads tables and artifacts, reports what it did.
    case node
}

package enum TokenSubject {}
/// Who a token was issued to.
package typealias TokenName = Identifier<TokenSubject>

/// What the token file keeps of one token. Nothing in it lets anybody in.
package struct TokenRecord: Codable, Hashable, Sendable {
    /// 8 lower-case hex digits.
    package var id: String
    package var kind: TokenKind
    package var name: TokenName
    /// SHA-256 of the secret's 43 characters, 64 lower-case hex digits.
    package var sha256: String

    package init(id: String, kind: TokenKind, name: TokenName, sha256: String) {
        self.id = id
        self.kind = kind
        self.name = name
        self.sha256 = sha256
    }
}

/// The tokens that a control plane accepts, as a value.
///
/// A token is `pst_<id>_<secret>`, the secret 32 random bytes in base64url. A fast digest is enough for such a secret; slow ones are for
/// passwords. Finding compares all 32 bytes whatever they are, and does so for unknown ids too.
package struct TokenTable: Sendable {
    private struct Row: Sendable {
        var record: TokenRecord
        var digest: [UInt8]
    }

    private var rows: [String: Row] = [:]

    package init(_ records: [TokenRecord]) throws(ControlPlaneError) {
        for record in records {
            guard record.id.utf8.count == 8, [UInt8](hex: record.id) != nil, let digest = [UInt8](hex: record.sha256), digest.count == 32 else {
                throw ControlPlaneError(.tokens, "the token of '\(record.name)' has no id of 8 and no sha256 of 64 hex digits; issue it again")
            }
            guard rows.updateValue(Row(record: record, digest: digest), forKey: record.id) == nil else {
                throw ControlPlaneError(.tokens, "two tokens have the id \(record.id); remove one of them")
            }
        }
    }

    /// Reads the token file's bytes.
    package init(json: [UInt8]) throws(ControlPlaneError) {
        let file: File
        do { file = try StrictJSON.decode(from: json) } catch {
            throw ControlPlaneError(.tokens, "the token file cannot be read: \(StrictJSON.explain(error)); restore it or issue the tokens again", cause: error)
        }
        guard file.format == 1 else { throw ControlPlaneError(.tokens, "the token file has format \(file.format), which is newer than this program; update penstock") }
        try self.init(file.tokens)
    }

    private struct File: Codable {
        var format = 1
        var tokens: [TokenRecord]
    }

    package var records: [TokenRecord] { rows.values.map(\.record).sorted { $0.id < $1.id } }

    /// The token file's bytes.
    package var json: [UInt8] { StrictJSON.encode(File(tokens: records)) }

    /// The record of a token's text; `nil` for anything that is not exactly an issued token.
    package func find(_ token: some StringProtocol) -> TokenRecord? {
        let bytes = Array(token.utf8)
        guard bytes.count == Self.length, bytes.starts(with: "pst_".utf8), bytes[12] == UInt8(ascii: "_") else { return nil }
        let given = Digest.of(Array(bytes[13...])).bytes
        let row = rows[String(decoding: bytes[4..<12], as: UTF8.self)]
        let same = Self.isEqual(given, row?.digest ?? [UInt8](repeating: 0, count: 32))
        return same ? row?.record : nil
    }

    /// A new token: its text, to be shown once, and the record to keep.
    package static func issue(kind: TokenKind, name: TokenName, random: any RandomSource) -> (token: String, record: TokenRecord) {
        let id = random.bytes(4).hex
        let secret = base64url(random.bytes(32))
        let record = TokenRecord(id: id, kind: kind, name: name, sha256: Digest.of(secret).hex)
        return ("pst_\(id)_\(secret)", record)
    }

    private static let length = 4 + 8 + 1 + 43

    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (one, other) in zip(left, right) { difference |= one ^ other }
        return difference == 0
    }

    /// 43 characters for 32 bytes, without padding.
    private static func base64url(_ bytes: [UInt8]) -> String {
        let alphabet = Array<UInt8>("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var held = 0
        for byte in bytes {
            bits = (bits << 8 | UInt32(byte)) & 0xFFFF
            held += 8
            while held >= 6 {
                held -= 6
                let place: UInt32 = (bits >> UInt32(held)) & 63
                text.append(alphabet[Int(place)])
            }
        }
        if held > 0 {
            let place: UInt32 = (bits << UInt32(6 - held)) & 63
            text.append(alphabet[Int(place)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
