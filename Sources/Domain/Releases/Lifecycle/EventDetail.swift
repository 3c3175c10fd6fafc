// What people want to read of an event, beside its kind and time.
private import Evidence
package import Primitives

extension ReleaseEvent {
    /// `release` is the one that the event has just changed. `nil` where the kind says it all.
    func detail(of release: Release) -> String? {
        switch self {
        case .approved(let envelope, _), .rejected(let envelope, _):
            (try? envelope.decodeUnverified(Approval.self, as: Approval.payloadType)).map { "\($0.person) as \($0.role)" }
        case .exposed(let step, _, _, let founded): exposed(step, founded, release)
        case .paused(let cause, _, _, let findings): ([cause.words] + findings.map(\.spelled)).joined(separator: "; ")
        case .resumed(let envelope, _, _): Self.advance(envelope).map { "by \($0.person): \($0.reason)" }
        case .escalated(let to, let reason, _): "\(to) is asked: \(reason)"
        case .rolledBack(let cause, _, _, let harm): ([cause.words] + harm.findings.map(\.spelled)).joined(separator: "; ")
        case .aborted(let cause, _, _, let findings): ([cause.words] + findings.map(\.spelled)).joined(separator: "; ")
        case .superseded(let successor, _): "by \(successor)"
        case .refused(let results, _): results.filter { $0.verdict != .met }.map { "\($0.criterion): \($0.verdict.rawValue)" }.joined(separator: "; ")
        case .proposed, .sealed, .preparing, .live, .reinstated: nil
        }
    }

    /// What a person signed that this event came from; `nil` where the controller acted by itself.
    func signed(of release: Release) -> SignedDeed? {
        switch self {
        case .proposed(let envelope, _):
            guard let proposal: Proposal = try? envelope.decodeUnverified(as: Proposal.payloadType) else { return nil }
            return SignedDeed(person: proposal.proposer, deed: "proposed", reason: proposal.reason, spec: nil, signed: proposal.proposed)
        case .approved(let envelope, _), .rejected(let envelope, _):
            guard let approval: Approval = try? envelope.decodeUnverified(as: Approval.payloadType) else { return nil }
            let deed = "\(approval.answer == .approve ? "approved" : "rejected") as \(approval.role)"
            return SignedDeed(person: approval.person, deed: deed, reason: approval.reason, spec: approval.spec, signed: approval.signed)
        case .exposed(_, _, _, let founded): return founded.promotion.flatMap { SignedDeed(advance: $0, Self.plan(of: release)) }
        case .resumed(let envelope, _, _): return SignedDeed(advance: envelope, Self.plan(of: release))
        case .paused(.order(let envelope), _, _, _): return SignedDeed(stop: envelope, "paused")
        case .rolledBack(.order(let envelope), _, _, _): return SignedDeed(stop: envelope, "rolled back")
        case .aborted(.order(let envelope), _, _, _): return SignedDeed(stop: envelope, "aborted")
        case .paused, .rolledBack, .aborted, .sealed, .refused, .preparing, .escalated, .live, .superseded, .reinstated: return nil
        }
    }

    private static func plan(of release: Release) -> [ExposureStep] { release.sealed?.exposure ?? [] }

    private func exposed(_ step: Int, _ founded: Foundation, _ release: Release) -> String {
        let plan = Self.plan(of: release)
        let name = plan.indices.contains(step) ? plan[step].spelled : "step \(step)"
        let person = founded.promotion.flatMap(Self.advance).map { ["promoted by \($0.person): \($0.reason)"] } ?? []
        return ([name] + person + founded.findings.map(\.spelled)).joined(separator: "; ")
    }

    private static func advance(_ envelope: Envelope) -> AdvanceOrder? { try? envelope.decodeUnverified(as: AdvanceOrder.payloadType) }
}

extension StopCause {
    fileprivate var words: String {
        switch self {
        case .controller(let reason): "by the controller: \(reason)"
        case .order(let envelope):
            (try? envelope.decodeUnverified(StopOrder.self, as: StopOrder.payloadType)).map { "by \($0.person): \($0.reason)" } ?? "by an order that cannot be read"
        }
    }
}

/// What a person signed of a release's history, for those who read it. The envelopes themselves are in the ledger.
package struct SignedDeed: Codable, Hashable, Sendable {
    package var person: PersonID
    /// In words: `approved as reviewer`, `promoted to live`.
    package var deed: String
    package var reason: String
    /// The spec that the signature covers; `nil` of a proposal, before there is one, and of an order to stop, which holds whatever the spec.
    package var spec: Digest?
    package var signed: Instant

    package init(person: PersonID, deed: String, reason: String, spec: Digest?, signed: Instant) {
        self.person = person
        self.deed = deed
        self.reason = reason
        self.spec = spec
        self.signed = signed
    }

    fileprivate init?(stop envelope: Envelope, _ deed: String) {
        guard let order: StopOrder = try? envelope.decodeUnverified(as: StopOrder.payloadType) else { return nil }
        self.init(person: order.person, deed: deed, reason: order.reason, spec: nil, signed: order.signed)
    }

    fileprivate init?(advance envelope: Envelope, _ plan: [ExposureStep]) {
        guard let order: AdvanceOrder = try? envelope.decodeUnverified(as: AdvanceOrder.payloadType) else { return nil }
        let step = plan.indices.contains(order.step) ? plan[order.step].spelled : "step \(order.step)"
        var deed = order.action == .promote ? "promoted to \(step)" : "resumed \(step)"
        if !order.accepting.isEmpty { deed += ", accepting \(order.accepting.joined(separator: ", "))" }
        if order.extensionSeconds > 0 { deed += ", \(Duration.seconds(order.extensionSeconds).spelled) more" }
        self.init(person: order.person, deed: deed, reason: order.reason, spec: order.spec, signed: order.signed)
    }
}
