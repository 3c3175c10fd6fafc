// Logarithms of large products: what keeps an e-process finite however many decisions it has seen.
#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

enum Logarithms {
    static func log(_ value: Double) -> Double {
        #if canImport(Glibc)
            Glibc.log(value)
        #else
            Darwin.log(value)
        #endif
    }

    /// log(1 + value), exact near 0.
    static func log1p(_ value: Double) -> Double {
        #if canImport(Glibc)
            Glibc.log1p(value)
        #else
            Darwin.log1p(value)
        #endif
    }

    static func exp(_ value: Double) -> Double {
        #if canImport(Glibc)
            Glibc.exp(value)
        #else
            Darwin.exp(value)
        #endif
    }

    /// log of the mean of exp(terms); terms may lie thousands apart.
    static func logMeanExp(_ terms: [Double]) -> Double {
        guard let largest = terms.max(), largest > -.infinity else { return -.infinity }
        return largest + log(terms.reduce(0) { $0 + exp($1 - largest) } / Double(terms.count))
    }

    /// log Γ(x) for x > 0: the C library's own writes a global sign, so that two threads would race.
    ///
    /// Stirling's series, log Γ(x) = (x − ½) log x − x + ½ log 2π + Σ B₂ₖ / (2k (2k−1) x²ᵏ⁻¹), from x ≥ 10 on, where six terms leave less
    /// than 10⁻¹⁵; smaller x by Γ(x + 1) = x Γ(x).
    static func logGamma(_ value: Double) -> Double {
        var x = value
        var product = 1.0
        while x < 10 {
            product *= x
            x += 1
        }
        let inverse = 1 / x, square = inverse * inverse
        let coefficients = [1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360_360]
        let series = coefficients.reversed().reduce(0) { $0 * square + $1 } * inverse
        return (x - 0.5) * log(x) - x + 0.918_938_533_204_672_8 + series - log(product)
    }

    static func logBeta(_ a: Double, _ b: Double) -> Double { logGamma(a) + logGamma(b) - logGamma(a + b) }

    /// Where a test that is true at `inside` and false at `outside` turns: the last point that is known to be false, after 50 halvings.
    static func edge(inside: Double, outside: Double, _ holds: (Double) -> Bool) -> Double {
        var inside = inside, outside = outside
        for _ in 0..<50 {
            let middle = (inside + outside) / 2
            if holds(middle) { inside = middle } else { outside = middle }
        }
        return outside
    }
}

/// What every running count of this room obeys.
enum Counting {
    /// Observations of one count: 2^40, at which log Γ is still right to a hundredth. At 10,000 a second that is three years.
    static let most = 1 << 40

    /// The error level of the `window`-th fresh start, counted from 1: alpha / (w (w + 1)), whose sum over all windows is alpha. By the union
    /// bound the windows may depend on one another in any way.
    static func spent(_ alpha: Double, window: Int) -> Double {
        let w = Double(max(1, window))
        return alpha / (w * (w + 1))
    }
}

/// A bound from below and one from above, each valid at all times at once with its own probability.
package struct Interval: Hashable, Sendable {
    package var lower: Double
    package var upper: Double

    package init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }
}
