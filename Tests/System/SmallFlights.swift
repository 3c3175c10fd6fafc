// A small real model of the flights, its contract, and the rows that it is measured on.
import Contracts
import Foundation
import Primitives
import TestKit
import YAMLDocuments

/// Two features of the real flights, trained by Python's LightGBM; holdout rows and the scores that Python gives them.
struct SmallFlights: Sendable {
    let model: [UInt8]
    let holdout: [UInt8]
    let rows: [[Double]]
    let scores: [Double]

    static let shared = Result { try SmallFlights() }
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "../..").standardized

    private struct Golden: Decodable {
        var model: String
        var holdout: String
        var rows: [[Double]]
        var scores: [Double]
    }

    private init() throws {
        let python = Self.root.appending(path: ".deps/python/bin/python")
        let process = Process(), output = Pipe()
        process.executableURL = python
        process.arguments = ["-c", Self.script, Self.root.appending(path: ".deps/data/flights.csv").path]
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw FixtureError(description: "the small model could not be trained; run scripts/setup") }
        let golden = try JSONDecoder().decode(Golden.self, from: data)
        (model, holdout, rows, scores) = (Array(golden.model.utf8), Array(golden.holdout.utf8), golden.rows, golden.scores)
    }

    private static let script = """
        import json, sys
        import lightgbm, pandas as pd
        f = pd.read_csv(sys.argv[1], nrows=60000, usecols=["arr_delay", "distance", "dep_delay"]).dropna()
        f["late"] = (f.arr_delay > 15).astype(int)
        f.dep_delay = f.dep_delay.clip(-60, 600)
        train, holdout = f.iloc[:40000], f.iloc[40000:]
        b = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 2, "deterministic": True, "seed": 7},
                           lightgbm.Dataset(train[["distance", "dep_delay"]].to_numpy(float), train.late), 20)
        rows = holdout[["distance", "dep_delay"]].to_numpy(float)[::400]
        print(json.dumps({"model": b.model_to_string(), "holdout": holdout[["distance", "dep_delay", "late"]].to_csv(index=False),
                          "rows": rows.tolist(), "scores": b.predict(rows).tolist()}))
        """

    private static func contract(_ id: String, label: Bool) -> [UInt8] {
        func column(_ name: String, _ bounds: String, _ role: String) -> String {
            "      - { name: \(name), logicalType: number, required: true, logicalTypeOptions: { \(bounds) }, customProperties: [{ property: penstock.role, value: \(role) }] }"
        }
        let features = [column("distance", "minimum: 0, maximum: 6000", "feature"), column("dep_delay", "minimum: -60, maximum: 600", "feature")]
        let last =
            label
            ? "      - { name: late, logicalType: boolean, required: true, customProperties: [{ property: penstock.role, value: label }] }"
            : "      - { name: tail_number, logicalType: string, customProperties: [{ property: penstock.role, value: entity }] }"
        let head = ["apiVersion: v3.1.0", "kind: DataContract", "id: \(id)", "version: 1.0.0", "schema:", "  - name: rows", "    properties:"]
        return Array((head + features + [last]).joined(separator: "\n").utf8)
    }

    static func signature() throws -> Digest {
        try ModelSignature(trainingContract: DataContract.read(YAMLDocumentParser().parse(training, file: "training.yaml"))).digest
    }

    static let training = contract("training", label: true)
    static let request = contract("request", label: false)
    static let decision = Array(
        """
        decision: rebooking-offer
        model: flight-delay
        input: contracts/request.yaml
        entity: tail_number
        fallback: { decide: review }
        rule:
          - { decide: offer, when: { score: { at_least: 0.5 } } }
          - { decide: none }
        """.utf8)
    static let policy = Array(
        """
        policy: rebooking-offer
        proposal: { requires: [reason] }
        evidence:
          evaluation: { max_age: 7d, criteria: [{ metric: auc, at_least: 0.8 }] }
          reversibility: { rehearsed_within: 1s }
        approval: [{ role: reviewer, count: 1 }, { role: risk-owner, count: 1 }]
        exposure: [{ live: true }]
        """.utf8)
}
