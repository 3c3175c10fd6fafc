// What can happen to a release, as the ledger keeps it.
package import Evidence
package import Primitives

/// One entry of a release's stream. The kinds and the JSON are frozen: state is a fold over them for ever.
package enum ReleaseEvent: Hashable, Sendable {
    case proposed(Envelope, at: Instant)
    /// All criteria are met; this is the spec that people are asked to approve.
    case sealed(spec: Base64Bytes, at: Instant)
    /// A criterion failed.
    case refused(results: [CriterionResult], at: Instant)
    case approved(Envelope, at: Instant)
    case rejected(Envelope, at: Instant)
    /// Enough people approved; nodes are asked to prepare and rehearse by this table.
    case preparing(order: TableOrder, at: Instant)
    /// This table gives the release the share of a step of its plan, as `founded` says why.
    case exposed(step: Int, order: TableOrder, at: Instant, founded: Foundation = Foundation())
    /// This table takes the share of its step; the comparison goes on in shadow.
    case paused(StopCause, order: TableOrder, at: Instant, findings: [Finding] = [])
    /// A person gave the step its share again by this table.
    case resumed(Envelope, order: TableOrder, at: Instant)
    /// Nobody can say, and this role is asked.
    case escalated(to: Role, reason: String, at: Instant)
    /// Nodes were seen answering with it.
    case live(at: Instant)
    case superseded(by: ReleaseID, at: Instant)
    /// Its successor was taken back, and it answers again.
    case reinstated(order: TableOrder, at: Instant)
    case rolledBack(StopCause, order: TableOrder, at: Instant, harm: Harm = Harm())
    /// `order` is of the table that took its share, where it had one.
    case aborted(StopCause, order: TableOrder? = nil, at: Instant, findings: [Finding] = [])

    /// What a step rests on: nothing for the first, else what the guardrails said, and the person where one was needed.
    package struct Foundation: Hashable, Sendable {
        package var promotion: Envelope?
        package var findings: [Finding]

        package init(promotion: Envelope? = nil, findings: [Finding] = []) {
            self.promotion = promotion
            self.findings = findings
        }
    }

    /// What the guardrails saw, and when the decision was answered with which the harm was plain.
    package struct Harm: Hashable, Sendable {
        package var breach: Instant?
        package var findings: [Finding]

        package init(breach: Instant? = nil, findings: [Finding] = []) {
            self.breach = breach
            self.findings = findings
        }
    }

    package var kind: String {
        switch self {
        case .proposed: "release.proposed"
        case .sealed: "release.sealed"
        case .refused: "release.refused"
        case .approved: "release.approved"
        case .rejected: "release.rejected"
        case .preparing: "release.preparing"
        case .exposed: "release.exposed"
        case .paused: "release.paused"
        case .resumed: "release.resumed"
        case .escalated: "release.escalated"
        case .live: "release.live"
        case .superseded: "release.superseded"
        case .reinstated: "release.reinstated"
        case .rolledBack: "release.rolled-back"
        case .aborted: "release.aborted"
        }
    }

    /// What is done to the release, after "it cannot be".
    package var deed: String {
        switch self {
        case .proposed: "proposed again"
        case .sealed: "sealed"
        case .refused: "refused"
        case .approved: "approved"
        case .rejected: "rejected"
        case .preparing: "prepared"
        case .exposed: "exposed"
        case .paused: "paused"
        case .resumed: "resumed"
        case .escalated: "escalated"
        case .live: "made live"
        case .superseded: "superseded"
        case .reinstated: "reinstated"
        case .rolledBack: "rolled back"
        case .aborted: "aborted"
        }
    }

    package var at: Instant {
        switch self {
        case .proposed(_, let at), .sealed(_, let at), .refused(_, let at), .approved(_, let at), .rejected(_, let at), .preparing(_, let at),
            .exposed(_, _, let at, _), .paused(_, _, let at, _), .resumed(_, _, let at), .escalated(_, _, let at), .live(let at), .superseded(_, let at),
            .reinstated(_, let at), .rolledBack(_, _, let at, _), .aborted(_, _, let at, _):
            at
        }
    }
}

/// The JSON of an event: one flat object whose keys depend on the kind.
private struct ReleaseEventFields: Codable {
    var format = 1
    var release: ReleaseID
    var at: Instant
    var envelope: Envelope?
    var spec: Base64Bytes?
    var results: [CriterionResult]?
    var order: TableOrder?
    var step: Int?
    var reason: String?
    var by: String?
    var findings: [Finding]?
    var breach: Instant?
    var to: Role?

    mutating func take(_ cause: StopCause) {
        switch cause {
        case .order(let envelope): self.envelope = envelope
        case .controller(let reason): self.reason = reason
        }
    }

    /// Exactly one of a person's order and the controller's reason.
    var cause: StopCause? {
        switch (envelope, reason) {
        case (let envelope?, nil): .order(envelope)
        case (nil, let reason?): .controller(reason: reason)
        default: nil
        }
    }
}

extension ReleaseEvent {
    package func payload(of release: ReleaseID) -> [UInt8] {
        var fields = ReleaseEventFields(release: release, at: at)
        switch self {
        case .proposed(let envelope, _), .approved(let envelope, _), .rejected(let envelope, _): fields.envelope = envelope
        case .sealed(let spec, _): fields.spec = spec
        case .refused(let results, _): fields.results = results
        case .preparing(let order, _), .reinstated(let order, _): fields.order = order
        case .exposed(let step, let order, _, let founded):
            (fields.step, fields.order, fields.envelope) = (step, order, founded.promotion)
            fields.findings = founded.findings.isEmpty ? nil : founded.findings
        case .paused(let cause, let order, _, let findings):
            (fields.order, fields.findings) = (order, findings.isEmpty ? nil : findings)
            fields.take(cause)
        case .resumed(let envelope, let order, _): (fields.envelope, fields.order) = (envelope, order)
        case .escalated(let to, let reason, _): (fields.to, fields.reason) = (to, reason)
        case .live: break
        case .superseded(let successor, _): fields.by = successor.text
        case .rolledBack(let cause, let order, _, let harm):
            (fields.order, fields.breach, fields.findings) = (order, harm.breach, harm.findings.isEmpty ? nil : harm.findings)
            fields.take(cause)
        case .aborted(let cause, let order, _, let findings):
            (fields.order, fields.findings) = (order, findings.isEmpty ? nil : findings)
            fields.take(cause)
        }
        return StrictJSON.encode(fields)
    }

    /// Reads an entry's payload; `nil` when the kind is no release's.
    package static func read(kind: String, payload: [UInt8]) throws(ReleaseError) -> (release: ReleaseID, event: ReleaseEvent)? {
        guard kind.hasPrefix("release.") else { return nil }
        let fields: ReleaseEventFields
        do { fields = try StrictJSON.decode(from: payload) } catch {
            throw ReleaseError(.invalid, "the \(kind) entry cannot be read: \(StrictJSON.explain(error))")
        }
        guard fields.format == 1 else { throw ReleaseError(.invalid, "the \(kind) entry has format \(fields.format), which is newer than this program; update penstock") }
        guard let event = event(kind, fields) else {
            throw ReleaseError(.invalid, "the \(kind) entry lacks what its kind says, or the kind is newer than this program")
        }
        return (fields.release, event)
    }

    private static func event(_ kind: String, _ fields: ReleaseEventFields) -> ReleaseEvent? {
        let at = fields.at
        return switch kind {
        case "release.proposed": fields.envelope.map { .proposed($0, at: at) }
        case "release.sealed": fields.spec.map { .sealed(spec: $0, at: at) }
        case "release.refused": fields.results.map { .refused(results: $0, at: at) }
        case "release.approved": fields.envelope.map { .approved($0, at: at) }
        case "release.rejected": fields.envelope.map { .rejected($0, at: at) }
        case "release.preparing": fields.order.map { .preparing(order: $0, at: at) }
        case "release.live": .live(at: at)
        case "release.superseded": fields.by.flatMap { ReleaseID($0) }.map { .superseded(by: $0, at: at) }
        case "release.reinstated": fields.order.map { .reinstated(order: $0, at: at) }
        default: detailed(kind, fields)
        }
    }

    private static func detailed(_ kind: String, _ fields: ReleaseEventFields) -> ReleaseEvent? {
        let at = fields.at, findings = fields.findings ?? []
        switch (kind, fields.order, fields.cause) {
        case ("release.exposed", let order?, _):
            return fields.step.map { .exposed(step: $0, order: order, at: at, founded: .init(promotion: fields.envelope, findings: findings)) }
        case ("release.resumed", let order?, _): return fields.envelope.map { .resumed($0, order: order, at: at) }
        case ("release.escalated", nil, .controller(let reason)?): return fields.to.map { .escalated(to: $0, reason: reason, at: at) }
        case ("release.paused", let order?, let cause?): return .paused(cause, order: order, at: at, findings: findings)
        case ("release.rolled-back", let order?, let cause?): return .rolledBack(cause, order: order, at: at, harm: .init(breach: fields.breach, findings: findings))
        case ("release.aborted", let order, let cause?): return .aborted(cause, order: order, at: at, findings: findings)
        default: return nil
        }
    }
}
