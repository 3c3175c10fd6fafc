// How often something happened, with bounds that hold at every look: the beta-binomial mixture.

/// Yes and no, counted; the order does not matter, so counts of several nodes add up.
///
/// For each rate p, M(p) = B(a + s, b + f) / (B(a, b) pˢ (1 − p)ᶠ) after s times yes and f times no is a martingale with mean 1 when the
/// chance of a yes is p each time, given what came before (H. Robbins, "Statistical methods related to the law of the iterated logarithm",
/// 1970; S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", 2021). By Ville's
/// inequality M(p) ever reaches 1/alpha with probability at most alpha, so {p : M(p) < 1/alpha} covers the true rate at all times together with
/// probability 1 − alpha. The mixing density is Jeffreys', a = b = ½: no rate is favoured, and being wide costs ½ log n.
package struct BinaryCounts: Hashable, Sendable {
    package private(set) var yes = 0
    package private(set) var no = 0

    package init() {}

    package init?(yes: Int, no: Int) {
        guard yes >= 0, no >= 0, yes <= Counting.most, no <= Counting.most - yes else { return nil }
        self.yes = yes
        self.no = no
    }

    package var count: Int { yes + no }

    package var estimate: Double? { count == 0 ? nil : Double(yes) / Double(count) }

    /// False when the count is full; nothing changes then.
    package mutating func observe(_ happened: Bool) -> Bool {
        guard count < Counting.most else { return false }
        if happened { yes += 1 } else { no += 1 }
        return true
    }

    package mutating func add(_ other: BinaryCounts) -> Bool {
        guard let sum = BinaryCounts(yes: yes + other.yes, no: no + other.no) else { return false }
        self = sum
        return true
    }

    /// log M(rate): the evidence against this very rate, from either side. 0 when nothing was seen.
    package func logEvidence(against rate: Double) -> Double {
        let s = Double(yes), f = Double(no)
        let likelihood = (yes == 0 ? 0 : s * Logarithms.log(rate)) + (no == 0 ? 0 : f * Logarithms.log1p(-rate))
        return Logarithms.logBeta(0.5 + s, 0.5 + f) - Logarithms.logBeta(0.5, 0.5) - likelihood
    }

    package func interval(alpha: Double) -> Interval {
        guard let estimate else { return Interval(lower: 0, upper: 1) }
        let threshold = -Logarithms.log(alpha)
        let covered = { (rate: Double) in logEvidence(against: rate) < threshold }
        return Interval(
            lower: yes == 0 ? 0 : Logarithms.edge(inside: estimate, outside: 0, covered), upper: no == 0 ? 1 : Logarithms.edge(inside: estimate, outside: 1, covered))
    }
}

extension BinaryCounts: Codable {
    private enum Key: CodingKey { case yes, no }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let counts = BinaryCounts(yes: try container.decode(Int.self, forKey: .yes), no: try container.decode(Int.self, forKey: .no)) else {
            throw DecodingError.dataCorruptedError(forKey: .yes, in: container, debugDescription: "counts lie from 0 to \(Counting.most)")
        }
        self = counts
    }
}
