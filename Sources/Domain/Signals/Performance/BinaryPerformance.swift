// How well scores told two classes apart: exact metrics over labelled rows.

/// The metrics of one set of rows. They agree with scikit-learn's to rounding.
package struct BinaryPerformance: Hashable, Sendable {
    package var rows: Int
    /// The chance that a row that came true scores over one that did not, ties counting half; `nil`, not defined, when only one class is there.
    package var auc: Double?
    /// Mean negative log-likelihood; a score is kept 2⁻⁵² away from 0 and 1, as scikit-learn does.
    package var logLoss: Double
    /// Mean squared distance of score and label.
    package var brier: Double
    /// Mean distance of score and share of true labels over ten score bins of equal width, [0, 0.1), …, [0.9, 1], weighted by their rows.
    package var calibrationError: Double
    /// Share of rows on the right side of 0.5; a score of exactly 0.5 says true.
    package var accuracy: Double
    /// Share of true labels.
    package var baseRate: Double

    /// By the names that policies use. A metric that is not defined is absent, which a policy takes as errored.
    package var metrics: [String: Double] {
        var metrics = [
            "rows": Double(rows), "log_loss": logLoss, "brier": brier, "calibration_error": calibrationError, "accuracy": accuracy, "base_rate": baseRate,
        ]
        metrics["auc"] = auc
        return metrics
    }
}

/// Collects labelled scores and measures them, as a whole and by slice. Keeps 16 bytes a row, since exact AUC needs all scores.
package struct BinaryPerformanceTally: Sendable {
    /// Past this, the pairs of AUC could not be counted in 64 bits.
    package static let rowLimit = 1_000_000_000
    package static let calibrationBins = 10
    /// The slice that takes in those that are too small.
    package static let pooledSlice = "other"

    fileprivate struct Row: Sendable {
        var score: Double
        var label: Bool
        /// A position in the list of slice names; -1 is none.
        var slice: Int32
    }

    private var rows: [Row] = []
    private var sliceNames: [String] = []
    private var sliceNumbers: [String: Int32] = [:]

    package init() {}

    package var count: Int { rows.count }

    /// Throws `.errored` for a score that is no probability: the rows cannot be measured then, whatever the others say.
    package mutating func add(score: Double, label: Bool, slice: String? = nil) throws(SignalsError) {
        guard score.isFinite, (0...1).contains(score) else {
            throw SignalsError(
                .errored, "Row \(rows.count + 1) has the score \(score), which is no probability; train the model with an objective that gives one.")
        }
        guard rows.count < Self.rowLimit else { throw SignalsError(.errored, "There are over \(Self.rowLimit) rows; measure a sample of them.") }
        rows.append(Row(score: score, label: label, slice: slice.map { number(of: $0) } ?? -1))
    }

    package func performance() throws(SignalsError) -> BinaryPerformance { try Self.measure(rows) }

    /// One result per slice. Slices of fewer than `minimum` rows are measured together as `other`; rows without a slice are left out.
    package func performanceBySlice(minimum: Int) throws(SignalsError) -> [String: BinaryPerformance] {
        var groups: [Int32: [Row]] = [:]
        for row in rows where row.slice >= 0 { groups[row.slice, default: []].append(row) }
        var named: [String: [Row]] = [:]
        for (number, members) in groups {
            let name = members.count < minimum ? Self.pooledSlice : sliceNames[Int(number)]
            named[name, default: []] += members
        }
        var results: [String: BinaryPerformance] = [:]
        for (name, members) in named { results[name] = try Self.measure(members) }
        return results
    }

    private mutating func number(of slice: String) -> Int32 {
        if let number = sliceNumbers[slice] { return number }
        // At most one new name a row, and rows are fewer than Int32 has values.
        let number = Int32(sliceNames.count)
        sliceNames.append(slice)
        sliceNumbers[slice] = number
        return number
    }

    private static func measure(_ rows: [Row]) throws(SignalsError) -> BinaryPerformance {
        guard !rows.isEmpty else { throw SignalsError(.errored, "There are no labelled rows to measure; give at least one.") }
        var logLoss = ExactSum()
        var brier = ExactSum()
        var binDistances = [ExactSum](repeating: ExactSum(), count: calibrationBins)
        var right = 0
        var positives = 0
        for row in rows {
            let label = row.label ? 1.0 : 0.0
            let likelihood = row.label ? row.score : 1 - row.score
            logLoss.add(-logarithm(min(max(likelihood, .ulpOfOne), 1 - .ulpOfOne)))
            brier.add((row.score - label) * (row.score - label))
            binDistances[min(Int(row.score * Double(calibrationBins)), calibrationBins - 1)].add(row.score - label)
            if (row.score >= 0.5) == row.label { right += 1 }
            if row.label { positives += 1 }
        }
        let count = Double(rows.count)
        return BinaryPerformance(
            rows: rows.count, auc: auc(rows, positives: positives), logLoss: logLoss.value / count, brier: brier.value / count,
            calibrationError: binDistances.reduce(0) { $0 + abs($1.value) } / count, accuracy: Double(right) / count, baseRate: Double(positives) / count)
    }

    /// The Mann-Whitney statistic from counts, so without rounding until the one division.
    private static func auc(_ rows: [Row], positives: Int) -> Double? {
        let negatives = rows.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        let sorted = rows.sorted { $0.score < $1.score }
        var twiceWins = 0
        var negativesBelow = 0
        var start = 0
        while start < sorted.count {
            var tied = (positives: 0, negatives: 0)
            var end = start
            while end < sorted.count, sorted[end].score == sorted[start].score {
                if sorted[end].label { tied.positives += 1 } else { tied.negatives += 1 }
                end += 1
            }
            twiceWins += tied.positives * (2 * negativesBelow + tied.negatives)
            negativesBelow += tied.negatives
            start = end
        }
        return Double(twiceWins) / (2 * Double(positives) * Double(negatives))
    }
}

/// A sum that keeps what rounding drops (Neumaier's method).
private struct ExactSum {
    private var sum = 0.0
    private var lost = 0.0

    var value: Double { sum + lost }

    mutating func add(_ value: Double) {
        let next = sum + value
        lost += abs(sum) >= abs(value) ? (sum - next) + value : (value - next) + sum
        sum = next
    }
}
