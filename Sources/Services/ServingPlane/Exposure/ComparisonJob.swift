// What follows a reply: both arms are compared, and outcomes are told to the guardrails.
internal import Decisions
internal import Inference
internal import NIOCore
internal import Primitives

/// A decision under exposure, as the event loop hands it over after the reply.
struct ComparisonJob: Sendable {
    let exposure: Exposure
    /// The arm that did not answer.
    let other: ServingArm
    /// What the arm that answered says.
    let side: ComparisonRecord.Side
    /// Without its pair, and on the wall clock.
    let record: ComparisonRecord
    let body: [UInt8]
    /// When it was answered.
    let answered: NIODeadline

    /// A comparison that waited longer is not scored any more: it would come too late for whoever decides by it.
    private static let mostAge = TimeAmount.seconds(5)

    var needsScore: Bool { record.sampled && NIODeadline.now() - answered < Self.mostAge && !exposure.keeping.gate.isClosed }

    /// The candidate answers nothing, so that no event loop asks its model.
    var isShadow: Bool { exposure.plannedShare == 0 }

    /// Only for the thread that scores.
    func otherSide(scratch row: inout [Double]) -> ComparisonRecord.Side { body.withUnsafeBytes { other.side(of: $0, scratch: &row) } }

    /// On the policy's clock. `nil` where history is replayed and no request has said a time yet.
    func clock() -> Instant? {
        guard exposure.isReplayed else { return record.answered }
        if let time = body.withUnsafeBytes({ exposure.candidate.time?.read($0) }) { exposure.keeping.clock.advance(to: time) }
        return exposure.keeping.clock.value
    }
}

/// The truth about one decision, for those who compare.
struct Truth: Sendable {
    var decision: DecisionID
    var value: Bool
}

enum FollowUp: Sendable {
    case comparison(ComparisonJob)
    case outcomes([Truth])
}

/// A comparison that is written, and what the guardrails here need to know besides.
struct Compared: Sendable {
    var record: ComparisonRecord
    var exposure: Exposure
    var answered: NIODeadline
}

extension ComparisonRecord.Side {
    /// What the arm says before limits.
    init(_ decision: Decision) {
        if case .rateLimit(let meant) = decision.reason {
            self.init(outcome: meant, score: decision.score)
        } else {
            self.init(outcome: decision.outcome, score: decision.score)
        }
    }
}
