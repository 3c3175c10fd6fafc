// The files of a small team, made once with the program and copied into a fresh folder for each test.
import Foundation
import Testing

/// Keys of ada, ben, cleo and of eve, who is nobody; `home`, signed; a decision service with its contracts; a model and its holdout rows.
struct Workshop: Sendable {
    private let origin: Folder

    @TaskLocal static var current: Workshop?

    init() async throws {
        let program = try Program.built.get()
        let folder = try Folder()
        for person in ["ada", "ben", "cleo", "eve"] { try await program.succeed(["key", "new", "--person", person], in: folder.path) }
        try await program.succeed(Self.begin, in: folder.path)
        for person in ["ada", "cleo"] { try await program.succeed(["trust", "sign", "--home", "home", "--key", "\(person).key"], in: folder.path) }
        for (path, text) in ServiceTexts.files { try folder.write(text, to: path) }
        let model = try SmallModel.shared.get()
        try folder.write(model.text, to: "model.txt")
        try folder.write(model.holdout, to: "holdout.csv")
        origin = folder
    }

    static let people = ["--person", "ada:proposer+reviewer:ada.pub", "--person", "ben:reviewer:ben.pub", "--person", "cleo:risk-owner:cleo.pub"]
    static let named = ["init", "--system", "flights", "--environment", "staging"]
    static let begin = named + people + ["--home", "home"]

    static func folder() throws -> Folder {
        guard let current else { throw ProgramError(description: "this test stands outside ProgramTests, which makes the workshop") }
        return try Folder(copying: current.origin)
    }
}

/// Makes the workshop around all tests of the program, and removes it after them.
struct InWorkshop: SuiteTrait, TestScoping {
    func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
        let workshop = try await Workshop()
        try await Workshop.$current.withValue(workshop) { try await function() }
    }
}

/// All tests of the command line. One after another: each starts processes.
@Suite(.serialized, InWorkshop()) enum ProgramTests {}

/// A service's files, small enough to read in a message.
enum ServiceTexts {
    static let files = [
        "service/decision.yaml": decision, "service/policy.yaml": policy, "service/contracts/training.yaml": training, "service/contracts/request.yaml": request,
    ]

    static let decision = """
        decision: rebooking-offer
        model: flight-delay
        input: contracts/request.yaml
        entity: tail_number
        fallback: { decide: review }
        rule:
          - { decide: offer, when: { score: { at_least: 0.5 } } }
          - { decide: none }
        """

    static let policy = """
        policy: rebooking-offer
        proposal: { requires: [reason] }
        evidence:
          evaluation: { max_age: 7d, criteria: [{ metric: auc, at_least: 0.8 }] }
          reversibility: { rehearsed_within: 1s }
        approval: [{ role: reviewer, count: 1 }, { role: risk-owner, count: 1 }]
        exposure: [{ live: true }]
        """

    private static let head = "apiVersion: v3.1.0\nkind: DataContract\nid: flights\nversion: 1.0.0\nschema:\n  - name: rows\n    properties:\n"

    /// On line 8 and after, one line a column.
    private static func column(_ name: String, _ rest: String, _ role: String) -> String {
        "      - { name: \(name), \(rest), customProperties: [{ property: penstock.role, value: \(role) }] }\n"
    }

    static let features =
        column("distance", "logicalType: number, required: true, logicalTypeOptions: { minimum: 0, maximum: 6000 }", "feature")
        + column("dep_delay", "logicalType: number, required: true, logicalTypeOptions: { minimum: -60, maximum: 600 }", "feature")
    static let training = head + features + column("late", "logicalType: boolean, required: true", "label")
    static let request = head + features + column("tail_number", "logicalType: string", "entity")
}

/// Two features, three trees; trained by Python's LightGBM, with rows to measure it on.
struct SmallModel: Sendable {
    let text: String
    let holdout: String

    static let shared = Result { try SmallModel() }

    private init() throws {
        struct Golden: Decodable {
            var model: String
            var holdout: String
        }
        let process = Process(), output = Pipe()
        process.executableURL = URL(filePath: Program.repository + "/.deps/python/bin/python")
        process.arguments = ["-c", Self.script]
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ProgramError(description: "the small model could not be trained; run scripts/setup") }
        let golden = try JSONDecoder().decode(Golden.self, from: data)
        (text, holdout) = (golden.model, golden.holdout)
    }

    private static let script = """
        import json
        import lightgbm, numpy as np
        random = np.random.default_rng(7)
        x = random.uniform([0, -60], [6000, 600], (2000, 2)).round()
        late = x[:, 1] + random.normal(0, 60, 2000) > 120
        model = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1, "deterministic": True, "seed": 7, "num_leaves": 4},
                               lightgbm.Dataset(x[:1500], late[:1500].astype(int)), 3)
        rows = "".join(f"{d:.0f},{e:.0f},{str(bool(l)).lower()}\\n" for (d, e), l in zip(x[1500:], late[1500:]))
        print(json.dumps({"model": model.model_to_string(), "holdout": "distance,dep_delay,late\\n" + rows}))
        """
}
