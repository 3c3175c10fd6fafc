// One answer of a decision service, and its JSON.
package import Primitives

/// Names one decision: 128 random bits. Text form 32 lower-case hex digits.
package struct DecisionID: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// `nil` when there are not 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    package init?(parsing text: some StringProtocol) {
        guard let bytes = [UInt8](hex: text) else { return nil }
        self.init(bytes: bytes)
    }

    package var description: String {
        var text: [UInt8] = []
        append(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    package func append(to buffer: inout [UInt8]) {
        buffer.append(hex: high)
        buffer.append(hex: low)
    }
}

/// What is the same in every decision of a release, rendered once when the release is loaded.
package struct ReleaseStamp: Hashable, Sendable {
    package let service: ServiceName
    package let release: ReleaseID
    /// The model version, `flight-delay@3`; `nil` for the fallback.
    package let version: String?
    package let spec: Digest
    /// `"release":…,"version":…,"spec":…`
    fileprivate let json: [UInt8]

    package init(service: ServiceName, release: ReleaseID, version: String?, spec: Digest) {
        self.service = service
        self.release = release
        self.version = version
        self.spec = spec
        var json: [UInt8] = []
        json.append(text: "\"release\":")
        json.append(jsonString: release.text)
        json.append(text: ",\"version\":")
        if let version { json.append(jsonString: version) } else { json.append(text: "null") }
        json.append(text: ",\"spec\":")
        json.append(jsonString: spec.description)
        self.json = json
    }
}

package struct Decision: Hashable, Sendable {
    /// Why the answer is what it is. The first word of its text is a code for programs.
    package enum Reason: Hashable, Sendable {
        /// The rule decided, and no limit stood against it.
        case rule
        /// The release has no model.
        case noModel
        /// The row broke the contract; the sentence of `RowAdmission.sentence(for:)`.
        case outsideContract(String)
        /// The share of this outcome was used up.
        case rateLimit(Outcome)
        /// The model could not score; the fallback answered.
        case errored
    }

    package var id: DecisionID
    package var stamp: ReleaseStamp
    package var outcome: Outcome
    /// What the model said, also where a limit overruled it.
    package var score: Double?
    package var reason: Reason

    package init(id: DecisionID, stamp: ReleaseStamp, outcome: Outcome, score: Double?, reason: Reason) {
        self.id = id
        self.stamp = stamp
        self.outcome = outcome
        self.score = score
        self.reason = reason
    }

    package var service: ServiceName { stamp.service }
    package var release: ReleaseID { stamp.release }

    /// Appends one JSON object with the keys decision_id, decision, score, release, version, spec and because, in this order, frozen.
    package func append(to buffer: inout [UInt8]) {
        buffer.append(text: "{\"decision_id\":\"")
        id.append(to: &buffer)
        buffer.append(text: "\",\"decision\":")
        buffer.append(jsonString: outcome.text)
        buffer.append(text: ",\"score\":")
        if let score, score.isFinite { buffer += score.description.utf8 } else { buffer.append(text: "null") }
        buffer.append(text: ",")
        buffer += stamp.json
        buffer.append(text: ",\"because\":")
        appendReason(to: &buffer)
        buffer.append(text: "}")
    }

    private func appendReason(to buffer: inout [UInt8]) {
        switch reason {
        case .rule: buffer.append(text: "\"rule\"")
        case .noModel: buffer.append(text: "\"no_model: this release answers with the fallback\"")
        case .errored: buffer.append(text: "\"errored: the model gave no usable score\"")
        case .outsideContract(let sentence): buffer.append(jsonString: sentence, after: "outside_contract: ")
        case .rateLimit(let outcome): buffer.append(jsonString: outcome.text, after: "rate_limit: beyond the allowed share of ")
        }
    }
}

extension DecisionID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = DecisionID(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a decision's id is 32 hex digits")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
