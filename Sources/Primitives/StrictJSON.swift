// JSON of values that are signed, digested or stored: one spelling per value.
private import Foundation

/// The JSON that Penstock itself writes. Keys are sorted and slashes plain, so that equal values give equal bytes.
package enum StrictJSON {
    package static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            // Our own value types hold nothing that JSON cannot spell; non-finite numbers are refused where they enter.
            preconditionFailure("a value of \(type(of: value)) cannot be written as JSON: \(error)")
        }
    }

    /// Throws `DecodingError`; callers translate it with `explain`.
    package static func decode<Value: Decodable>(_: Value.Type = Value.self, from bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(bytes))
    }

    /// Decodes only the bytes that `encode` writes for the value, for whatever is signed: duplicate or unknown keys, other spellings of a number or a
    /// string, and spaces could mean something else to another reader.
    package static func decodeExactly<Value: Codable>(_: Value.Type = Value.self, from bytes: [UInt8]) throws -> Value {
        let value = try decode(Value.self, from: bytes)
        guard encode(value) == bytes else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: inexact))
        }
        return value
    }

    private static let inexact = "it is not spelled the one way that is signed: sorted keys, no spaces, no unknown or repeated key"

    /// One sentence about why bytes did not decode: the key path and what was wrong with it.
    package static func explain(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .keyNotFound(let key, let context): return "'\(path(context.codingPath + [key]))' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): return "'\(path(context.codingPath))': \(context.debugDescription)"
        case .dataCorrupted(let context):
            if context.debugDescription == inexact { return inexact }
            return context.codingPath.isEmpty ? "it is not valid JSON, or a number in it is out of range" : "'\(path(context.codingPath))': \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    }
}
