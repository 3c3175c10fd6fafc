// Plans of exposure for specs in tests.
internal import Guardrails
internal import Primitives
package import Releases

extension RolloutTerms {
    /// Two paired guardrails and the sample ratio, on the wall clock; only `live` needs a person.
    package static let usual: RolloutTerms = RolloutTerms(
        clock: .wall,
        guardrails: [
            GuardrailRule(signal: .decisionFlips, harm: .moreThan(0.10), alpha: 0.05, then: .rollback),
            GuardrailRule(signal: .outcomeAccuracy, harm: .lessBy(0.05), alpha: 0.05, proves: true, then: .rollback), .standingSampleRatio,
        ],
        undecided: [.pause, .ask, .abort], autonomy: Autonomy(alone: [.pause, .rollback, .expand], expandUpTo: 0.25, needsPerson: [.promote]),
        escalation: Escalation(to: .riskOwner, after: .seconds(1800)), maturesAfter: .zero, expectedRates: [:])
}

extension ReleaseSpec {
    /// Gives the spec this plan, and terms that watch it where it has steps before live.
    package mutating func plan(_ steps: [ExposureStep], _ terms: RolloutTerms = .usual) {
        exposure = steps
        rollout = steps == [.live] || steps.isEmpty ? nil : terms
    }
}
