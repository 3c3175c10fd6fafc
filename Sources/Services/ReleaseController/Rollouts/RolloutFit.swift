// Whether what a policy watches can be watched in the service that it is for.
internal import Contracts
private import Guardrails
internal import Inference
private import Primitives
internal import Releases

enum RolloutFit {
    /// One sentence with the remedy for the first thing that does not fit; `nil` where all does. A guardrail that could never speak would let everything pass.
    static func misfit(
        _ policy: ReleasePolicy, _ service: DecisionService, _ request: DataContract, isFirst: Bool, expecting rates: [String: Double]
    ) -> String? {
        if let sentence = misfit(of: rates, policy, service) { return sentence }
        guard policy.exposure.count > 1, let guardrails = policy.guardrails else { return nil }
        if isFirst, policy.firstRelease == nil {
            return "the first model of \(service.name) follows the fallback, with which no model compares; add 'first_release: { criteria: … }' to policy.yaml"
        }
        guard service.record != nil else { return "guardrails judge by recorded decisions; add 'record: durable' to decision.yaml" }
        if policy.clock == .replay, !request.columns.contains(where: { $0.role == .time && $0.recording == .keep }) {
            return "the clock 'replay' runs by the time of requests; give \(service.input) a column with the role time that is kept, or write 'clock: wall'"
        }
        for rule in guardrails.rules {
            if let sentence = misfit(of: rule.signal, service) { return sentence }
        }
        return nil
    }

    private static func misfit(of signal: GuardrailSignal, _ service: DecisionService) -> String? {
        switch signal {
        case .sampleRatio, .errors, .overBudget, .decisionFlips: return nil
        case .rate(let outcome):
            let known = service.rule.outcomes.map(\.text)
            return known.contains(outcome.text) ? nil : "rate.\(outcome) watches no outcome of \(service.name); those of its rule are \(known.joined(separator: ", "))"
        case .outcomeAccuracy:
            guard let terms = service.outcome else { return "outcome.accuracy needs outcomes; add 'outcome:' to decision.yaml, or drop the guardrail" }
            return terms.isAffectedByDecision
                ? "outcome.accuracy compares both arms by one outcome, and '\(terms.name)' is affected by the decision; drop the guardrail" : nil
        }
    }

    private static func misfit(of rates: [String: Double], _ policy: ReleasePolicy, _ service: DecisionService) -> String? {
        for (outcome, change) in rates.sorted(by: { $0.key < $1.key }) {
            guard abs(change) < 1 else { return "a rate changes by less than 1, and the proposal expects rate.\(outcome) to change by \(change)" }
            guard policy.guardrails?.rules.contains(where: { $0.signal.description == "rate.\(outcome)" }) == true else {
                return "the proposal expects rate.\(outcome) to change, and no guardrail of policy.yaml watches it; add one, or leave the expectation out"
            }
        }
        return nil
    }
}
