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
    /// This table gives the release the share of a step of its plan.
    case exposed(step: Int, order: TableOrder, at: Instant)
    /// Nodes were seen answering with it.
    case live(at: Instant)
    case superseded(by: ReleaseID, at: Instant)
    /// Its successor was taken back, and it answers again.
    case reinstated(order: TableOrder, at: Instant)
    case rolledBack(StopCause, order: TableOrder, at: Instant)
    case aborted(StopCause, at: Instant)

    package var kind: String {
        switch self {
        case .proposed: "release.proposed"
        case .sealed: "release.sealed"
        case .refused: "release.refused"
        case .approved: "release.approved"
        case .rejected: "release.rejected"
        case .preparing: "release.preparing"
        case .exposed: "release.exposed"
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
            .exposed(_, _, let at), .live(let at), .superseded(_, let at), .reinstated(_, let at), .rolledBack(_, _, let at),
            .aborted(_, let at):
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
        case .exposed(let step, let order, _): (fields.step, fields.order) = (step, order)
        case .live: break
        case .superseded(let successor, _): fields.by = successor.text
        case .rolledBack(let cause, let order, _):
            fields.order = order
            fields.take(cause)
        case .aborted(let cause, _): fields.take(cause)
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
        switch (kind, fields.step, fields.order, fields.cause) {
        case ("release.exposed", let step?, let order?, _): .exposed(step: step, order: order, at: fields.at)
        case ("release.rolled-back", _, let order?, let cause?): .rolledBack(cause, order: order, at: fields.at)
        case ("release.aborted", _, _, let cause?): .aborted(cause, at: fields.at)
        default: nil
        }
    }
}
