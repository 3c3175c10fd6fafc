// One step of a rollout under its guardrails: when it may go on, when it must not, and what happens when nobody can say.
package import Primitives

/// What follows, in this order, when a step is undecided at its deadline. Inconclusive is never success, so the last is always `abort`.
package enum UndecidedMove: String, Hashable, Sendable, Codable, CaseIterable {
    case pause, ask, abort
}

/// What a step needs before the next, from the policy's exposure and `on_undecided`.
package struct StepPlan: Hashable, Sendable, Codable {
    /// The candidate's own matured decisions that must be at hand.
    package var decisions: Int
    package var deadline: Duration
    /// In the policy's order, ending with `abort`.
    package var undecided: [UndecidedMove]
    /// Between one move and the next.
    package var patience: Duration
    /// The next step is `live`, which needs proof where a guardrail asks for it.
    package var leadsToLive: Bool

    package init(decisions: Int, deadline: Duration, undecided: [UndecidedMove], patience: Duration, leadsToLive: Bool) {
        self.decisions = decisions
        self.deadline = deadline
        self.undecided = undecided
        self.patience = patience
        self.leadsToLive = leadsToLive
    }
}

/// What should be true of the release now. Level-triggered: the same look asks for the same, so doing it twice is harmless.
package enum StepVerdict: Hashable, Sendable, Codable {
    /// Goes on at this share.
    case watching
    /// May go on to the next step.
    case ready
    /// A guardrail could not be measured: the share stays, and people are told.
    case held(signals: [String])
    /// Harm, and the strongest action of the guardrails that found it.
    case harmed(action: HarmAction, signals: [String])
    /// Past the deadline without an answer.
    case overdue(move: UndecidedMove)
    /// Aborted: undecided, or unmeasured, for too long.
    case aborted
}

/// A rule and what its guardrail said at this look.
package struct StepSignal: Hashable, Sendable {
    package var rule: GuardrailRule
    package var answer: GuardrailAnswer

    package init(_ rule: GuardrailRule, _ answer: GuardrailAnswer) {
        self.rule = rule
        self.answer = answer
    }
}

/// The state machine of one step. It never waits: each look gives the answers, the count and the time, on the clock that the policy names.
package struct StepWatch: Hashable, Sendable, Codable {
    /// Each case's comment lists the cases that may follow.
    package enum Phase: Hashable, Sendable, Codable {
        /// → paused, overdue, rolledBack, aborted
        case running
        /// Harm whose guardrail asks for a pause. → running when a person has accepted it, rolledBack, aborted
        case paused(signals: [String])
        /// → running when a person extends the deadline, rolledBack, aborted
        case overdue
        /// For good.
        case rolledBack(signals: [String])
        /// For good.
        case aborted
    }

    package let plan: StepPlan
    package private(set) var phase = Phase.running
    package private(set) var deadline: Instant
    /// Signals whose harm a person has accepted for this step; they never roll back by themselves again.
    package private(set) var accepted: [String] = []
    /// Enough was known before the deadline. From then on the step waits for whoever lets it go on, not the other way about.
    package private(set) var wasReadyInTime = false
    /// A clock that is set back must not give time back.
    private var latest: Instant

    /// `accepted` and `extension` are what people have allowed this step so far.
    package init(_ plan: StepPlan, at now: Instant, accepted: [String] = [], extension span: Duration = .zero) {
        self.plan = plan
        self.accepted = accepted
        deadline = now.adding(plan.deadline).adding(span)
        latest = now
    }

    package mutating func look(_ signals: [StepSignal], decisions: Int, at now: Instant) -> StepVerdict {
        latest = max(latest, now)
        switch phase {
        case .rolledBack(let signals): return .harmed(action: .rollback, signals: signals)
        case .aborted: return .aborted
        case .running, .paused, .overdue: break
        }
        let harmful = signals.filter { $0.answer == .harm && !accepted.contains($0.rule.signal.description) }
        if let action = harmful.map(\.rule.then).max() {
            let names = harmful.filter { $0.rule.then == action }.map(\.rule.signal.description)
            if action == .rollback {
                phase = .rolledBack(signals: names)
                return .harmed(action: action, signals: names)
            }
            if latest < deadline { return pause(names) }
        }
        // A pause is a person's to end, even where the harm is no longer told.
        if case .paused = phase, latest < deadline { return pause([]) }
        return calm(signals, decisions: decisions)
    }

    private mutating func pause(_ found: [String]) -> StepVerdict {
        var names: [String] = []
        if case .paused(let before) = phase { names = before }
        names += found.filter { !names.contains($0) }
        phase = .paused(signals: names)
        return .harmed(action: .pause, signals: names)
    }

    private mutating func calm(_ signals: [StepSignal], decisions: Int) -> StepVerdict {
        let errored = signals.filter { $0.answer == .errored }.map(\.rule.signal.description)
        let unproved = plan.leadsToLive && signals.contains { $0.rule.proves && $0.answer != .noWorse }
        let isReady = errored.isEmpty && decisions >= plan.decisions && !unproved
        if isReady, latest < deadline { wasReadyInTime = true }
        guard latest < deadline || (isReady && wasReadyInTime) else { return beyondDeadline(errored: !errored.isEmpty) }
        phase = .running
        if !errored.isEmpty { return .held(signals: errored) }
        return isReady ? .ready : .watching
    }

    /// What becomes known after the deadline does not undo it: only a person gives more time.
    private mutating func beyondDeadline(errored: Bool) -> StepVerdict {
        phase = .overdue
        let late = latest.since(deadline)
        let passed = plan.patience > .zero ? Int(min(late / plan.patience, 1000)) : plan.undecided.count
        let move = errored ? .abort : plan.undecided.indices.contains(passed) ? plan.undecided[passed] : .abort
        guard move == .abort else { return .overdue(move: move) }
        phase = .aborted
        return .aborted
    }

    /// A person gives the step more time, counted from now. False when it has ended for good.
    package mutating func extend(by span: Duration, at now: Instant) -> Bool {
        guard !hasEnded, span > .zero else { return false }
        latest = max(latest, now)
        deadline = max(deadline, latest.adding(span))
        if case .overdue = phase { phase = .running }
        return true
    }

    /// A person has looked at a harm that pauses and lets the step go on. False unless it is paused for that signal.
    package mutating func accept(_ signal: GuardrailSignal) -> Bool {
        guard case .paused(let signals) = phase, signals.contains(signal.description) else { return false }
        accepted.append(signal.description)
        let rest = signals.filter { $0 != signal.description }
        phase = rest.isEmpty ? .running : .paused(signals: rest)
        return true
    }

    package var hasEnded: Bool {
        switch phase {
        case .rolledBack, .aborted: true
        case .running, .paused, .overdue: false
        }
    }
}
