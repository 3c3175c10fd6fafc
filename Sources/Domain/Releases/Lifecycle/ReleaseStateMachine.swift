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
    /// → exposed on the next step, live, rolledBack, aborted
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

/// Where an exposed release stands on its plan.
package struct ExposureState: Hashable, Sendable {
    package var step: Int
    /// When the step began.
    package var since: Instant
    /// Why its share is taken for now; `nil` while it has it.
    package var paused: String?
    /// Signals whose harm people have accepted for this step.
    package var accepted: [String] = []
    /// What people have added to the step's deadline.
    package var extensionSeconds: Int64 = 0
    /// What people were asked since the step began, oldest first.
    package var escalations: [String] = []

    package init(step: Int, since: Instant, paused: String? = nil, accepted: [String] = [], extensionSeconds: Int64 = 0, escalations: [String] = []) {
        self.step = step
        self.since = since
        self.paused = paused
        self.accepted = accepted
        self.extensionSeconds = extensionSeconds
        self.escalations = escalations
    }
}

/// A release as its events tell it. A pure fold: the same events give the same value, with no clock and no store.
package struct Release: Hashable, Sendable {
    package private(set) var proposal: Proposal
    package private(set) var proposalEnvelope: Envelope
    package private(set) var phase: ReleasePhase
    package private(set) var spec: Base64Bytes?
    /// What `spec` says.
    package private(set) var sealed: ReleaseSpec?
    package private(set) var approvals: [Envelope] = []
    package private(set) var results: [CriterionResult] = []
    /// The newest table that an event of this release names.
    package private(set) var order: TableOrder?
    /// There from the first step to the last.
    package private(set) var exposure: ExposureState?
    /// The order by which a person let it go live.
    package private(set) var promotion: Envelope?
    /// When the decision was answered with which harm was plain; there after a rollback by guardrails.
    package private(set) var breach: Instant?
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
            next.sealed = sealed
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
        case (.preparing, .exposed(let step, let order, let at, _)):
            guard step == 0 else { throw ReleaseError(.exposure, "\(id) begins with step 0 of its plan, not with step \(step)") }
            try next.expose(step: step, order: order, at: at)
        case (.exposed, .exposed(let step, let order, let at, let founded)):
            try next.widen(to: step, order: order, at: at, founded, trust: trust)
        case (.exposed, .paused(let cause, let order, _, _)) where isOnWatchedStep && exposure?.paused == nil:
            next.exposure?.paused = try cause.ending(.pause, of: id, trust: trust)
            next.order = order
        case (.exposed, .resumed(let envelope, let order, _)) where isOnWatchedStep:
            try next.resume(envelope, order: order, trust: trust)
        case (.exposed, .escalated(let to, let reason, _)):
            next.exposure?.escalations.append("\(to) is asked: \(reason)")
        case (.exposed, .live) where !isOnWatchedStep:
            next.phase = .live
        case (.live, .superseded(let successor, _)):
            next.phase = .superseded
            next.ending = "superseded by \(successor)"
        case (.superseded, .reinstated(let order, _)):
            next.phase = .live
            next.order = order
            next.ending = nil
        case (.exposed, .rolledBack(let cause, let order, _, let harm)), (.live, .rolledBack(let cause, let order, _, let harm)):
            next.ending = try cause.ending(.rollback, of: id, trust: trust)
            next.breach = harm.breach
            next.phase = .rolledBack
            next.order = order
        case (.validating, .aborted(let cause, nil, _, _)), (.awaitingApproval, .aborted(let cause, nil, _, _)), (.preparing, .aborted(let cause, nil, _, _)):
            next.ending = try cause.ending(.abort, of: id, trust: trust)
            next.phase = .aborted
        case (.exposed, .aborted(let cause, let order?, _, _)) where isOnWatchedStep:
            next.ending = try cause.ending(.abort, of: id, trust: trust)
            next.phase = .aborted
            next.order = order
        case (_, .proposed), (_, .sealed), (_, .refused), (_, .approved), (_, .rejected), (_, .preparing), (_, .exposed), (_, .paused),
            (_, .resumed), (_, .escalated), (_, .live), (_, .superseded), (_, .reinstated), (_, .rolledBack), (_, .aborted):
            throw ReleaseError(.phase, "\(id) is \(phase.rawValue), so it cannot be \(event.deed)\(Self.advice(event, phase))")
        }
        next.changed = event.at
        self = next
    }

    package func tally(trust: TrustRoot) throws(ReleaseError) -> ApprovalTally {
        guard let sealed, let digest = specDigest else {
            throw ReleaseError(.phase, "\(id) has no spec to approve yet; its evidence is still being collected")
        }
        var opened: [Approval] = []
        for envelope in approvals { opened.append(try Approval.open(envelope, for: sealed, digest: digest, trust: trust)) }
        return ApprovalTally(spec: sealed, trust: trust, approvals: opened)
    }

    private func opened(_ envelope: Envelope, answer: Approval.Answer, trust: TrustRoot) throws(ReleaseError) -> Approval {
        guard let sealed, let digest = specDigest else { throw ReleaseError(.phase, "\(id) has no spec to approve yet") }
        let approval = try Approval.open(envelope, for: sealed, digest: digest, trust: trust)
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

    private func plan() throws(ReleaseError) -> ReleaseSpec {
        guard let sealed else { throw ReleaseError(.phase, "\(id) has no spec") }
        return sealed
    }

    /// On a step that others follow.
    private var isOnWatchedStep: Bool {
        guard let exposure, let spec = try? plan() else { return false }
        return spec.exposure.indices.contains(exposure.step) && spec.exposure[exposure.step] != .live
    }

    private mutating func expose(step: Int, order: TableOrder, at: Instant) throws(ReleaseError) {
        let steps = try plan().exposure
        guard steps.indices.contains(step) else {
            throw ReleaseError(.exposure, "\(id) has \(steps.count) steps in its approved plan, and step \(step) is not one of them")
        }
        phase = .exposed
        exposure = ExposureState(step: step, since: at)
        self.order = order
    }

    private mutating func widen(to step: Int, order: TableOrder, at: Instant, _ founded: ReleaseEvent.Foundation, trust: TrustRoot) throws(ReleaseError) {
        guard let exposure, step == exposure.step + 1 else {
            throw ReleaseError(.exposure, "\(id) goes from one step of its plan to the next, and step \(step) is not the next")
        }
        guard exposure.paused == nil else { throw ReleaseError(.phase, "\(id) is \(exposure.paused ?? "paused"); it cannot get more traffic before a person resumes it") }
        let sealed = try plan()
        if let envelope = founded.promotion {
            let signed = try advance(envelope, trust)
            guard signed.action == .promote, signed.step == step else {
                throw ReleaseError(.exposure, "the order of \(signed.person) is not to promote \(id) to step \(step)")
            }
        } else if sealed.exposure.indices.contains(step), sealed.rollout?.autonomy.mayTake(sealed.exposure[step]) != true {
            throw ReleaseError(.authority, "\(id) goes to '\(sealed.exposure[step].spelled)' only by a person's signed order; promote it with 'penstock release promote \(id)'")
        }
        try expose(step: step, order: order, at: at)
        if sealed.exposure[step] == .live { promotion = founded.promotion }
    }

    private func advance(_ envelope: Envelope, _ trust: TrustRoot) throws(ReleaseError) -> AdvanceOrder {
        guard let sealed, let digest = specDigest else { throw ReleaseError(.phase, "\(id) has no spec") }
        return try AdvanceOrder.open(envelope, for: sealed, digest: digest, trust: trust)
    }

    private mutating func resume(_ envelope: Envelope, order: TableOrder, trust: TrustRoot) throws(ReleaseError) {
        let signed = try advance(envelope, trust)
        guard signed.action == .resume, let state = exposure, signed.step == state.step else {
            throw ReleaseError(.exposure, "the order of \(signed.person) is not to resume the step that \(id) is on")
        }
        guard state.paused != nil || signed.extensionSeconds > 0 else { throw ReleaseError(.phase, "\(id) is exposed, so it cannot be resumed; it can be given more time") }
        exposure?.paused = nil
        exposure?.accepted += signed.accepting.filter { !state.accepted.contains($0) }
        exposure?.extensionSeconds = min(state.extensionSeconds + signed.extensionSeconds, ExposureStep.mostSeconds)
        exposure?.escalations = []
        self.order = order
    }

    private static func advice(_ event: ReleaseEvent, _ phase: ReleasePhase) -> String {
        if phase.isTerminal { return "; it has ended for good, and the same change needs a new proposal" }
        if case .aborted = event, phase != .superseded { return "; it answers, so roll it back" }
        return ""
    }
}
