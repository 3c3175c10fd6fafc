// The metrics against scikit-learn 1.9, and what cannot be measured.
import Signals
import Testing

/// What scikit-learn says: roc_auc_score, log_loss, brier_score_loss, accuracy_score; the calibration error is from NumPy.
struct Golden: Sendable, CustomTestStringConvertible {
    var name: String
    var scores: [Double]
    var labels: [Int]
    var auc: Double?
    var logLoss: Double
    var brier: Double
    var calibrationError: Double
    var accuracy: Double
    var baseRate: Double

    var testDescription: String { name }

    static let all = [
        Golden(
            name: "small", scores: [0.1, 0.4, 0.35, 0.8],
            labels: [0, 0, 1, 1],
            auc: 0.75, logLoss: 0.47228795380917615, brier: 0.15812500000000002,
            calibrationError: 0.33749999999999997, accuracy: 0.75, baseRate: 0.5),
        Golden(
            name: "all tied", scores: [0.3, 0.3, 0.3, 0.3, 0.3, 0.3],
            labels: [0, 1, 0, 0, 1, 0],
            auc: 0.5, logLoss: 0.6391075640678002, brier: 0.2233333333333333,
            calibrationError: 0.033333333333333326, accuracy: 0.6666666666666666, baseRate: 0.3333333333333333),
        Golden(
            name: "extremes, right and wrong", scores: [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.5],
            labels: [0, 1, 1, 0, 1, 0, 1],
            auc: 0.6666666666666667, logLoss: 10.39720770839918, brier: 0.32142857142857145,
            calibrationError: 0.35714285714285715, accuracy: 0.7142857142857143, baseRate: 0.5714285714285714),
        Golden(
            name: "near the ends", scores: [1e-17, 0.9999999999999999, 1e-300, 2.5e-308, 0.999999999999],
            labels: [1, 0, 1, 0, 1],
            auc: 0.5, logLoss: 21.626192033470492, brier: 0.6,
            calibrationError: 0.5999999999998, accuracy: 0.4, baseRate: 0.6),
        Golden(
            name: "many ties on the edges of bins",
            scores: [
                0.8, 0.8, 0.5, 0.3, 0.1, 0.4, 0.4, 0.0, 0.0, 1.0, 0.7, 0.2, 0.4, 1.0, 0.9, 0.8, 0.4,
                0.5, 0.7, 0.1, 0.6, 0.3, 0.9, 0.1, 0.7, 0.9, 0.2, 0.9, 0.9, 0.0, 0.7, 0.0, 0.5, 0.4, 0.2, 0.3, 0.8, 0.3, 0.1, 0.7, 0.4, 0.8, 0.2,
                0.3, 0.8, 0.5, 0.5, 0.2, 0.0, 0.9, 0.1, 0.8, 0.4, 1.0, 0.4, 0.9, 0.6, 0.2, 0.7, 0.7,
            ],
            labels: [
                1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0,
                0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1,
            ],
            auc: 0.78125, logLoss: 0.555331483546426, brier: 0.19283333333333333,
            calibrationError: 0.13833333333333334, accuracy: 0.6833333333333333, baseRate: 0.4666666666666667),
        Golden(
            name: "rare",
            scores: [
                0.489419, 0.136492, 0.203431, 0.001946, 0.118912, 0.130683, 0.137662, 0.136471, 0.225207, 0.446653, 0.423487,
                0.083158, 0.008502, 0.320611, 0.38277, 0.365121, 0.146955, 0.236635, 0.41753, 0.271901, 0.004134, 0.057007, 0.02986, 0.120287,
                0.287282, 0.021864, 0.200629, 0.581401, 0.0, 0.132469, 0.076762, 0.420758, 0.300307, 0.032738, 0.09355, 0.129418, 0.166339,
                0.197499, 0.098039, 0.221939,
            ],
            labels: [0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            auc: 0.5913978494623655, logLoss: 0.5529651915016082, brier: 0.18591640464285,
            calibrationError: 0.11835835000000001, accuracy: 0.75, baseRate: 0.225),
        Golden(
            name: "only true", scores: [0.2, 0.9, 1.0],
            labels: [1, 1, 1],
            auc: nil, logLoss: 0.5715994760306423, brier: 0.2166666666666667,
            calibrationError: 0.3, accuracy: 0.6666666666666666, baseRate: 1.0),
        Golden(
            name: "only false", scores: [0.2, 0.9, 0.5],
            labels: [0, 0, 0],
            auc: nil, logLoss: 1.0729586082894003, brier: 0.3666666666666667,
            calibrationError: 0.5333333333333333, accuracy: 0.3333333333333333, baseRate: 0.0),
        Golden(
            name: "one row", scores: [0.7],
            labels: [1],
            auc: nil, logLoss: 0.35667494393873245, brier: 0.09000000000000002,
            calibrationError: 0.30000000000000004, accuracy: 1.0, baseRate: 1.0),
    ]
}

@Suite struct BinaryPerformanceTests {
    private func tally(_ golden: Golden) throws -> BinaryPerformanceTally {
        var tally = BinaryPerformanceTally()
        for (score, label) in zip(golden.scores, golden.labels) { try tally.add(score: score, label: label == 1) }
        return tally
    }

    @Test(arguments: Golden.all)
    func equalsScikitLearn(_ golden: Golden) throws {
        let found = try tally(golden).performance()
        #expect((found.auc == nil) == (golden.auc == nil))
        for (ours, theirs) in [
            (found.auc ?? 0, golden.auc ?? 0), (found.logLoss, golden.logLoss), (found.brier, golden.brier), (found.calibrationError, golden.calibrationError),
            (found.accuracy, golden.accuracy), (found.baseRate, golden.baseRate),
        ] {
            #expect(abs(ours - theirs) < 1e-9)
        }
        #expect(found.rows == golden.scores.count)
        let names = ["rows", "log_loss", "brier", "calibration_error", "accuracy", "base_rate"] + (golden.auc == nil ? [] : ["auc"])
        #expect(Set(found.metrics.keys) == Set(names))
    }

    @Test func theOrderOfRowsDoesNotMatter() throws {
        var golden = Golden.all[4]
        let first = try tally(golden).performance()
        golden.scores.reverse()
        golden.labels.reverse()
        let second = try tally(golden).performance()
        #expect(first.auc == second.auc && first.accuracy == second.accuracy && first.baseRate == second.baseRate)
        #expect(abs(first.logLoss - second.logLoss) < 1e-15)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, -1e-12, 1.0000001, .signalingNaN])
    func aScoreThatIsNoProbabilityIsErrored(_ score: Double) {
        var tally = BinaryPerformanceTally()
        let error = #expect(throws: SignalsError.self) { try tally.add(score: score, label: true) }
        #expect(error?.code == .errored)
        #expect(tally.count == 0)
    }

    @Test func noRowsAreErrored() {
        #expect(throws: SignalsError.self) { try BinaryPerformanceTally().performance() }
    }

    @Test func negativeZeroTiesWithZero() throws {
        var tally = BinaryPerformanceTally()
        try tally.add(score: -0.0, label: true)
        try tally.add(score: 0.0, label: false)
        #expect(try tally.performance().auc == 0.5)
    }

    @Test func smallSlicesArePooled() throws {
        var tally = BinaryPerformanceTally()
        for row in 0..<30 { try tally.add(score: 0.25, label: row % 2 == 0, slice: "EWR") }
        for row in 0..<3 { try tally.add(score: 1, label: row == 0, slice: "JFK") }
        for _ in 0..<2 { try tally.add(score: 0, label: false, slice: "LGA") }
        try tally.add(score: 0.5, label: true)
        let slices = try tally.performanceBySlice(minimum: 10)
        #expect(slices.mapValues(\.rows) == ["EWR": 30, "other": 5])
        #expect(slices["EWR"]?.auc == 0.5)
        #expect(slices["other"]?.accuracy == 0.6)
        #expect(try tally.performance().rows == 36)
        #expect(try tally.performanceBySlice(minimum: 3).mapValues(\.rows) == ["EWR": 30, "JFK": 3, "other": 2])
    }
}
