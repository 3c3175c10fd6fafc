// A loaded LightGBM model and the scorers made from it, each owning its C handle.
internal import CLightGBM

/// A model that gives one score for a row. Scorers made from it may run in parallel.
package final class Booster: Sendable {
    package let features: Int
    fileprivate let owned: BoosterHandle

    /// Takes LightGBM's text format. The text is checked as a whole before LightGBM sees it; see `ModelText`.
    package init(_ model: [UInt8], library: LightGBMLibrary) throws(LightGBMError) {
        let text = try ModelText(model)
        owned = try BoosterHandle(model, calls: library.calls)
        features = try unsafe owned.count(library.calls.featureCount)
        let classes = try unsafe owned.count(library.calls.classCount)
        guard classes == 1, features == text.features, owned.iterations == text.trees else {
            throw LightGBMError(
                .model,
                "LightGBM read \(owned.iterations) trees, \(features) features and \(classes) classes where the model's text has \(text.trees), "
                    + "\(text.features) and 1; train and save the model again")
        }
    }
}

/// Unchecked: LightGBM guards its booster with a read-write lock of its own, and we never change it after loading.
@safe private struct BoosterHandle: ~Copyable, @unchecked Sendable {
    let pointer: lightgbm_booster
    let calls: LightGBMLibrary.Calls
    let iterations: Int

    init(_ model: [UInt8], calls: LightGBMLibrary.Calls) throws(LightGBMError) {
        var pointer: lightgbm_booster?
        var iterations: Int32 = 0
        calls.silence()
        var text = model
        text.append(0)
        let status = unsafe text.withUnsafeBytes { bytes in
            unsafe calls.loadModel(bytes.assumingMemoryBound(to: CChar.self).baseAddress, &iterations, &pointer)
        }
        guard status == 0, let pointer = unsafe pointer else { throw calls.lastError(.model, "the model") }
        unsafe self.pointer = pointer
        self.calls = calls
        self.iterations = Int(iterations)
    }

    deinit { _ = unsafe calls.freeBooster(pointer) }

    func count(_ call: lightgbm_booster_count) throws(LightGBMError) -> Int {
        var count: Int32 = 0
        guard unsafe call(pointer, &count) == 0 else { throw calls.lastError(.model, "to count in the model") }
        return Int(count)
    }
}

/// Scores one row after the other on one thread at a time. We allocate nothing for a score; LightGBM itself makes one small
/// vector of the row's values.
@safe package struct RowPredictor: ~Copyable {
    // Keeps the booster alive, into which the C object points.
    private let booster: Booster
    private let calls: LightGBMLibrary.Calls
    private let config: lightgbm_fast_config

    package init(_ booster: Booster) throws(LightGBMError) {
        guard let columns = Int32(exactly: booster.features) else { throw LightGBMError(.model, "the model has too many features") }
        var config: lightgbm_fast_config?
        let calls = booster.owned.calls
        calls.silence()
        let status = unsafe calls.fastInit(
            booster.owned.pointer, Int32(lightgbm_predict_normal), 0, -1, Int32(lightgbm_float64), columns,
            "num_threads=1 verbosity=-1", &config)
        guard status == 0, let config = unsafe config else { throw calls.lastError(.failed, "to prepare a scorer") }
        self.booster = booster
        self.calls = calls
        unsafe self.config = config
    }

    deinit { _ = unsafe calls.fastFree(config) }

    /// The model's answer after its output function (a probability when it was trained as `binary`). NaN is a missing value.
    package func score(_ row: Span<Double>) throws(LightGBMError) -> Double {
        // LightGBM reads as many values as the model has features.
        guard row.count == booster.features else {
            throw LightGBMError(.failed, "a row has \(row.count) values and the model \(booster.features) features; give one value for each")
        }
        var length: Int64 = 0
        var score = 0.0
        let status = unsafe row.withUnsafeBufferPointer { values in
            unsafe calls.fastPredict(config, values.baseAddress, &length, &score)
        }
        guard status == 0 else { throw calls.lastError(.failed, "to score a row") }
        guard length == 1, score.isFinite else {
            throw LightGBMError(.failed, "LightGBM gave \(length) values, the first \(score), where one finite score was expected")
        }
        return score
    }
}
