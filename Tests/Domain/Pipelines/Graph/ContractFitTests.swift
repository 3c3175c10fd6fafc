// What a stage makes against what its readers need, as far as contracts say it.
import Contracts
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct ContractFitTests {
    private static let trainingPath = "contracts/training.yaml", holdoutPath = "contracts/holdout.yaml"

    /// The sample, whose holdout has a contract of its own.
    private static func problems(holdout columns: [Column], replaced: [Int: String] = [:], training: [Column]? = nil) throws -> [String] {
        let line = "    outputs: { train: \(trainingPath), holdout: \(holdoutPath) }"
        var contracts = try Sample.contracts()
        contracts[try path(holdoutPath)] = Sample.contract(columns)
        if let training { contracts[try path(trainingPath)] = Sample.contract(training) }
        let spec = try Sample.read(Sample.text(replaced.merging([13: line]) { given, _ in given }))
        return GraphProblemTests.problems(spec, contracts).map(\.description)
    }

    private static let columns = Sample.training.columns

    private static func changed(_ name: String, _ change: (inout Column) -> Void) -> [Column] {
        var columns = columns
        for index in columns.indices where columns[index].name == name { change(&columns[index]) }
        return columns
    }

    @Test func anEqualContractFits() throws {
        #expect(try Self.problems(holdout: Self.columns) == [])
        // What is no feature may differ, and so may privacy.
        #expect(try Self.problems(holdout: Self.changed("carrier") { $0.privacy = .public } + [Column(name: "note", type: .string)]) == [])
    }

    private static let unfit: [(columns: [Column], difference: String)] = [
        (columns.filter { $0.name != "temperature" }, "the feature 'temperature' is missing"),
        (columns + [Column(name: "wind", type: .number, role: .feature)], "'wind' is no feature of the model"),
        (changed("temperature") { $0.maximum = 120 }, "'temperature' is a number, -20 to 120 or null, and the model takes a number, -20 to 115 or null"),
        (changed("temperature") { $0.required = true }, "'temperature' is a number, -20 to 115, and the model takes a number, -20 to 115 or null"),
        (changed("temperature") { $0.type = .integer }, "'temperature' is an integer, -20 to 115 or null, and the model takes a number, -20 to 115 or null"),
        (changed("carrier") { $0.allowed = ["UA", "AA"] }, "'carrier' is a string, one of UA, AA, and the model takes a string, one of AA, UA"),
        ([Sample.carrier, Sample.origin, Sample.temperature, Sample.late], "the features stand in another order"),
        (changed("temperature") { $0.role = .none }, "the feature 'temperature' is missing"),
    ]

    @Test(arguments: unfit.indices) func promise5_aModelIsNotEvaluatedOnOtherFeatures(_ index: Int) throws {
        let (columns, difference) = Self.unfit[index]
        #expect(
            try Self.problems(holdout: columns) == [
                "penstock.yaml:23: train.model cannot be evaluated on features.holdout: \(difference) (\(Self.trainingPath) and \(Self.holdoutPath))"
            ])
    }

    @Test func otherCodesAreFoundWhereTheListsReadTheSame() throws {
        let many = (0..<20).map { "v\($0)" }
        let columns = Self.changed("carrier") { $0.allowed = many }
        let swapped = Self.changed("carrier") { $0.allowed = Array(many.prefix(12)) + many.suffix(8).reversed() }
        #expect(
            try Self.problems(holdout: swapped, training: columns) == [
                """
                penstock.yaml:23: train.model cannot be evaluated on features.holdout: 'carrier' lists other values, or in another order, which gives them other codes \
                (\(Self.trainingPath) and \(Self.holdoutPath))
                """
            ])
    }

    @Test(arguments: unfit.indices) func promise5_aModelsSignatureIsThatOfItsTrainingTable(_ index: Int) throws {
        let (columns, difference) = Self.unfit[index]
        let found = try Self.problems(holdout: Self.columns, replaced: [17: "    inputs: { train: features.holdout }"], training: columns)
        // The signature is now that of the changed contract, so the two are the other way round.
        #expect(
            found.count == 2 && found[0].hasPrefix("penstock.yaml:18: the model 'model' has the signature of \(Self.trainingPath), and no input of 'train' has these features; "))
        #expect(found[1].hasPrefix("penstock.yaml:23: train.model cannot be evaluated on features.holdout: "))
        #expect(difference.contains("order") == found[0].contains("order"), "\(found)")
    }

    @Test func oneFittingInputIsEnoughAndUnknownOnesAreGivenTheBenefit() throws {
        let other = Self.columns.filter { $0.name != "temperature" }
        func found(_ replaced: [Int: String]) throws -> [String] { try Self.problems(holdout: other, replaced: replaced).filter { $0.hasPrefix("penstock.yaml:18") } }
        #expect(
            try found([17: "    inputs: { train: features.holdout }"]) == [
                """
                penstock.yaml:18: the model 'model' has the signature of contracts/training.yaml, and no input of 'train' has these features; \
                features.holdout (contracts/holdout.yaml): the feature 'temperature' is missing
                """
            ])
        #expect(
            try found([17: "    inputs: { a: ingest.flights, train: features.holdout }"]) == [
                """
                penstock.yaml:18: the model 'model' has the signature of contracts/training.yaml, and no input of 'train' has these features; \
                ingest.flights (contracts/flights.yaml): it has no features; features.holdout (contracts/holdout.yaml): the feature 'temperature' is missing
                """
            ])
        #expect(try found([17: "    inputs: { a: features.holdout, b: features.train }"]) == [])
        #expect(try found([17: "    inputs: { a: features.holdout }", 19: "    sources: { raw: { files: data } }"]) == [])
        let plain = "    outputs: { train: contracts/training.yaml, holdout: contracts/holdout.yaml, notes: {} }"
        #expect(try found([13: plain, 17: "    inputs: { a: features.holdout, b: features.notes }"]) == [])
        #expect(try found([17: "    sources: { raw: { files: data } }"]) == [])
    }

    @Test func aSignatureNeedsFeatures() throws {
        #expect(
            try Self.problems(holdout: Self.columns, training: [Sample.late]).first
                == "penstock.yaml:18: the contract 't' has no column of the role feature; give its inputs 'penstock.role: feature'")
    }

    @Test(arguments: [
        ("delayed", [Sample.late], "the label of contracts/holdout.yaml is 'late', not 'delayed'"),
        ("late", [], "contracts/holdout.yaml needs exactly one column of the role label, of type boolean, to be evaluated on"),
        ("late", [Column(name: "late", type: .integer, role: .label)], "contracts/holdout.yaml needs exactly one column of the role label, of type boolean, to be evaluated on"),
        (
            "late", [Sample.late, Column(name: "late2", type: .boolean, role: .label)],
            "contracts/holdout.yaml needs exactly one column of the role label, of type boolean, to be evaluated on"
        ),
        ("late", [Column(name: "late", type: .boolean)], "contracts/holdout.yaml needs exactly one column of the role label, of type boolean, to be evaluated on"),
    ]) func anEvaluationNeedsItsLabel(_ label: String, _ labels: [Column], _ sentence: String) throws {
        let line = "    evaluate: { model: train.model, data: features.holdout, label: \(label), task: binary }"
        #expect(try Self.problems(holdout: Self.columns.filter { $0.role == .feature } + labels, replaced: [23: line]) == ["penstock.yaml:23: \(sentence)"])
    }

    @Test(arguments: [
        ("airport", "contracts/holdout.yaml has no column 'airport' to slice by"),
        ("late", "'late' is the label; rows are sliced by a string or a boolean that is known beforehand"),
        ("temperature", "'temperature' is a number; rows are sliced by a string or a boolean that is known beforehand"),
        ("hour", "'hour' is a timestamp; rows are sliced by a string or a boolean that is known beforehand"),
    ]) func aSliceIsAColumnOfFewValues(_ slice: String, _ sentence: String) throws {
        let line = "    evaluate: { model: train.model, data: features.holdout, label: late, task: binary, slices: [origin, \(slice)] }"
        #expect(try Self.problems(holdout: Self.columns, replaced: [23: line]) == ["penstock.yaml:23: \(sentence)"])
    }

    @Test func onlyAModelIsEvaluatedAndRegistered() throws {
        let evaluate = "    evaluate: { model: features.train, data: features.holdout, label: late, task: binary }"
        let register = "    register: { model: features.train, name: flight-delay, evidence: evaluate }"
        #expect(
            try Self.problems(holdout: Self.columns, replaced: [23: evaluate, 25: register]) == [
                "penstock.yaml:23: features.train is no model to evaluate; give that output 'format' and 'signature'",
                "penstock.yaml:25: features.train is no model to register; give that output 'format' and 'signature'",
            ])
    }

    @Test func anEvaluationReadsATableWithAContract() throws {
        let found = try Self.problems(holdout: Self.columns, replaced: [13: "    outputs: { train: contracts/training.yaml, holdout: {} }"])
        #expect(found == ["penstock.yaml:23: features.holdout is no table with a contract, and its rows are read by one; give that output a contract"])
        let model = "    evaluate: { model: train.model, data: train.model, label: late, task: binary }"
        #expect(
            try Self.problems(holdout: Self.columns, replaced: [23: model]) == [
                "penstock.yaml:23: train.model is no table with a contract, and its rows are read by one; give that output a contract"
            ])
    }

    @Test func everyMissingContractIsNamedOnce() throws {
        let problems = GraphProblemTests.problems(try Sample.read(Sample.text), [:])
        #expect(
            problems.map(\.description) == [
                "penstock.yaml:9: the contract contracts/flights.yaml was not found; write it, or correct the path",
                "penstock.yaml:13: the contract contracts/training.yaml was not found; write it, or correct the path",
            ])
    }
}
