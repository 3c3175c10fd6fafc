// By what a release is judged while it is exposed, and what may then be done without a person.
package import Guardrails
package import Primitives

/// On what deadlines, maturity and windows of a rollout run. Leases, request deadlines and milliseconds of a rollback are always monotonic.
package enum PolicyClock: String, Codable, Hashable, Sendable, CaseIterable {
    case wall
    /// The greatest `time`-role value in accepted requests, so that history can be replayed as if it were now. It stands still without traffic.
    case replay
}

package struct Autonomy: Codable, Hashable, Sendable {
    package enum Deed: String, Codable, Hashable, Sendable, CaseIterable {
        case pause, rollback, expand, promote
    }

    /// What the controller does by itself.
    package var alone: [Deed]
    /// The greatest share to which it expands by itself.
    package var expandUpTo: Double
    /// What needs a person's signature: `promote`, the step to live.
    package var needsPerson: [Deed]

    package init(alone: [Deed], expandUpTo: Double, needsPerson: [Deed]) {
        self.alone = alone
        self.expandUpTo = expandUpTo
        self.needsPerson = needsPerson
    }

    /// Less exposure needs nobody; more needs a person.
    package static let cautious = Autonomy(alone: [.pause, .rollback], expandUpTo: 0, needsPerson: [.promote])

    /// Whether the controller may take this step by itself.
    package func mayTake(_ step: ExposureStep) -> Bool {
        switch step {
        case .shadow: alone.contains(.expand)
        case .canary(let share, _): alone.contains(.expand) && share <= expandUpTo
        case .live: alone.contains(.promote) && !needsPerson.contains(.promote)
        }
    }
}

/// Who is told when the controller cannot say, and how long each of its moves waits for them.
package struct Escalation: Codable, Hashable, Sendable {
    package var to: Role
    package var afterSeconds: Int64

    package init(to: Role, after: Duration) {
        self.to = to
        afterSeconds = after.components.seconds
    }
}

/// The part of a spec that steers its exposure. Approved with the rest, so that a node can judge by it without the control plane.
package struct RolloutTerms: Codable, Hashable, Sendable {
    package var clock: PolicyClock
    /// In the policy's order.
    package var guardrails: [GuardrailRule]
    package var undecided: [UndecidedMove]
    package var autonomy: Autonomy
    package var escalation: Escalation?
    /// How long after a decision its outcome counts as known.
    package var maturesAfterSeconds: Int64
    /// Rates that the release means to move, by outcome: candidate minus champion. A guardrail on such a rate is centred there.
    package var expectedRates: [String: Double]

    package init(
        clock: PolicyClock, guardrails: [GuardrailRule], undecided: [UndecidedMove], autonomy: Autonomy, escalation: Escalation?, maturesAfter: Duration,
        expectedRates: [String: Double]
    ) {
        self.clock = clock
        self.guardrails = guardrails
        self.undecided = undecided
        self.autonomy = autonomy
        self.escalation = escalation
        maturesAfterSeconds = maturesAfter.components.seconds
        self.expectedRates = expectedRates
    }

    /// Between one move and the next when a step is undecided.
    package var patience: Duration { .seconds(escalation?.afterSeconds ?? 1800) }

    var isSound: Bool {
        !guardrails.isEmpty && undecided.last == .abort && maturesAfterSeconds >= 0 && patience >= .seconds(1)
            && Set(guardrails.map(\.signal)).count == guardrails.count && expectedRates.values.allSatisfy { abs($0) < 1 }
    }
}

extension ReleaseSpec {
    /// A keyed sample of the requests is scored by both arms: the largest one that a shadow step of the plan has, and all where there is none.
    package var pairedShare: Double {
        exposure.map { if case .shadow(let share, _) = $0 { share } else { 0 } }.max().flatMap { $0 > 0 ? $0 : nil } ?? 1
    }

    /// What the release must have to leave a step; `nil` where it is live or has no such step.
    package func stepPlan(_ step: Int) -> StepPlan? {
        guard let rollout, exposure.indices.contains(step), let needs = exposure[step].needs else { return nil }
        return StepPlan(
            decisions: needs.decisions, deadline: needs.deadline, undecided: rollout.undecided, patience: rollout.patience,
            leadsToLive: exposure.indices.contains(step + 1) && exposure[step + 1] == .live)
    }

    /// Whether the step to live needs a person's signed order.
    package var needsPromotion: Bool {
        guard let rollout, exposure.count > 1 else { return false }
        return !rollout.autonomy.mayTake(.live)
    }
}
