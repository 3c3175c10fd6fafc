// The truth about one decision, as it is kept when it arrives.
package import Inference
package import Primitives

/// Format 1, frozen: one JSON object with the keys at, decision_id, format, name, received and value, sorted.
package struct OutcomeRecord: Hashable, Sendable {
    package static let format = 1

    package enum Value: Hashable, Sendable {
        case truth(Bool)
        case number(Double)
    }

    package let decision: DecisionID
    package let name: OutcomeName
    package let value: Value
    /// When it became true.
    package let at: Instant
    /// When it was told to us. Late truth is no less true: order by `at`, wait by this.
    package let received: Instant

    /// `nil` for a number that JSON cannot spell.
    package init?(decision: DecisionID, name: OutcomeName, value: Value, at: Instant, received: Instant) {
        if case .number(let number) = value, !number.isFinite { return nil }
        self.decision = decision
        self.name = name
        self.value = value
        self.at = at
        self.received = received
    }

    package var encoded: [UInt8] { StrictJSON.encode(self) }

    package init(parsing bytes: [UInt8]) throws(RecordError) {
        do { self = try StrictJSON.decode(from: bytes) } catch let error as RecordError {
            throw error
        } catch {
            throw RecordError("an outcome record cannot be read: \(StrictJSON.explain(error))")
        }
    }
}

extension OutcomeRecord: Codable {
    private enum Key: String, CodingKey {
        case at, format, name, received, value
        case decision = "decision_id"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.format, forKey: .format)
        try container.encode(decision.description, forKey: .decision)
        try container.encode(name, forKey: .name)
        try container.encode(at, forKey: .at)
        try container.encode(received, forKey: .received)
        try container.encode(value, forKey: .value)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let format = try container.decode(Int.self, forKey: .format)
        guard format == Self.format else {
            throw RecordError("an outcome record has format \(format), and this program reads \(Self.format): use the version that wrote it")
        }
        guard let decision = DecisionID(parsing: try container.decode(String.self, forKey: .decision)) else {
            throw DecodingError.dataCorruptedError(forKey: .decision, in: container, debugDescription: "it is not 32 hex digits")
        }
        let made = OutcomeRecord(
            decision: decision, name: try container.decode(OutcomeName.self, forKey: .name), value: try container.decode(Value.self, forKey: .value),
            at: try container.decode(Instant.self, forKey: .at),
            received: try container.decode(Instant.self, forKey: .received))
        guard let made else { throw DecodingError.dataCorruptedError(forKey: .value, in: container, debugDescription: "it is no finite number") }
        self = made
    }
}

extension OutcomeRecord.Value: Codable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .truth(let truth): try container.encode(truth)
        case .number(let number): try container.encode(number)
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let truth = try? container.decode(Bool.self) { self = .truth(truth) } else { self = .number(try container.decode(Double.self)) }
    }

    /// For sums: true is one.
    package var number: Double {
        switch self {
        case .truth(let truth): truth ? 1 : 0
        case .number(let number): number
        }
    }
}
