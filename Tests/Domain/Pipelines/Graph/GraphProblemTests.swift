// What keeps stages from fitting together: each problem with its line, and all of them at once.
import Contracts
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct GraphProblemTests {
    struct Refused: Sendable, CustomTestStringConvertible {
        var replaced: [Int: String]
        var kind: PipelineProblem.Kind
        var sentence: String
        var testDescription: String { "\(replaced.values.sorted())" }

        init(_ line: Int, _ text: String, _ kind: PipelineProblem.Kind, _ sentence: String) {
            (self.replaced, self.kind, self.sentence) = ([line: text], kind, sentence)
        }
    }

    private static let stages = "known stages: ingest, features, train, evaluate, register"

    static let refused: [Refused] = [
        Refused(12, "    inputs: { flights: ingst.flights }", .unknownStage, "penstock.yaml:12: 'ingst.flights': there is no stage 'ingst'; \(stages)"),
        Refused(
            12, "    inputs: { flights: ingest.flight }", .unknownOutput,
            "penstock.yaml:12: 'ingest.flight': the stage 'ingest' has no output 'flight'; its outputs: flights"),
        Refused(
            12, "    inputs: { flights: ingest.flights, own: features.train }", .selfInput,
            "penstock.yaml:12: the stage 'features' reads its own output 'train', which is there only afterwards; read another"),
        Refused(
            7, "    parameters: { until, from }", .unknownParameter,
            "penstock.yaml:7: 'from' without a value is the pipeline's parameter, and it has none of that name; known: until, verbose"),
        Refused(
            3, "parameters: { until: a, verb-ose: 1, verb_ose: 2 }", .duplicateName,
            "penstock.yaml:3: 'verb-ose' and 'verb_ose' of the parameters of the pipeline are both $PENSTOCK_PARAM_VERB_OSE; rename one"),
        Refused(
            16, "    parameters: { a-b: 1, a_b: 2 }", .duplicateName,
            "penstock.yaml:16: 'a-b' and 'a_b' of the parameters of 'train' are both $PENSTOCK_PARAM_A_B; rename one"),
        Refused(
            8, "    sources: { a-b: { files: a }, a_b: { files: a } }", .duplicateName,
            "penstock.yaml:8: 'a-b' and 'a_b' of the sources of 'ingest' are both $PENSTOCK_SOURCE_A_B; rename one"),
        Refused(
            12, "    inputs: { a-b: ingest.flights, a_b: ingest.flights }", .duplicateName,
            "penstock.yaml:12: 'a-b' and 'a_b' of the inputs of 'features' are both $PENSTOCK_INPUT_A_B; rename one"),
        Refused(
            18, "    outputs: { model: { format: lightgbm, signature: contracts/training.yaml }, a-b: {}, a_b: {} }", .duplicateName,
            "penstock.yaml:18: 'a-b' and 'a_b' of the outputs of 'train' are both $PENSTOCK_OUTPUT_A_B; rename one"),
        Refused(
            9, "    outputs: { flights: contracts/flight.yaml }", .missingContract,
            "penstock.yaml:9: the contract contracts/flight.yaml was not found; write it, or correct the path"),
        Refused(
            25, "    register: { model: train.model, name: flight-delay }", .noEvidence,
            "penstock.yaml:24: the stage 'register' registers 'flight-delay' without evidence; add 'evidence:' with the stage that evaluates train.model"),
        Refused(
            25, "    register: { model: train.model, name: flight-delay, evidence: train }", .noEvidence,
            "penstock.yaml:25: the stage 'train' evaluates nothing; 'evidence' names the stage that evaluates train.model"),
        Refused(
            25, "    register: { model: train.model, name: flight-delay, evidence: exam }", .unknownStage,
            "penstock.yaml:25: there is no stage 'exam' to give evidence; \(stages)"),
    ]

    static func problems(_ spec: PipelineSpec, _ contracts: [ProjectPath: DataContract]) -> [PipelineProblem] {
        do throws(PipelineError) {
            _ = try PipelineGraph(validating: spec, contracts: contracts)
            return []
        } catch {
            #expect(error.code == .graph && error.message == error.problems.map(\.description).joined(separator: "\n") && !error.problems.isEmpty)
            return error.problems
        }
    }

    @Test(arguments: refused) func aProblemIsOneSentenceWithItsLine(_ test: Refused) throws {
        let problems = Self.problems(try Sample.read(Sample.text(test.replaced)), try Sample.contracts())
        #expect(problems.map(\.description) == [test.sentence])
        #expect(problems.map(\.kind) == [test.kind])
    }

    @Test func evidenceAboutAnotherModelIsNone() throws {
        let other = "  other:\n    run: stages/a\n    inputs: { train: features.train }\n    outputs: { model: { format: lightgbm, signature: contracts/training.yaml } }\n"
        let text = Sample.text([24: other + "  register:", 25: "    register: { model: other.model, name: flight-delay, evidence: evaluate }"])
        #expect(
            Self.problems(try Sample.read(text), try Sample.contracts()).map(\.description) == [
                "penstock.yaml:29: the stage 'evaluate' evaluates train.model, and other.model is registered; evaluate that"
            ])
    }

    @Test(arguments: [
        (["a: b", "b: a"], ["penstock.yaml:3: these stages wait for one another: a → b → a; break the circle"]),
        (["a: c", "b: a", "c: b"], ["penstock.yaml:3: these stages wait for one another: a → b → c → a; break the circle"]),
        // The shortest ways round, until every stage in one is named, and nothing about those behind them.
        (
            ["a: b d", "b: a", "c: b", "d: c", "e: d"],
            [
                "penstock.yaml:3: these stages wait for one another: a → b → a; break the circle",
                "penstock.yaml:5: these stages wait for one another: c → d → a → b → c; break the circle",
            ]
        ),
        (
            ["x: z", "y", "z: x", "p: q", "q: p y"],
            [
                "penstock.yaml:3: these stages wait for one another: x → z → x; break the circle",
                "penstock.yaml:6: these stages wait for one another: p → q → p; break the circle",
            ]
        ),
        (["a: a"], ["penstock.yaml:3: the stage 'a' reads its own output 'x', which is there only afterwards; read another"]),
    ]) func aCircleIsNamedInOrder(_ lines: [String], _ sentences: [String]) throws {
        #expect(try Self.problems(spec(lines), [:]).map(\.description) == sentences)
    }

    @Test func everyProblemIsReportedInTheOrderOfTheFile() throws {
        let text = Sample.text([
            7: "    parameters: { from }", 12: "    inputs: { a-b: ingst.flights, a_b: ingest.nothing, c: register.version }",
            25: "    register: { model: train.model, name: flight-delay }",
        ])
        let problems = Self.problems(try Sample.read(text), try Sample.contracts())
        #expect(problems.map(\.kind) == [.unknownParameter, .cycle, .duplicateName, .unknownStage, .unknownOutput, .noEvidence])
        #expect(problems.map(\.place.line) == [7, 10, 12, 12, 12, 24])
        #expect(problems.first { $0.kind == .cycle }?.message == "these stages wait for one another: features → train → register → features; break the circle")
    }

    @Test func aStageThatStandsTwiceIsRefused() throws {
        var spec = try spec(["a", "b: a"])
        spec.stages.append(spec.stages[0])
        #expect(Self.problems(spec, [:]).map(\.message) == ["the stage 'a' stands twice; rename one"])
    }

    @Test func parametersThatNoEnvironmentTakesAreRefused() throws {
        func spec(_ count: Int) throws -> PipelineSpec {
            let values = (0..<count).map { "        p\($0): \(String(repeating: "a", count: 4094))" }.joined(separator: "\n")
            return try Sample.read("pipeline: p\nstages:\n  a:\n    run: a/b\n    parameters:\n\(values)")
        }
        #expect(
            Self.problems(try spec(16), [:]).map(\.description) == [
                "penstock.yaml:3: the parameters of 'a' have 65542 bytes, and its environment takes 65536; put long text into a file"
            ])
        #expect(try Self.problems(spec(15), [:]) == [])
    }
}
