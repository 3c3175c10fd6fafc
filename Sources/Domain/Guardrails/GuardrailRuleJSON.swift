// A rule as release specs carry it, so that nodes and auditors judge by what was approved.
private import Primitives

extension GuardrailRule: Codable {
    private enum Key: CodingKey { case signal, budgetMilliseconds, harm, bound, alpha, prove, then }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(signal.description, forKey: .signal)
        if case .overBudget(let budget) = signal { try container.encode(budget.seconds * 1000, forKey: .budgetMilliseconds) }
        let (word, bound) = harm.words
        try container.encode(word, forKey: .harm)
        try container.encodeIfPresent(bound, forKey: .bound)
        try container.encode(alpha, forKey: .alpha)
        try container.encode(proves, forKey: .prove)
        try container.encode(then, forKey: .then)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func refusal(_ key: Key, _ reason: String) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: reason)
        }
        let name = try container.decode(String.self, forKey: .signal)
        let budget = try container.decodeIfPresent(Double.self, forKey: .budgetMilliseconds)
        guard let signal = GuardrailSignal(name, budgetMilliseconds: budget) else { throw refusal(.signal, "'\(name.prefix(60))' is no signal of a guardrail") }
        let word = try container.decode(String.self, forKey: .harm), bound = try container.decodeIfPresent(Double.self, forKey: .bound)
        guard let harm = Harm(word, bound) else { throw refusal(.harm, "'\(word.prefix(60))' is no harm with such a bound") }
        self.init(
            signal: signal, harm: harm, alpha: try container.decode(Double.self, forKey: .alpha), proves: try container.decode(Bool.self, forKey: .prove),
            then: try container.decode(HarmAction.self, forKey: .then))
        guard alpha > 0, alpha < 1 else { throw refusal(.alpha, "an alpha lies between 0 and 1") }
    }
}

extension GuardrailSignal {
    /// A day: past it a budget is none.
    private static let mostMilliseconds = 86_400_000.0

    /// By the name that `description` gives.
    package init?(_ name: String, budgetMilliseconds budget: Double?) {
        switch (name, budget) {
        case ("sample_ratio", nil): self = .sampleRatio
        case ("errors", nil): self = .errors
        case ("decision_flips", nil): self = .decisionFlips
        case ("outcome.accuracy", nil): self = .outcomeAccuracy
        case ("over_budget", let budget?) where budget > 0 && budget <= Self.mostMilliseconds: self = .overBudget(.microseconds(Int64((budget * 1000).rounded())))
        case (_, nil) where name.hasPrefix("rate."):
            guard let outcome = Identifier<DecidedOutcome>(name.dropFirst(5)) else { return nil }
            self = .rate(outcome)
        default: return nil
        }
    }
}

extension Harm {
    /// As policies spell it.
    package var words: (word: String, bound: Double?) {
        switch self {
        case .moreThan(let bound): ("more_than", bound)
        case .moreBy(let bound): ("more_by", bound)
        case .lessBy(let bound): ("less_by", bound)
        case .differsBy(let bound): ("differs_by", bound)
        case .uneven: ("uneven", nil)
        }
    }

    init?(_ word: String, _ bound: Double?) {
        switch (word, bound) {
        case ("uneven", nil): self = .uneven
        case (_, let bound?) where bound > 0 && bound < 1:
            switch word {
            case "more_than": self = .moreThan(bound)
            case "more_by": self = .moreBy(bound)
            case "less_by": self = .lessBy(bound)
            case "differs_by": self = .differsBy(bound)
            default: return nil
            }
        default: return nil
        }
    }
}
