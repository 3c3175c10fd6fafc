// DSSE envelopes: signed bytes and who signed them.
package import Primitives

/// A DSSE envelope (secure-systems-lab/dsse, protocol.md). Signatures cover PAE(type, payload); readers decode exactly the verified bytes.
package struct Envelope: Hashable, Sendable {
    package struct Signature: Hashable, Sendable, Codable {
        package var keyid: KeyID
        package var sig: Base64Bytes

        package init(keyid: KeyID, sig: Base64Bytes) {
            self.keyid = keyid
            self.sig = sig
        }
    }

    package var payloadType: String
    package var payload: [UInt8]
    package var signatures: [Signature]

    package init(payloadType: String, payload: [UInt8], signatures: [Signature] = []) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// The signed form of a value's own JSON.
    package init(signing value: some Encodable, as payloadType: String, by keys: [SigningKey]) {
        self.init(payloadType: payloadType, payload: StrictJSON.encode(value))
        for key in keys { sign(with: key) }
    }

    package mutating func sign(with key: SigningKey) {
        let id = key.verificationKey.id
        signatures.removeAll { $0.keyid == id }
        signatures.append(Signature(keyid: id, sig: Base64Bytes(key.sign(Self.preAuthentication(type: payloadType, payload: payload)))))
    }

    /// The keys, among those given, that validly signed. Each counts once however often it signed; key ids in the envelope decide nothing.
    package func signers(among keys: some Sequence<VerificationKey>) -> Set<KeyID> {
        let message = Self.preAuthentication(type: payloadType, payload: payload)
        var signers: Set<KeyID> = []
        for key in keys where signatures.prefix(Self.signatureLimit).contains(where: { key.isValid(signature: $0.sig.bytes, over: message) }) {
            signers.insert(key.id)
        }
        return signers
    }

    /// Decodes the payload after checking that one of `keys` signed it and that it is of the expected type.
    package func open<Value: Codable>(_: Value.Type = Value.self, as type: String, signedBy keys: some Sequence<VerificationKey>) throws(EvidenceError) -> Value {
        guard !signers(among: keys).isEmpty else {
            throw EvidenceError(.unsigned, "the \(type) envelope carries no valid signature of an accepted key")
        }
        return try decodeUnverified(as: type)
    }

    /// Decodes without looking at signatures: for finding out which keys to ask, and for showing. Never a reason to act.
    package func decodeUnverified<Value: Codable>(_: Value.Type = Value.self, as type: String) throws(EvidenceError) -> Value {
        try read(as: type) { try StrictJSON.decodeExactly(from: $0) }
    }

    /// A part of the payload, for finding and ordering envelopes that were checked before.
    package func peek<Part: Decodable>(_: Part.Type = Part.self, as type: String) throws(EvidenceError) -> Part {
        try read(as: type) { try StrictJSON.decode(from: $0) }
    }

    private func read<Value>(as type: String, _ decode: ([UInt8]) throws -> Value) throws(EvidenceError) -> Value {
        guard payloadType == type else {
            throw EvidenceError(.malformed, "the envelope holds '\(payloadType.prefix(100))' where '\(type)' is expected")
        }
        do {
            return try decode(payload)
        } catch {
            throw EvidenceError(.malformed, "the \(type) payload cannot be read: \(StrictJSON.explain(error))")
        }
    }

    /// The digest that names this envelope, signatures included.
    package var digest: Digest { Digest.of(StrictJSON.encode(self)) }

    package static func read(_ bytes: [UInt8]) throws(EvidenceError) -> Envelope {
        guard bytes.count <= Limits.envelopeBytes else {
            throw EvidenceError(.malformed, "the envelope has \(bytes.count) bytes; at most \(Limits.envelopeBytes) are read")
        }
        do {
            return try StrictJSON.decode(from: bytes)
        } catch {
            throw EvidenceError(.malformed, "it is no DSSE envelope: \(StrictJSON.explain(error))")
        }
    }

    private static let signatureLimit = 64

    private static func preAuthentication(type: String, payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }
}

extension Envelope: Codable {
    private enum Key: String, CodingKey { case payloadType, payload, signatures }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        payloadType = try container.decode(String.self, forKey: .payloadType)
        payload = try container.decode(Base64Bytes.self, forKey: .payload).bytes
        signatures = try container.decode([Signature].self, forKey: .signatures)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(payloadType, forKey: .payloadType)
        try container.encode(Base64Bytes(payload), forKey: .payload)
        try container.encode(signatures, forKey: .signatures)
    }
}

/// Bytes that stand in JSON as standard base64, in their one spelling.
package struct Base64Bytes: Hashable, Sendable, Codable {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = [UInt8](base64: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not standard base64")
        }
        self.bytes = bytes
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes.base64)
    }
}
