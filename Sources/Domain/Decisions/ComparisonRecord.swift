// What champion and candidate made of one request while the candidate was exposed.
package import Guardrails
package import Inference
package import Primitives

/// One request under exposure, as guardrails need it: who answered, how it went, and what both arms say of it. It carries nothing of the request but a
/// keyed hash of its entity.
///
/// Format 1, frozen: one JSON object with sorted keys. It follows the decision's own record in the node's log, since the second arm is asked after
/// the reply.
package struct ComparisonRecord: Hashable, Sendable, Codable {
    package static let format = 1

    /// What an arm says, before limits: limits depend on the traffic, not on the model.
    package struct Side: Hashable, Sendable, Codable {
        package var outcome: Outcome
        /// `nil` where the model gave no usable score; `outcome` is then the fallback.
        package var score: Double?

        package init(outcome: Outcome, score: Double?) {
            self.outcome = outcome
            self.score = score
        }
    }

    package struct Pair: Hashable, Sendable, Codable {
        package var champion: Side
        package var candidate: Side

        package init(champion: Side, candidate: Side) {
            self.champion = champion
            self.candidate = candidate
        }
    }

    package var format = Self.format
    package var decision: DecisionID
    package var candidate: ReleaseID
    /// Of the candidate.
    package var spec: Digest
    /// The step of the candidate's plan.
    package var step: Int
    /// The candidate's share that was in force on this node; 0 in shadow, while paused, and without a lease.
    package var share: Double
    /// Who answered.
    package var arm: Arm
    /// The first 8 bytes of the entity's keyed hash; `nil` where the request named none.
    package var entity: UInt64?
    /// The arm that answered gave no usable score.
    package var failed: Bool
    /// From the request's last byte to its record.
    package var latencyMicroseconds: UInt64
    /// On the node's clock.
    package var answered: Instant
    /// On the policy's clock.
    package var clock: Instant
    /// Whether the request is in the keyed sample that both arms score.
    package var sampled: Bool
    /// `nil` where the request is not in the sample, or where one arm could not be asked.
    package var pair: Pair?

    package init(
        decision: DecisionID, candidate: ReleaseID, spec: Digest, step: Int, share: Double, arm: Arm, entity: UInt64?, failed: Bool, latencyMicroseconds: UInt64,
        answered: Instant, clock: Instant, sampled: Bool, pair: Pair?
    ) {
        self.decision = decision
        self.candidate = candidate
        self.spec = spec
        self.step = step
        self.share = share
        self.arm = arm
        self.entity = entity
        self.failed = failed
        self.latencyMicroseconds = latencyMicroseconds
        self.answered = answered
        self.clock = clock
        self.sampled = sampled
        self.pair = pair
    }

    /// By hand, since one is written for every decision under exposure; byte for byte what `StrictJSON` would write.
    package var encoded: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(512)
        text.append(text: "{\"answered\":\"")
        answered.append(to: &text)
        text.append(text: "\",\"arm\":")
        text.append(jsonString: arm.rawValue)
        text.append(text: ",\"candidate\":")
        text.append(jsonString: candidate.text)
        text.append(text: ",\"clock\":\"")
        clock.append(to: &text)
        text.append(text: "\",\"decision\":\"")
        decision.append(to: &text)
        text.append(text: "\"")
        if let entity {
            text.append(text: ",\"entity\":")
            text.append(decimal: entity)
        }
        text.append(text: failed ? ",\"failed\":true" : ",\"failed\":false")
        text.append(text: ",\"format\":")
        text += format.description.utf8
        text.append(text: ",\"latencyMicroseconds\":")
        text.append(decimal: latencyMicroseconds)
        pair?.append(to: &text)
        text.append(text: sampled ? ",\"sampled\":true" : ",\"sampled\":false")
        text.append(text: ",\"share\":")
        text.append(jsonNumber: share)
        text.append(text: ",\"spec\":\"")
        spec.append(to: &text)
        text.append(text: "\",\"step\":")
        text += step.description.utf8
        text.append(text: "}")
        return text
    }

    package init(parsing bytes: [UInt8]) throws(RecordError) {
        let record: ComparisonRecord
        do { record = try StrictJSON.decode(from: bytes) } catch { throw RecordError("a comparison cannot be read: \(StrictJSON.explain(error))") }
        guard record.format == Self.format else {
            throw RecordError("a comparison has format \(record.format), and this program reads \(Self.format): use the version that wrote it")
        }
        guard record.share >= 0, record.share <= 1, record.step >= 0, record.sampled || record.pair == nil, record.scores.allSatisfy(\.isFinite) else {
            throw RecordError("a comparison contradicts itself: its share, its step or its scores cannot be")
        }
        self = record
    }

    private var scores: [Double] { [pair?.champion.score, pair?.candidate.score].compactMap { $0 } }
}

extension ComparisonRecord.Pair {
    fileprivate func append(to text: inout [UInt8]) {
        text.append(text: ",\"pair\":{\"candidate\":")
        candidate.append(to: &text)
        text.append(text: ",\"champion\":")
        champion.append(to: &text)
        text.append(text: "}")
    }
}

extension ComparisonRecord.Side {
    fileprivate func append(to text: inout [UInt8]) {
        text.append(text: "{\"outcome\":")
        text.append(jsonString: outcome.text)
        if let score, score.isFinite {
            text.append(text: ",\"score\":")
            text.append(jsonNumber: score)
        }
        text.append(text: "}")
    }
}
