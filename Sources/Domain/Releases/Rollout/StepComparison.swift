// One step of a rollout as a fold over what was compared in it: guardrails, matured decisions, verdict.
package import Decisions
package import Guardrails
package import Primitives

/// Takes comparisons and outcomes in the order in which they were stored, and answers what should be true of the release now. The same sequence gives
/// the same answers, so whoever restarts folds again.
package struct StepComparison: Sendable {
    /// Who looks at the guardrails. All of them together keep to the rule's alpha: each step begins anew with its part, half of which is the
    /// controller's and half the nodes'.
    package enum Watcher: Sendable {
        case controller
        case node(of: Int)

        var part: Double {
            switch self {
            case .controller: 0.5
            case .node(let count): 0.5 / Double(max(1, count))
            }
        }
    }

    /// Whose harm a person accepts, and how much longer a step may take.
    package struct Grants: Hashable, Sendable {
        package var accepted: [String]
        package var extensionSeconds: Int64

        package init(accepted: [String] = [], extensionSeconds: Int64 = 0) {
            self.accepted = accepted
            self.extensionSeconds = extensionSeconds
        }
    }

    package let step: Int
    package let plan: StepPlan
    /// The share that the step plans; 0 in shadow.
    package let share: Double
    private let terms: RolloutTerms
    private let grants: Grants
    private var guardrails: [Guardrail]
    private var watch: StepWatch?
    /// Split traffic counts by window: the day on the policy's clock, and the share in force.
    private var window: Window?
    /// When the candidate's first decisions were made: as many as the step needs, the oldest first.
    private var decided: [Instant] = []
    /// The newest time on the policy's clock.
    package private(set) var latest: Instant?
    /// Comparisons of this step.
    package private(set) var count = 0
    /// Decisions that the candidate answered.
    package private(set) var answered = 0
    /// When the newest of them was answered, on the node's clock.
    package private(set) var lastAnswered: Instant?
    /// When the decision was answered with which some harm that rolls back was first plain.
    package private(set) var breach: Instant?

    private struct Window: Hashable {
        var day: Int64
        var share: Double
    }

    /// `nil` where the spec has no such step, or none that is compared. `began` is when the step began on the wall clock; on the replay clock it begins with
    /// its first comparison.
    package init?(_ spec: ReleaseSpec, step: Int, watcher: Watcher, began: Instant, grants: Grants = Grants()) {
        guard let terms = spec.rollout, let plan = spec.stepPlan(step) else { return nil }
        self.step = step
        self.plan = plan
        self.terms = terms
        self.grants = grants
        let share = spec.exposure[step].share
        self.share = share
        let parts = Double(max(1, spec.exposure.count { $0 != .live }))
        guardrails = terms.guardrails.compactMap { rule in
            // Nothing is split in shadow, so what compares split traffic waits for the canary.
            guard rule.signal.isPaired || share > 0 else { return nil }
            var rule = rule
            rule.alpha *= watcher.part / parts
            var expected = 0.0
            if case .rate(let outcome) = rule.signal { expected = terms.expectedRates[outcome.text] ?? 0 }
            return try? Guardrail(rule, share: share, expected: expected)
        }
        if terms.clock == .wall { watch = StepWatch(plan, at: began, accepted: grants.accepted, extension: .seconds(grants.extensionSeconds)) }
    }

    // What was seen

    package mutating func take(_ record: ComparisonRecord) {
        guard record.step == step else { return }
        begin(at: record.clock)
        count += 1
        if record.arm == .candidate {
            answered += 1
            lastAnswered = max(lastAnswered ?? record.answered, record.answered)
        }
        if record.arm == .candidate || share == 0 && record.pair != nil, decided.count < plan.decisions { decided.append(record.clock) }
        let sights = sights(of: record)
        let harmed = harms
        for index in guardrails.indices { for sight in sights.of(guardrails[index].rule.signal) { guardrails[index].observe(sight) } }
        if breach == nil, harms != harmed, guardrails.contains(where: { $0.state.harmed && $0.rule.then == .rollback }) { breach = record.answered }
        look(ifDue: record.clock, harms != harmed)
    }

    /// The truth about a request that both arms scored. What came too late for its step counts for none.
    package mutating func take(truth: Bool, of record: ComparisonRecord) {
        guard record.step == step, let pair = record.pair else { return }
        let harmed = harms
        observe(.pair(candidate: Self.rightness(pair.candidate, truth), champion: Self.rightness(pair.champion, truth)), on: .outcomeAccuracy)
        if breach == nil, harms != harmed, guardrails.contains(where: { $0.state.harmed && $0.rule.then == .rollback }) { breach = record.answered }
        look(ifDue: latest, harms != harmed)
    }

    /// Outcomes of one decision that contradict one another are not believed, and what is not believed is missing.
    package mutating func takeContradiction(of record: ComparisonRecord) {
        guard record.step == step, record.pair != nil else { return }
        observe(.missing, on: .outcomeAccuracy)
    }

    /// A score from one half up says that it is true. An arm without a score is right about nothing.
    private static func rightness(_ side: ComparisonRecord.Side, _ truth: Bool) -> Double {
        guard let score = side.score else { return 0 }
        return (score >= 0.5) == truth ? 1 : 0
    }

    private mutating func observe(_ sight: GuardrailSight, on signal: GuardrailSignal) {
        for index in guardrails.indices where guardrails[index].rule.signal == signal { guardrails[index].observe(sight) }
    }

    private mutating func begin(at clock: Instant) {
        latest = max(latest ?? clock, clock)
        if watch == nil, let latest { watch = StepWatch(plan, at: latest, accepted: grants.accepted, extension: .seconds(grants.extensionSeconds)) }
    }

    private var harms: Int { guardrails.count { $0.state.harmed } }

    // What follows

    /// Between looks of the fold itself, so that what was known in time counts as known in time however late it is folded.
    private static let lookInterval = Duration.seconds(3600)
    private var looked: Instant?

    private mutating func look(ifDue clock: Instant?, _ isUrgent: Bool) {
        guard let clock, let latest else { return }
        if !isUrgent, let looked, clock.since(looked) < Self.lookInterval { return }
        looked = max(looked ?? clock, clock)
        if terms.clock == .replay { _ = looking(at: latest) }
    }

    /// What should be true now. `now` is on the wall clock and counts only where the policy's clock is that.
    package mutating func verdict(at now: Instant) -> StepVerdict {
        let time = terms.clock == .wall ? now : latest
        guard let time, watch != nil else { return .watching }
        return looking(at: time)
    }

    private mutating func looking(at time: Instant) -> StepVerdict {
        let signals = signals, decisions = matured(by: time)
        return watch?.look(signals, decisions: decisions, at: time) ?? .watching
    }

    private var signals: [StepSignal] { guardrails.map { StepSignal(Self.unscaled($0.rule, terms), $0.reading().answer) } }

    /// The rule as the policy has it.
    private static func unscaled(_ rule: GuardrailRule, _ terms: RolloutTerms) -> GuardrailRule {
        terms.guardrails.first { $0.signal == rule.signal } ?? rule
    }

    /// Of the decisions that the step needs, those whose outcome could be known. `now` is on the wall clock, as for `verdict`.
    package func matured(at now: Instant) -> Int { (terms.clock == .wall ? now : latest).map { matured(by: $0) } ?? 0 }

    private func matured(by time: Instant) -> Int {
        let until = time.adding(.zero - .seconds(terms.maturesAfterSeconds))
        return decided.count { $0 <= until }
    }

    /// Readings in the policy's order.
    package var findings: [Finding] { guardrails.map { Finding($0.rule.signal, $0.reading()) } }

    /// Signals with harm, and what follows from the strongest.
    package var harm: (action: HarmAction, signals: [String])? {
        let harmed = guardrails.filter { $0.state.harmed && !grants.accepted.contains($0.rule.signal.description) }
        guard let action = harmed.map(\.rule.then).max() else { return nil }
        return (action, harmed.filter { $0.rule.then == action }.map(\.rule.signal.description))
    }

    package var deadline: Instant? { watch?.deadline }
}

extension StepComparison {
    /// What one comparison says to each kind of guardrail.
    private struct Sights {
        var split: (entity: UInt64, arm: Arm)?
        var failed: Bool
        var latency: Duration
        var pair: ComparisonRecord.Pair?
        var isMissing: Bool

        func of(_ signal: GuardrailSignal) -> [GuardrailSight] {
            switch signal {
            case .sampleRatio: split.map { [.split(entity: $0.entity, arm: $0.arm, happened: false)] } ?? []
            case .errors: split.map { [.split(entity: $0.entity, arm: $0.arm, happened: failed)] } ?? []
            case .overBudget(let budget): split.map { [.split(entity: $0.entity, arm: $0.arm, happened: latency > budget)] } ?? []
            case .decisionFlips: pair.map { [.flip($0.candidate.outcome != $0.champion.outcome)] } ?? missing
            case .rate(let outcome):
                pair.map {
                    [.pair(candidate: $0.candidate.outcome.text == outcome.text ? 1 : 0, champion: $0.champion.outcome.text == outcome.text ? 1 : 0)]
                } ?? missing
            // Seen when the outcome comes; a pair that is missing has none.
            case .outcomeAccuracy: missing
            }
        }

        private var missing: [GuardrailSight] { isMissing ? [.missing] : [] }
    }

    /// Begins a window where the comparison asks for one.
    private mutating func sights(of record: ComparisonRecord) -> Sights {
        var sights = Sights(
            split: nil, failed: record.failed, latency: .microseconds(Int64(clamping: record.latencyMicroseconds)), pair: record.pair,
            isMissing: record.sampled && record.pair == nil)
        guard record.share > 0, record.share < 1, let entity = record.entity else { return sights }
        let next = Window(day: record.clock.milliseconds.quotientFloored(by: 86_400_000), share: record.share)
        if let window {
            // Late comparisons of a day that is over count in the window that is open.
            if next.share != window.share || next.day > window.day { open(next) }
        } else {
            window = next
            for index in guardrails.indices where record.share != share { try? guardrails[index].beginWindow(share: record.share) }
        }
        sights.split = (entity, record.arm)
        return sights
    }

    private mutating func open(_ next: Window) {
        window = next
        for index in guardrails.indices { try? guardrails[index].beginWindow(share: next.share) }
    }
}

extension Int64 {
    fileprivate func quotientFloored(by divisor: Int64) -> Int64 { self >= 0 ? self / divisor : (self - divisor + 1) / divisor }
}
