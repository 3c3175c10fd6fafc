// One release's life: which event may follow which, and what is then true.
package import Evidence
package import Primitives

/// Where a release stands. Each phase's comment lists the phases that may follow.
package enum ReleasePhase: String, Codable, Hashable, Sendable, CaseIterable {
    /// → awaitingApproval, refused, aborted
    case validating
    /// → preparing, rejected, aborted
    case awaitingApproval = "awaiting approval"
    /// → exposed, aborted
    case preparing
    /// → live, rolledBack
    case exposed
    /// → superseded, rolledBack
    case live
    /// → live, when its successor is rolled back
    case superseded
    case refused
    case rejected
    case aborted
    case rolledBack = "rolled back"

    /// Ended for good: the same change needs a new proposal and new approvals.
    package var isTerminal: Bool {
        switch self {
        case .refused, .rejected, .aborted, .rolledBack: true
        case .validating, .awaitingApproval, .preparing, .exposed, .live, .superseded: false
        }
    }
}

/// A release as its events tell it. A pure fold: the same events give the same value, with no clock and no store.
package struct Release: Hashable, Sendable {
    package private(set) var proposal: Proposal
    package private(set) var proposalEnvelope: Envelope
    package private(set) var phase: ReleasePhase
    package private(set) var spec: Base64Bytes?
    package private(set) var approvals: [Envelope] = []
    package private(set) var results: [CriterionResult] = []
    /// The newest table that an event of this release names.
    package private(set) var order: TableOrder?
    /// Why it ended, in words; `nil` while it goes on.
    package private(set) var ending: String?
    package private(set) var changed: Instant

    package var id: ReleaseID { proposal.release }
    package var specDigest: Digest? { spec.map { Digest.of($0.bytes) } }

    /// Begins with the `proposed` event; the signature is checked against the trust root.
    package init(_ event: ReleaseEvent, trust: TrustRoot) throws(ReleaseError) {
        guard case .proposed(let envelope, let at) = event else {
            throw ReleaseError(.phase, "a release begins with a proposal, not with \(event.kind)")
        }
        proposal = try Proposal.open(envelope, trust: trust)
        proposalEnvelope = envelope
        phase = .validating
        changed = at
    }

    package static func fold(_ events: some Sequence<ReleaseEvent>, trust: TrustRoot) throws(ReleaseError) -> Release? {
        var release: Release?
        for event in events {
            if release == nil {
                release = try Release(event, trust: trust)
            } else {
                try release?.apply(event, trust: trust)
            }
        }
        return release
    }

    /// Takes the next event, or throws and changes nothing when it may not follow.
    package mutating func apply(_ event: ReleaseEvent, trust: TrustRoot) throws(ReleaseError) {
        var next = self
        switch (phase, event) {
        case (.validating, .sealed(let spec, _)):
            let sealed = try ReleaseSpec.read(spec.bytes)
            guard sealed.proposal == proposal else { throw ReleaseError(.invalid, "the sealed spec is not the one that was proposed as \(id)") }
            guard sealed.criteria.allSatisfy({ $0.verdict == .met }) else {
                throw ReleaseError(.evidence, "\(id) cannot be sealed while a criterion is not met")
            }
            next.phase = .awaitingApproval
            next.spec = spec
            next.results = sealed.criteria
        case (.validating, .refused(let results, _)):
            next.phase = .refused
            next.results = results
            next.ending = results.filter { $0.verdict != .met }.map { "\($0.criterion): \($0.verdict.rawValue)" }.joined(separator: "; ")
        case (.awaitingApproval, .approved(let envelope, _)):
            try next.add(envelope, answer: .approve, trust: trust)
        case (.awaitingApproval, .rejected(let envelope, _)):
            let approval = try next.opened(envelope, answer: .reject, trust: trust)
            next.phase = .rejected
            next.ending = "rejected by \(approval.person): \(approval.reason)"
        case (.awaitingApproval, .preparing(let order, _)):
            let tally = try tally(trust: trust)
            guard tally.isComplete else { throw ReleaseError(.authority, "\(id) is not approved: \(tally.spelled) must still sign") }
            next.phase = .preparing
            next.order = order
        case (.preparing, .exposed(let step, let order, _)):
            try next.expose(step: step, order: order)
        case (.exposed, .live):
            next.phase = .live
        case (.live, .superseded(let successor, _)):
            next.phase = .superseded
            next.ending = "superseded by \(successor)"
        case (.superseded, .reinstated(let order, _)):
            next.phase = .live
            next.order = order
            next.ending = nil
        case (.exposed, .rolledBack(let cause, let order, _)), (.live, .rolledBack(let cause, let order, _)):
            next.ending = try cause.ending(.rollback, of: id, trust: trust)
            next.phase = .rolledBack
            next.order = order
        case (.validating, .aborted(let cause, _)), (.awaitingApproval, .aborted(let cause, _)), (.preparing, .aborted(let cause, _)):
            next.ending = try cause.ending(.abort, of: id, trust: trust)
            next.phase = .aborted
        case (_, .proposed), (_, .sealed), (_, .refused), (_, .approved), (_, .rejected), (_, .preparing), (_, .exposed), (_, .live),
            (_, .superseded), (_, .reinstated), (_, .rolledBack), (_, .aborted):
            throw ReleaseError(.phase, "\(id) is \(phase.rawValue), so it cannot be \(event.deed)\(Self.advice(phase))")
        }
        next.changed = event.at
        self = next
    }

    package func tally(trust: TrustRoot) throws(ReleaseError) -> ApprovalTally {
        guard let spec, let digest = specDigest else {
            throw ReleaseError(.phase, "\(id) has no spec to approve yet; its evidence is still being collected")
        }
        let sealed = try ReleaseSpec.read(spec.bytes)
        var opened: [Approval] = []
        for envelope in approvals { opened.append(try Approval.open(envelope, for: sealed, digest: digest, trust: trust)) }
        return ApprovalTally(spec: sealed, trust: trust, approvals: opened)
    }

    private func opened(_ envelope: Envelope, answer: Approval.Answer, trust: TrustRoot) throws(ReleaseError) -> Approval {
        guard let spec, let digest = specDigest else { throw ReleaseError(.phase, "\(id) has no spec to approve yet") }
        let approval = try Approval.open(envelope, for: try ReleaseSpec.read(spec.bytes), digest: digest, trust: trust)
        guard approval.answer == answer else { throw ReleaseError(.invalid, "the signed answer of \(approval.person) is '\(approval.answer.rawValue)'") }
        return approval
    }

    private mutating func add(_ envelope: Envelope, answer: Approval.Answer, trust: TrustRoot) throws(ReleaseError) {
        let approval = try opened(envelope, answer: answer, trust: trust)
        for earlier in approvals {
            let other: Approval
            do { other = try earlier.decodeUnverified(as: Approval.payloadType) } catch { throw ReleaseError(.invalid, error.message) }
            guard other.person != approval.person || (trust.solo && other.role != approval.role) else {
                throw ReleaseError(.fourEyes, "\(approval.person) has already signed \(id); another person must")
            }
        }
        approvals.append(envelope)
    }

    private mutating func expose(step: Int, order: TableOrder) throws(ReleaseError) {
        guard let spec else { throw ReleaseError(.phase, "\(id) has no spec") }
        let plan = try ReleaseSpec.read(spec.bytes).exposure
        guard plan.indices.contains(step) else {
            throw ReleaseError(.exposure, "\(id) has \(plan.count) steps in its approved plan, and step \(step) is not one of them")
        }
        phase = .exposed
        self.order = order
    }

    private static func advice(_ phase: ReleasePhase) -> String {
        phase.isTerminal ? "; it has ended for good, and the same change needs a new proposal" : ""
    }
}
