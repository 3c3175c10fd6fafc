// The guardrails of policy.yaml: `guardrails:` and `on_undecided:`, read strictly.
package import Primitives

package struct GuardrailPolicy: Hashable, Sendable {
    package static let mostGuardrails = 50
    package static let alphas = "above 0 and at most 0.2"

    /// In the policy's order. A sample ratio that the policy does not write stands at the end.
    package var rules: [GuardrailRule]
    package var undecided: [UndecidedMove]

    /// `guardrails` is the value of that key; `undecided` that of `on_undecided`, or `nil` where it is not written.
    package static func read(guardrails: DocumentNode, undecided: DocumentNode?) throws(DocumentError) -> GuardrailPolicy {
        var rules: [GuardrailRule] = []
        let list = try guardrails.list()
        guard !list.isEmpty else { throw DocumentError("a list of guardrails holds at least one; add one or leave 'guardrails' out", at: guardrails.place) }
        guard list.count <= mostGuardrails else {
            throw DocumentError("a policy holds at most \(mostGuardrails) guardrails, and this one has \(list.count); drop some", at: guardrails.place)
        }
        for item in list {
            let rule = try readRule(item)
            guard !rules.contains(where: { $0.signal == rule.signal }) else {
                throw DocumentError("the guardrail '\(rule.signal)' stands twice; keep one", at: item.place)
            }
            rules.append(rule)
        }
        if !rules.contains(where: { $0.signal == .sampleRatio }) { rules.append(.standingSampleRatio) }
        return GuardrailPolicy(rules: rules, undecided: try readUndecided(undecided))
    }

    private static func readUndecided(_ node: DocumentNode?) throws(DocumentError) -> [UndecidedMove] {
        guard let node else { return [.pause, .ask, .abort] }
        var moves: [UndecidedMove] = []
        for item in try node.list() {
            let move = try item.choice(UndecidedMove.self)
            let order = UndecidedMove.allCases
            if let last = moves.last, let before = order.firstIndex(of: last), let here = order.firstIndex(of: move), here <= before {
                throw DocumentError("'\(move.rawValue)' cannot follow '\(last.rawValue)'; the order is pause, ask, abort, each at most once", at: item.place)
            }
            moves.append(move)
        }
        guard moves.last == .abort else {
            throw DocumentError("undecided is never success; let on_undecided end with abort", at: node.place)
        }
        return moves
    }

    private static func readRule(_ node: DocumentNode) throws(DocumentError) -> GuardrailRule {
        var fields = try node.fields()
        let name = try fields.need("signal")
        let signal = try readSignal(name, budget: fields.take("budget"))
        try readPairing(fields.take("paired"), signal: signal, at: name.place)
        let harm = try readHarm(fields.take("harm"), signal: signal, at: node.place)
        let alphaNode = try fields.need("alpha")
        let alpha = try alphaNode.number()
        guard alpha > 0, alpha <= 0.2 else { throw DocumentError("alpha lies \(alphas), and \(alphaNode.kind) does not; 0.01 is usual", at: alphaNode.place) }
        var proves = false
        if let prove = fields.take("prove") {
            proves = try prove.bool()
            if proves, signal == .sampleRatio {
                throw DocumentError("an even split cannot be proved, only contradicted; leave 'prove' out of sample_ratio", at: prove.place)
            }
        }
        let then = try fields.need("then").choice(HarmAction.self)
        try fields.finish()
        return GuardrailRule(signal: signal, harm: harm, alpha: alpha, proves: proves, then: then)
    }

    private static func readSignal(_ node: DocumentNode, budget: DocumentNode?) throws(DocumentError) -> GuardrailSignal {
        let text = try node.text()
        let signal: GuardrailSignal
        switch text {
        case "sample_ratio": signal = .sampleRatio
        case "errors": signal = .errors
        case "decision_flips": signal = .decisionFlips
        case "outcome.accuracy": signal = .outcomeAccuracy
        case "over_budget":
            guard let budget else { throw DocumentError("over_budget needs its budget; add 'budget: 5ms'", at: node.place) }
            let span = try budget.duration()
            guard span > .zero else { throw DocumentError("a budget of no time is never kept; write one such as 5ms", at: budget.place) }
            return .overBudget(span)
        case _ where text.hasPrefix("rate."):
            guard let outcome = Identifier<DecidedOutcome>(text.dropFirst(5)) else {
                throw DocumentError("rate. needs the name of an outcome of the rule: \(Identifier<DecidedOutcome>.refusal(of: String(text.dropFirst(5))))", at: node.place)
            }
            signal = .rate(outcome)
        default:
            throw DocumentError(
                "a guardrail watches sample_ratio, errors, over_budget, decision_flips, rate.OUTCOME or outcome.accuracy, not \(node.kind)", at: node.place)
        }
        if let budget { throw DocumentError("only over_budget has a budget; leave it out of \(signal)", at: budget.place) }
        return signal
    }

    private static func readPairing(_ node: DocumentNode?, signal: GuardrailSignal, at place: SourcePlace) throws(DocumentError) {
        let paired = try node?.bool() ?? false
        if signal.isPaired, !paired {
            throw DocumentError("\(signal) is compared in pairs, both arms scoring the same requests; write 'paired: true'", at: node?.place ?? place)
        }
        if !signal.isPaired, paired {
            throw DocumentError("\(signal) is about the arm that answered, so it has no pairs; leave 'paired' out", at: node?.place ?? place)
        }
    }

    private static func readHarm(_ node: DocumentNode?, signal: GuardrailSignal, at place: SourcePlace) throws(DocumentError) -> Harm {
        guard signal != .sampleRatio else {
            if let node { throw DocumentError("the harm of sample_ratio is any other split than the assigned one; leave 'harm' out", at: node.place) }
            return .uneven
        }
        let known = signal.harms
        guard let node else { throw DocumentError("'harm' is missing; add 'harm: { \(known[0].0): 0.02 }'", at: place) }
        var fields = try node.fields()
        var found: [(key: String, node: DocumentNode)] = []
        for key in ["more_than", "more_by", "less_by", "differs_by"] {
            if let bound = fields.take(key) { found.append((key, bound)) }
        }
        try fields.finish()
        guard found.count == 1 else {
            let all = found.map(\.key).joined(separator: " and ")
            throw DocumentError("harm is one bound, \(found.isEmpty ? "and none is written" : "not \(all)"); write 'harm: { \(known[0].0): 0.02 }'", at: node.place)
        }
        guard let make = known.first(where: { $0.0 == found[0].key })?.1 else {
            let words = known.map(\.0).joined(separator: " or ")
            throw DocumentError("the harm of \(signal) is written \(words), not \(found[0].key)", at: found[0].node.place)
        }
        let bound = try found[0].node.number()
        guard bound > 0, bound < 1 else {
            throw DocumentError("a bound of harm is a share above 0 and below 1, and \(found[0].node.kind) is not; 0.02 means two in a hundred", at: found[0].node.place)
        }
        return make(bound)
    }
}

extension GuardrailSignal {
    /// How its harm may be written, the usual way first.
    fileprivate var harms: [(String, (Double) -> Harm)] {
        switch self {
        case .sampleRatio: []
        case .errors, .overBudget: [("more_by", Harm.moreBy)]
        case .decisionFlips: [("more_than", Harm.moreThan)]
        case .rate: [("differs_by", Harm.differsBy), ("more_by", Harm.moreBy), ("less_by", Harm.lessBy)]
        case .outcomeAccuracy: [("less_by", Harm.lessBy)]
        }
    }
}
