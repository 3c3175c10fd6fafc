// Whether entities arrive in the arms in the proportion that was assigned.

/// Entities at first sight, counted by arm against the share each arm should have.
///
/// Sequential test of a multinomial (M. Lindon and A. Malek, "Anytime-valid inference for multinomial count data", 2022): with a Dirichlet(κθ)
/// density over the alternatives, the Bayes factor Γ(κ) / Γ(κ + n) · Π Γ(κθᵢ + nᵢ) / Γ(κθᵢ) · θᵢ^(−nᵢ) is a martingale with mean 1 while each new
/// entity falls to arm i with probability θᵢ, so it ever reaches 1/alpha with probability at most alpha. Two concentrations are averaged: κ = 10
/// sees a gross fault within a few entities, κ = 1000 a small one over many.
///
/// Decisions of one entity always share an arm, so counting decisions would see an imbalance that is none. A change of shares begins a window.
package struct SampleRatio: Hashable, Sendable {
    private static let concentrations = [10.0, 1000.0]

    /// The share of the candidate's arm, above 0 and below 1.
    package private(set) var share: Double
    package private(set) var champion = 0
    package private(set) var candidate = 0
    package private(set) var sights = FirstSights()

    package init?(share: Double) {
        guard share > 0, share < 1 else { return nil }
        self.share = share
    }

    package var count: Int { champion + candidate }

    package mutating func observe(_ entity: UInt64, in arm: Arm) {
        guard sights.isFirst(entity) else { return }
        switch arm {
        case .champion: champion += 1
        case .candidate: candidate += 1
        }
    }

    /// False when the share is none or windows are used up; nothing changes then.
    package mutating func begin(share: Double) -> Bool {
        guard share > 0, share < 1, sights.begin() else { return false }
        self.share = share
        champion = 0
        candidate = 0
        return true
    }

    /// The log of the evidence in this window against any share of the candidate's arm. The density stays at the assigned share; both bounds
    /// come from it.
    package func logEvidence(against share: Double) -> Double {
        let arms = [(1 - self.share, Double(champion)), (self.share, Double(candidate))]
        let n = Double(count)
        let likelihood = (candidate == 0 ? 0 : Double(candidate) * Logarithms.log(share)) + (champion == 0 ? 0 : Double(champion) * Logarithms.log1p(-share))
        let marginals = Self.concentrations.map { k in
            arms.reduce(Logarithms.logGamma(k) - Logarithms.logGamma(k + n)) { sum, arm in
                sum + Logarithms.logGamma(k * arm.0 + arm.1) - Logarithms.logGamma(k * arm.0)
            }
        }
        return Logarithms.logMeanExp(marginals) - likelihood
    }

    package var estimate: Double? { count == 0 ? nil : Double(candidate) / Double(count) }

    /// The shares that this window does not reject, at the part of alpha that it may spend.
    package func interval(alpha: Double) -> Interval {
        guard let estimate else { return Interval(lower: 0, upper: 1) }
        let threshold = -Logarithms.log(Counting.spent(alpha, window: sights.window))
        let covered = { (share: Double) in logEvidence(against: share) < threshold }
        return Interval(
            lower: candidate == 0 ? 0 : Logarithms.edge(inside: estimate, outside: 0, covered),
            upper: champion == 0 ? 1 : Logarithms.edge(inside: estimate, outside: 1, covered))
    }

    package func isUneven(alpha: Double) -> Bool {
        logEvidence(against: share) >= -Logarithms.log(Counting.spent(alpha, window: sights.window))
    }
}

extension SampleRatio: Codable {
    private enum Key: CodingKey { case share, champion, candidate, sights }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        share = try container.decode(Double.self, forKey: .share)
        champion = try container.decode(Int.self, forKey: .champion)
        candidate = try container.decode(Int.self, forKey: .candidate)
        sights = try container.decode(FirstSights.self, forKey: .sights)
        let arms = 0...sights.count
        guard share > 0, share < 1, arms.contains(champion), arms.contains(candidate), champion + candidate == sights.count else {
            throw DecodingError.dataCorruptedError(
                forKey: .share, in: container, debugDescription: "a share lies between 0 and 1, and the arms hold exactly the entities seen")
        }
    }
}
