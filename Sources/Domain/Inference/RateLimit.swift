// Keeps one outcome's share of the recent decisions under a bound.

/// A sliding window of decisions. Time is passed in and monotonic, in milliseconds from any origin.
///
/// With n decisions in the window, this one included, and k of them already given the outcome, one more is admitted when
/// `k + 1 ≤ ⌊at most · max(n, N)⌋`, where N, the fewest decisions that a share is taken of, is the larger of 20 and `⌈1 / at most⌉`. So a
/// quiet window admits the first `⌊at most · N⌋` (at least one), and no window ever holds more than that or the share.
///
/// The window moves in steps of a sixtieth and covers the asked span plus at most one step.
package struct RateLimit: Hashable, Sendable {
    /// The smallest bound that the formula takes.
    package static let smallestShare = 0.0001
    private static let steps = 60

    private struct Bucket: Hashable, Sendable {
        var decisions = 0
        var admitted = 0
    }

    private let atMost: Double
    private let fewest: Int
    private let width: Int64
    private var buckets = [Bucket](repeating: Bucket(), count: RateLimit.steps + 1)
    private var total = Bucket()
    /// The number of the newest bucket since the origin of time; `nil` before the first decision.
    private var newest: Int64?

    /// `atMost` is brought into `smallestShare`...1 and the span up to 60 ms.
    package init(atMost: Double, overMilliseconds: Int64) {
        self.atMost = atMost >= Self.smallestShare ? min(atMost, 1) : Self.smallestShare
        fewest = max(20, Int((1 / self.atMost).rounded(.up)))
        width = max(1, overMilliseconds / Int64(Self.steps) + (overMilliseconds % Int64(Self.steps) > 0 ? 1 : 0))
    }

    /// Counts a decision for another outcome.
    package mutating func pass(at milliseconds: Int64) {
        advance(to: milliseconds)
        count(admitted: false)
    }

    /// Counts a decision that the rule gave the outcome, and says whether it may keep it. One call per decision: this, or `pass`.
    package mutating func admit(at milliseconds: Int64) -> Bool {
        advance(to: milliseconds)
        let most = Int(atMost * Double(max(total.decisions + 1, fewest)) + 1e-9)
        let admitted = total.admitted < most
        count(admitted: admitted)
        return admitted
    }

    private mutating func count(admitted: Bool) {
        let index = slot(newest ?? 0)
        buckets[index].decisions += 1
        total.decisions += 1
        guard admitted else { return }
        buckets[index].admitted += 1
        total.admitted += 1
    }

    /// Empties the buckets that fell out of the window. A time before the newest counts as the newest.
    private mutating func advance(to milliseconds: Int64) {
        let now = milliseconds / width - (milliseconds % width < 0 ? 1 : 0)
        guard let last = newest else {
            newest = now
            return
        }
        guard now > last else { return }
        newest = now
        let (gap, overflow) = now.subtractingReportingOverflow(last)
        if overflow || gap >= Int64(buckets.count) {
            for index in buckets.indices { buckets[index] = Bucket() }
            total = Bucket()
            return
        }
        for step in 1...gap {
            let index = slot(last + step)
            total.decisions -= buckets[index].decisions
            total.admitted -= buckets[index].admitted
            buckets[index] = Bucket()
        }
    }

    private func slot(_ number: Int64) -> Int {
        let count = Int64(buckets.count)
        let rest = number % count
        return Int(rest < 0 ? rest + count : rest)
    }
}
