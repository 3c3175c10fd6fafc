// The mean of differences in [-1, 1], with bounds that hold at every look: a capital process by betting.

/// Differences of candidate and champion, counted; the order does not matter, so counts of several nodes add up.
///
/// Test by betting (I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", 2024): whoever bets
/// λ ∈ [0, 1/(1 + m)) on each difference x being above m holds the capital Π (1 + λ (xᵢ − m)), a supermartingale that starts at 1 as long as no
/// difference has a mean above m given what came before. Ville: it ever reaches 1/alpha with probability at most alpha. One fixed λ is good for one
/// effect only, so the stake is split evenly over many, λ = c / (1 + m) with c from 0.004 to 0.96 in even ratios (their diversified bettor; the
/// idea is T. Cover's universal portfolio, 1991). The mean of supermartingales is one, and costs at most log(number of parts).
///
/// Since every λ is fixed beforehand, the capital depends on the counts alone. Each factor falls in m, so the m that are not rejected form an
/// interval. A difference between −1, 0 and 1 is divided between its neighbours; log(1 + λ(x − m)) is concave in x, so the capital is then
/// smaller than the exact one, never larger, and everything stays valid.
///
/// What the bound is about: pairs are drawn from the traffic as it comes, so an entity with many pairs weighs as it does in the traffic. Nothing is
/// assigned here. For split traffic, where an entity keeps its arm for good, see `SplitMatches`.
package struct Differences: Hashable, Sendable {
    package private(set) var less = 0.0
    package private(set) var same = 0.0
    package private(set) var more = 0.0

    package init() {}

    package init?(less: Double, same: Double, more: Double) {
        guard less >= 0, same >= 0, more >= 0, less + same + more <= Double(Counting.most) else { return nil }
        self.less = less
        self.same = same
        self.more = more
    }

    /// Whole up to rounding: each difference adds 1.
    package var count: Int { Int((less + same + more).rounded()) }

    package var estimate: Double? { count == 0 ? nil : (more - less) / (less + same + more) }

    /// False when the difference is no number in -1...1 or the count is full; nothing changes then.
    package mutating func observe(_ difference: Double) -> Bool {
        guard difference >= -1, difference <= 1, less + same + more <= Double(Counting.most - 1) else { return false }
        let size = abs(difference)
        same += 1 - size
        if difference > 0 { more += size } else { less += size }
        return true
    }

    package mutating func add(_ other: Differences) -> Bool {
        guard let sum = Differences(less: less + other.less, same: same + other.same, more: more + other.more) else { return false }
        self = sum
        return true
    }

    /// The log of the capital won by betting that the mean is above `mean`. It falls as `mean` rises.
    package func logCapital(above mean: Double) -> Double { Self.logCapital(less, same, more, above: mean) }

    /// The log of the capital won by betting that the mean is below `mean`.
    package func logCapital(below mean: Double) -> Double { Self.logCapital(more, same, less, above: -mean) }

    private static let stakes: [Double] = {
        let parts = 24, least = 0.004, most = 0.96
        let step = Logarithms.log(most / least) / Double(parts - 1)
        return (0..<parts).map { least * Logarithms.exp(step * Double($0)) }
    }()

    private static func logCapital(_ less: Double, _ same: Double, _ more: Double, above mean: Double) -> Double {
        // No difference exceeds 1, so nothing speaks for a mean above it.
        guard mean < 1 else { return 0 }
        // None lies below -1, so a mean above less than that is certain.
        guard mean >= -1 else { return .infinity }
        // At -1 a single larger difference would pay without bound; a little above it pays enough.
        let mean = max(mean, -1 + 1e-9)
        return Logarithms.logMeanExp(
            stakes.map { stake in
                let bet = stake / (1 + mean)
                return less * Logarithms.log1p(-stake) + same * Logarithms.log1p(-bet * mean) + more * Logarithms.log1p(bet * (1 - mean))
            })
    }

    /// Each bound alone holds at all times with probability 1 − alpha.
    package func interval(alpha: Double) -> Interval {
        guard let estimate else { return Interval(lower: -1, upper: 1) }
        let threshold = -Logarithms.log(alpha)
        return Interval(
            lower: Logarithms.edge(inside: estimate, outside: -1) { logCapital(above: $0) < threshold },
            upper: Logarithms.edge(inside: estimate, outside: 1) { logCapital(below: $0) < threshold })
    }
}

extension Differences: Codable {
    private enum Key: CodingKey { case less, same, more }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let less = try container.decode(Double.self, forKey: .less), same = try container.decode(Double.self, forKey: .same)
        guard let counts = Differences(less: less, same: same, more: try container.decode(Double.self, forKey: .more)) else {
            throw DecodingError.dataCorruptedError(forKey: .less, in: container, debugDescription: "counts lie from 0 to \(Counting.most)")
        }
        self = counts
    }
}
