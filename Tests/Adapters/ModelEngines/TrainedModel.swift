// A LightGBM model trained on the flights when the tests run, with the scores that Python's LightGBM gives.
import Foundation
import Testing

struct TrainedModel: Sendable {
    let text: [UInt8]
    /// Its first trees only, to be damaged many times.
    let smallText: [UInt8]
    let rows: [[Double]]
    let scores: [Double]

    /// Trained once for all tests.
    static let shared = Result { try TrainedModel() }

    static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "../../..").standardized
    static let libraries = root.appending(path: ".deps/lib").path

    private struct Golden: Decodable {
        var model: String
        var small: String
        var rows: [[Double?]]
        var scores: [Double]
    }

    private init() throws {
        let python = Self.root.appending(path: ".deps/python/bin/python")
        try #require(FileManager.default.isExecutableFile(atPath: python.path), "There is no .deps/python; run scripts/setup.")
        let process = Process()
        let output = Pipe()
        process.executableURL = python
        process.arguments = ["-c", Self.script, Self.root.appending(path: ".deps/data/flights.csv").path]
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let golden = try JSONDecoder().decode(Golden.self, from: data)
        text = Array(golden.model.utf8)
        smallText = Array(golden.small.utf8)
        rows = golden.rows.map { $0.map { $0 ?? .nan } }
        scores = golden.scores
    }

    /// Five features, one of them a category, with missing values.
    private static let script = """
        import json, sys
        import lightgbm, numpy as np, pandas as pd
        f = pd.read_csv(sys.argv[1], nrows=60000)
        f = f[f.arr_delay.notna()]
        carriers = sorted(f.carrier.unique())
        codes = f.carrier.map({c: i for i, c in enumerate(carriers)})
        x = np.column_stack([codes, f.distance, f.sched_dep_time, f.dep_delay.where(f.index % 3 > 0), f.month]).astype(float)
        y = (f.arr_delay > 15).to_numpy(float)
        b = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 2, "deterministic": True, "seed": 7},
                           lightgbm.Dataset(x, y, categorical_feature=[0]), 60)
        rows = np.vstack([x[::60], [[np.nan] * 5, [-1] * 5, [99, 1e300, -1e300, 0, 0]]])
        print(json.dumps({"model": b.model_to_string(), "rows": [[None if np.isnan(v) else v for v in r] for r in rows],
                          "small": b.model_to_string(num_iteration=3), "scores": list(b.predict(rows))}))
        """
}
