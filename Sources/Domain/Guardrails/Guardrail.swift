// One guardrail of a rollout: sights go in, and at any look it answers harm, no worse, undecided or errored.

/// One thing seen of the traffic. A sight of a kind that the guardrail cannot use makes it errored: it would otherwise run on too few.
package enum GuardrailSight: Hashable, Sendable {
    /// Both arms' values for one request, in 0...1: 1 when the outcome was decided, or when the decision was right.
    case pair(candidate: Double, champion: Double)
    /// Whether both arms decided one request differently.
    case flip(Bool)
    /// A request of the keyed sample that only one arm scored.
    case missing
    /// One decision of split traffic: whether it failed, or was over its budget. The entity is a keyed hash.
    case split(entity: UInt64, arm: Arm, happened: Bool)
}

package enum GuardrailAnswer: String, Hashable, Sendable, Codable, CaseIterable {
    case harm
    case noWorse = "no worse"
    case undecided
    case errored
}

/// An answer with what a plot needs. The interval is of the share or of candidate minus champion, before the expected change is taken off.
package struct GuardrailReading: Hashable, Sendable {
    package var answer: GuardrailAnswer
    package var estimate: Double?
    package var interval: Interval
    package var count: Int
    package var missing: Int
    /// Why it is errored, for people.
    package var fault: String?
}

/// A rule at work. `harm` and `no worse` exclude each other: one says that the truth is worse than the margin, the other that it is not, so
/// whatever the truth, only one of them can be wrong, and each is with probability at most alpha over all looks together. `differs_by` has two
/// sides and gives each half.
package struct Guardrail: Hashable, Sendable {
    package let rule: GuardrailRule
    /// The change of a rate that the proposal means to make; the margin lies around it.
    package let expected: Double
    package private(set) var state: GuardrailState

    /// `share` is the candidate's share of the split traffic, 0 in shadow.
    package init(_ rule: GuardrailRule, share: Double, expected: Double = 0) throws(GuardrailError) {
        try self.init(rule, expected: expected, state: GuardrailState(Self.measure(rule, share: share)))
    }

    /// Goes on where `state` was kept.
    package init(_ rule: GuardrailRule, expected: Double = 0, state: GuardrailState) throws(GuardrailError) {
        guard rule.alpha > 0, rule.alpha < 1 else { throw GuardrailError(.unfit, "the alpha of \(rule.signal) lies between 0 and 1, and \(rule.alpha) does not") }
        guard expected == 0 || rule.takesExpectedChange, abs(expected) < 1 else {
            throw GuardrailError(.unfit, "an expected change is taken by rates only, and lies between -1 and 1; leave out \(expected) for \(rule.signal)")
        }
        switch (rule.signal, rule.harm, state.measure) {
        case (.sampleRatio, .uneven, .sampleRatio), (.errors, .moreBy, .split), (.overBudget, .moreBy, .split), (.decisionFlips, .moreThan, .flips),
            (.rate, .moreBy, .differences), (.rate, .lessBy, .differences), (.rate, .differsBy, .differences), (.outcomeAccuracy, .lessBy, .differences):
            break
        default: throw GuardrailError(.damaged, "the kept state is not one of \(rule.signal); throw it away and count anew")
        }
        self.rule = rule
        self.expected = expected
        self.state = state
    }

    private static func measure(_ rule: GuardrailRule, share: Double) throws(GuardrailError) -> GuardrailState.Measure {
        switch rule.signal {
        case .decisionFlips: return .flips(pairs: BinaryCounts())
        case .rate, .outcomeAccuracy: return .differences(pairs: Differences())
        case .sampleRatio, .errors, .overBudget:
            guard let arms = SampleRatio(share: share) else {
                throw GuardrailError(.unfit, "\(rule.signal) compares split traffic, and a share of \(share) splits none; look at it in canary steps")
            }
            return rule.signal == .sampleRatio ? .sampleRatio(arms: arms) : .split(matches: SplitMatches())
        }
    }

    /// Constant work, whatever was seen before.
    package mutating func observe(_ sight: GuardrailSight) {
        guard take(sight) else { return }
        if !state.harmed { state.harmed = isHarmful }
        if case .split(let matches) = state.measure, isNoWorse { state.provedInWindow = matches.sights.window }
    }

    /// Whether a comparison may have changed.
    private mutating func take(_ sight: GuardrailSight) -> Bool {
        switch sight {
        case .flip(let differ): takeFlip(differ)
        case .pair(let candidate, let champion): takePair(candidate, champion)
        case .missing: takeMissing()
        case .split(let entity, let arm, let happened): takeSplit(entity, arm, happened)
        }
    }

    private mutating func takeFlip(_ differ: Bool) -> Bool {
        guard case .flips(var pairs) = state.measure, pairs.observe(differ) else { return refuse() }
        state.measure = .flips(pairs: pairs)
        return true
    }

    private mutating func takePair(_ candidate: Double, _ champion: Double) -> Bool {
        guard case .differences(var pairs) = state.measure, (0...1).contains(candidate), (0...1).contains(champion), pairs.observe(candidate - champion)
        else { return refuse() }
        state.measure = .differences(pairs: pairs)
        return true
    }

    private mutating func takeMissing() -> Bool {
        guard rule.signal.isPaired else { return refuse() }
        state.missing = min(state.missing + 1, Counting.most)
        return false
    }

    private mutating func takeSplit(_ entity: UInt64, _ arm: Arm, _ happened: Bool) -> Bool {
        // While a sight is taken, only the local value holds the entities, so that they are changed in place.
        let measure = state.measure
        switch consume measure {
        case .split(var matches):
            state.measure = .flips(pairs: BinaryCounts())
            let matched = matches.observe(entity, in: arm, happened: happened)
            state.measure = .split(matches: matches)
            return matched
        case .sampleRatio(var arms):
            state.measure = .flips(pairs: BinaryCounts())
            let before = arms.count
            arms.observe(entity, in: arm)
            state.measure = .sampleRatio(arms: arms)
            return arms.count > before
        case .flips, .differences: return refuse()
        }
    }

    private mutating func refuse() -> Bool {
        state.unreadable = min(state.unreadable + 1, Counting.most)
        return false
    }

    /// Lets each entity of split traffic count once more: at a change of the share, and at fixed times such as each day's start, never
    /// at a time chosen by looking. Paired guardrails have no windows.
    package mutating func beginWindow(share: Double) throws(GuardrailError) {
        switch state.measure {
        case .flips, .differences: return
        case .split(var matches):
            guard SampleRatio(share: share) != nil, matches.begin() else { throw Self.noWindow(rule, share) }
            state.measure = .split(matches: matches)
        case .sampleRatio(var arms):
            guard arms.begin(share: share) else { throw Self.noWindow(rule, share) }
            state.measure = .sampleRatio(arms: arms)
        }
    }

    private static func noWindow(_ rule: GuardrailRule, _ share: Double) -> GuardrailError {
        GuardrailError(.unfit, "\(rule.signal) cannot begin a window at the share \(share) after \(FirstSights.mostWindows) windows or where nothing is split; end the step")
    }

    /// Adds another node's pairs and looks at the sum. The other's verdict is not taken over: many nodes' tests together would err more often
    /// than alpha. Split traffic cannot be added, since two nodes may have seen one entity; feed one guardrail from both nodes' records.
    package mutating func add(_ other: GuardrailState) throws(GuardrailError) {
        let added: Bool
        switch (state.measure, other.measure) {
        case (.flips(var pairs), .flips(let more)):
            added = pairs.add(more)
            state.measure = .flips(pairs: pairs)
        case (.differences(var pairs), .differences(let more)):
            added = pairs.add(more)
            state.measure = .differences(pairs: pairs)
        default: throw GuardrailError(.unfit, "only pairs of one kind add up, and \(rule.signal) was given others; feed it the nodes' records instead")
        }
        guard added else { throw GuardrailError(.damaged, "the pairs of \(rule.signal) exceed \(Counting.most); start a new count") }
        state.missing = min(state.missing + other.missing, Counting.most)
        state.unreadable = min(state.unreadable + other.unreadable, Counting.most)
        if !state.harmed { state.harmed = isHarmful }
    }
}
