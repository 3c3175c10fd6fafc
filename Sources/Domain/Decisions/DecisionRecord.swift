// One answered decision as it is kept, and its JSON.
package import Inference
package import Primitives

/// What is kept of an answer: the decision, when and how fast it was given, about whom, and what the contract lets be kept of the request.
///
/// Format 1, frozen: one JSON object with the keys format, service, release, version, spec, key, decision_id, outcome, score, reason, detail where the
/// reason has one, time, latency_us, fields and entity, in this order.
package struct DecisionRecord: Hashable, Sendable {
    package static let format = 1

    package var decision: Decision
    /// When it was answered.
    package var time: Instant
    /// From the request's last byte to the answer's first.
    package var latencyMicroseconds: UInt64
    /// Whose hashes `entity` and the hashed fields are.
    package var key: RecordKeyID
    /// `nil` where the request named none.
    package var entity: KeyedHash?
    /// A JSON object by the rules of `RecordProjection`.
    package var fields: [UInt8]

    package init(decision: Decision, time: Instant, latencyMicroseconds: UInt64, key: RecordKeyID, entity: KeyedHash?, fields: [UInt8]) {
        self.decision = decision
        self.time = time
        self.latencyMicroseconds = latencyMicroseconds
        self.key = key
        self.entity = entity
        self.fields = fields
    }

    package func append(to buffer: inout [UInt8]) {
        buffer += Self.opening(decision.stamp, key)
        Self.append(decision, time, latencyMicroseconds, to: &buffer)
        buffer += fields
        Self.close(entity, to: &buffer)
    }

    /// What is the same in every record of a release, up to the decision's id.
    static func opening(_ stamp: ReleaseStamp, _ key: RecordKeyID) -> [UInt8] {
        var text: [UInt8] = []
        text.append(text: "{\"format\":1,\"service\":")
        text.append(jsonString: stamp.service.text)
        text.append(text: ",\"release\":")
        text.append(jsonString: stamp.release.text)
        text.append(text: ",\"version\":")
        if let version = stamp.version { text.append(jsonString: version) } else { text.append(text: "null") }
        text.append(text: ",\"spec\":")
        text.append(jsonString: stamp.spec.description)
        text.append(text: ",\"key\":")
        text.append(jsonString: key.text)
        text.append(text: ",\"decision_id\":\"")
        return text
    }

    /// From the id to where the fields begin.
    static func append(_ decision: Decision, _ time: Instant, _ latencyMicroseconds: UInt64, to buffer: inout [UInt8]) {
        decision.id.append(to: &buffer)
        buffer.append(text: "\",\"outcome\":")
        buffer.append(jsonString: decision.outcome.text)
        buffer.append(text: ",\"score\":")
        if let score = decision.score, score.isFinite { buffer += score.description.utf8 } else { buffer.append(text: "null") }
        append(decision.reason, to: &buffer)
        buffer.append(text: ",\"time\":\"")
        time.append(to: &buffer)
        buffer.append(text: "\",\"latency_us\":")
        buffer.append(decimal: latencyMicroseconds)
        buffer.append(text: ",\"fields\":")
    }

    private static func append(_ reason: Decision.Reason, to buffer: inout [UInt8]) {
        let (word, detail) = reason.words
        buffer.append(text: ",\"reason\":")
        buffer.append(jsonString: word)
        guard let detail else { return }
        buffer.append(text: ",\"detail\":")
        buffer.append(jsonString: detail)
    }

    static func close(_ entity: KeyedHash?, to buffer: inout [UInt8]) {
        guard let entity else { return buffer.append(text: ",\"entity\":null}") }
        buffer.append(text: ",\"entity\":\"")
        entity.append(to: &buffer)
        buffer.append(text: "\"}")
    }
}

extension Decision.Reason {
    /// As records spell it: a word, and what it is about.
    package var words: (reason: String, detail: String?) {
        switch self {
        case .rule: ("rule", nil)
        case .noModel: ("no_model", nil)
        case .errored: ("errored", nil)
        case .outsideContract(let sentence): ("outside_contract", sentence)
        case .rateLimit(let outcome): ("rate_limit", outcome.text)
        }
    }
}
