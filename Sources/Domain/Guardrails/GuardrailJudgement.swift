// How a guardrail's counts become its answer.

extension GuardrailRule {
    /// A release can mean to move a rate. It cannot mean to fail more often or to be wrong.
    var takesExpectedChange: Bool { if case .rate = signal { true } else { false } }
}

extension Guardrail {
    /// The answer at this look, with its interval.
    ///
    /// Harm comes first: a broken measurement does not make a proven breach undone.
    package func reading() -> GuardrailReading {
        let (estimate, interval) = shown
        let fault = fault
        let answer: GuardrailAnswer = state.harmed ? .harm : fault != nil ? .errored : isNoWorseNow ? .noWorse : .undecided
        return GuardrailReading(
            answer: answer, estimate: estimate, interval: interval, count: state.count, missing: state.missing, fault: answer == .errored ? fault : nil)
    }

    private var fault: String? {
        if state.unreadable > 0 { return "\(state.unreadable) sights of \(rule.signal) could not be read" }
        // Over 1 %, in whole numbers.
        let sample = state.count + state.missing
        if state.missing > 0, state.missing * 100 > sample { return "\(state.missing) of \(sample) pairs of \(rule.signal) are missing, which is over 1 %" }
        return nil
    }

    private var shown: (Double?, Interval) {
        switch state.measure {
        case .sampleRatio(let arms): (arms.estimate, arms.interval(alpha: rule.alpha))
        case .split(let matches): (matches.differences.estimate, matches.differences.interval(alpha: levelOfOneSide))
        case .flips(let pairs): (pairs.estimate, pairs.interval(alpha: levelOfOneSide))
        case .differences(let pairs): (pairs.estimate, pairs.interval(alpha: levelOfOneSide))
        }
    }

    private var levelOfOneSide: Double {
        if case .split(let matches) = state.measure { return Counting.spent(rule.alpha, window: matches.sights.window) }
        if case .differsBy = rule.harm { return rule.alpha / 2 }
        return rule.alpha
    }

    private var threshold: Double { -Logarithms.log(levelOfOneSide) }

    /// Worse than the margin, by the counts of now.
    var isHarmful: Bool {
        switch (state.measure, rule.harm) {
        case (.sampleRatio(let arms), .uneven): arms.isUneven(alpha: rule.alpha)
        case (.flips(let pairs), .moreThan(let most)): (pairs.estimate ?? 0) > most && pairs.logEvidence(against: most) >= threshold
        case (.split(let matches), _): exceeds(matches.differences)
        case (.differences(let pairs), _): exceeds(pairs)
        default: false
        }
    }

    private func exceeds(_ counts: Differences) -> Bool {
        switch rule.harm {
        case .moreBy(let margin): counts.logCapital(above: expected + margin) >= threshold
        case .lessBy(let margin): counts.logCapital(below: expected - margin) >= threshold
        case .differsBy(let margin):
            counts.logCapital(above: expected + margin) >= threshold || counts.logCapital(below: expected - margin) >= threshold
        case .moreThan, .uneven: false
        }
    }

    /// At most as bad as the margin, by the counts of now.
    var isNoWorse: Bool {
        switch (state.measure, rule.harm) {
        // Even arms cannot be proved, only contradicted.
        case (.sampleRatio, _): false
        case (.flips(let pairs), .moreThan(let most)): (pairs.estimate ?? 1) < most && pairs.logEvidence(against: most) >= threshold
        case (.split(let matches), _): keepsWithin(matches.differences)
        case (.differences(let pairs), _): keepsWithin(pairs)
        default: false
        }
    }

    private func keepsWithin(_ counts: Differences) -> Bool {
        switch rule.harm {
        case .moreBy(let margin): counts.logCapital(below: expected + margin) >= threshold
        case .lessBy(let margin): counts.logCapital(above: expected - margin) >= threshold
        case .differsBy(let margin):
            counts.logCapital(below: expected + margin) >= threshold && counts.logCapital(above: expected - margin) >= threshold
        case .moreThan, .uneven: false
        }
    }

    /// A window of split traffic begins without knowledge; what the one before it proved still stands, what an older one did not.
    private var isNoWorseNow: Bool {
        guard case .split(let matches) = state.measure else { return isNoWorse }
        return state.provedInWindow.map { $0 >= matches.sights.window - 1 } ?? false
    }
}
