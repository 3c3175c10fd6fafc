// What one guardrail compares, what counts as harm, and what follows from it.
package import Primitives

/// The name of one outcome of a decision's rule, as in `rate.offer`.
package enum DecidedOutcome {}

package enum GuardrailSignal: Hashable, Sendable, CustomStringConvertible {
    /// Entities by arm, against the assigned share.
    case sampleRatio
    /// The share of requests that failed; split.
    case errors
    /// The share of requests over a fixed budget; split.
    case overBudget(Duration)
    /// The share of pairs that were decided differently.
    case decisionFlips
    /// How often an outcome is decided; paired.
    case rate(Identifier<DecidedOutcome>)
    /// How often the decision was right once the outcome is known; paired.
    case outcomeAccuracy

    package var description: String {
        switch self {
        case .sampleRatio: "sample_ratio"
        case .errors: "errors"
        case .overBudget: "over_budget"
        case .decisionFlips: "decision_flips"
        case .rate(let outcome): "rate.\(outcome)"
        case .outcomeAccuracy: "outcome.accuracy"
        }
    }

    /// Both arms score the same request.
    package var isPaired: Bool {
        switch self {
        case .sampleRatio, .errors, .overBudget: false
        case .decisionFlips, .rate, .outcomeAccuracy: true
        }
    }

    /// Against release 0, the fallback, there is no model to compare with; only the sample ratio is still a question.
    package var comparesWithChampion: Bool { self != .sampleRatio }
}

/// What harm is. Differences are candidate minus champion; each bound lies above 0 and below 1.
package enum Harm: Hashable, Sendable {
    /// A share, not a difference.
    case moreThan(Double)
    case moreBy(Double)
    case lessBy(Double)
    case differsBy(Double)
    /// Arms that do not hold the share that was assigned.
    case uneven
}

/// What follows from harm. The order is that of severity.
package enum HarmAction: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    case pause, rollback

    package static func < (left: HarmAction, right: HarmAction) -> Bool { left == .pause && right == .rollback }
}

package struct GuardrailRule: Hashable, Sendable {
    package var signal: GuardrailSignal
    package var harm: Harm
    /// The chance that harmless is called harm at any look, and that harm is called no worse.
    package var alpha: Double
    /// `live` needs *no worse*, not only *no harm*.
    package var proves: Bool
    package var then: HarmAction

    /// Looked at in every canary step, written or not: when it fails, no split comparison means anything.
    package static let standingSampleRatio = GuardrailRule(signal: .sampleRatio, harm: .uneven, alpha: 0.001, proves: false, then: .pause)

    package init(signal: GuardrailSignal, harm: Harm, alpha: Double, proves: Bool = false, then: HarmAction) {
        self.signal = signal
        self.harm = harm
        self.alpha = alpha
        self.proves = proves
        self.then = then
    }
}
