// penstock.yaml is read whole, and every mistake in it is one sentence with its line.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct PipelineReadingTests {
    @Test func aPipelineIsRead() throws {
        let spec = try Sample.read(Sample.text)
        #expect(spec.name.text == "flight-delay" && spec.pythonLock?.value.text == "requirements.lock" && spec.pythonLock?.place.line == 2)
        #expect(spec.parameters.map(\.name.text) == ["until", "verbose"] && spec.parameters.map(\.value) == [.text("2013-06-30"), .bool(false)])
        #expect(spec.stages.map(\.name.text) == ["ingest", "features", "train", "evaluate", "register"] && spec.stages.map(\.place.line) == [5, 10, 14, 22, 24])
        #expect(spec.contracts.map(\.value.text) == ["contracts/flights.yaml", "contracts/training.yaml"] && spec.contracts.map(\.place.line) == [9, 13])
    }

    @Test func aRunStageIsRead() throws {
        let spec = try Sample.read(Sample.text)
        let ingest = spec.stages[0], train = spec.stages[2]
        guard case .run(let command, let code) = ingest.work else {
            Issue.record("\(ingest.work)")
            return
        }
        #expect(command.words == ["python", "stages/ingest.py"] && code.text == "stages" && ingest.work.kind == "run" && ingest.work.code == code)
        #expect(try ingest.parameters.map(\.name) == [parameter("until")] && ingest.parameters[0].value == nil && ingest.parameters[0].place.line == 7)
        #expect(ingest.sources.map(\.name.text) == ["raw"] && ingest.sources.map(\.files.text) == ["data/flights.csv"] && ingest.sources[0].place.line == 8)
        #expect(try ingest.outputs.map(\.kind) == [.table(contract: path("contracts/flights.yaml"))])
        #expect(ingest.determinism == .bitwise && ingest.retries == 0 && ingest.timeout == .seconds(3600))
        #expect(try train.inputs.map(\.from) == [output("features.train")] && train.inputs[0].place.line == 17)
        #expect(try train.output(slot("model"))?.kind == .model(.lightgbm, signature: path("contracts/training.yaml")))
        #expect(train.parameters.map(\.value) == [.number(300), .number(31), .number(7)])
        #expect(train.determinism == .tolerance && train.retries == 2 && train.timeout == .seconds(1200))
    }

    @Test func aBuiltInStageIsRead() throws {
        let spec = try Sample.read(Sample.text)
        guard case .evaluate(let evaluation) = spec.stages[3].work, case .register(let registration) = spec.stages[4].work else {
            Issue.record("\(spec.stages)")
            return
        }
        #expect(try evaluation.model == output("train.model") && evaluation.data == output("features.holdout") && evaluation.task == .binary)
        #expect(evaluation.label.value == "late" && evaluation.slices.map(\.value) == ["origin", "carrier"] && evaluation.slices[1].place.line == 23)
        #expect(spec.stages[3].inputs.map(\.name.text) == ["model", "data"] && spec.stages[3].outputs.map(\.kind) == [.evaluation])
        #expect(spec.stages[3].work.command.spelled == "evaluate label=late task=binary slice=origin slice=carrier" && spec.stages[3].work.code == nil)
        #expect(try registration.model == output("train.model") && registration.name.text == "flight-delay" && registration.evidence?.value == stage("evaluate"))
        #expect(spec.stages[4].inputs.map(\.from.description) == ["train.model", "evaluate.evaluation"] && spec.stages[4].outputs.map(\.kind) == [.version])
        #expect(spec.stages[4].work.command.spelled == "register name=flight-delay")
    }

    @Test func whatMayBeLeftOutMayBeLeftOut() throws {
        let spec = try Sample.read("pipeline: p\nstages:\n  a: { run: python -m a, code: ./lib/, outputs: { x: {} }, retries: 10, timeout: 7d, determinism: none }")
        #expect(spec.pythonLock == nil && spec.parameters == [] && spec.contracts == [])
        #expect(spec.stages[0].work.code?.text == "lib" && spec.stages[0].outputs.map(\.kind) == [.plain] && spec.stages[0].retries == 10)
        #expect(spec.stages[0].timeout == .seconds(7 * 86_400) && spec.stages[0].determinism == .none)
        #expect(try Sample.read(Sample.text([23: "    evaluate: { model: train.model, data: features.holdout, label: late, task: binary }"])).stages[3].inputs.count == 2)
        let block = try Sample.read(Sample.text([7: "    parameters:\n      until:\n      depth: 3"]))
        #expect(block.stages[0].parameters.map(\.value) == [nil, .number(3)])
    }

    @Test func outputsAndTheirSpellingAreFrozen() throws {
        let kinds: [OutputKind] = [.plain, .table(contract: try path("a")), .model(.lightgbm, signature: try path("a")), .evaluation, .version]
        #expect(kinds.map(\.spelled) == ["plain", "table", "model lightgbm", "evaluation", "version"])
        #expect(Determinism.allCases.map(\.rawValue) == ["bitwise", "tolerance", "none"])
        #expect(try StageVariable.input(slot("a-b_c")) == "PENSTOCK_INPUT_A_B_C" && StageVariable.output(slot("x")) == "PENSTOCK_OUTPUT_X")
        #expect(try StageVariable.source(slot("x")) == "PENSTOCK_SOURCE_X" && StageVariable.parameter(parameter("x1")) == "PENSTOCK_PARAM_X1")
        #expect(StageVariable.parameters == "PENSTOCK_PARAMETERS")
        #expect(["a", "a.", ".a", "a.b.c", "A.b", ""].allSatisfy { OutputReference(parsing: $0) == nil })
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var line: Int
        var text: String
        var sentence: String
        var testDescription: String { "\(line): \(text)" }

        init(_ line: Int, _ text: String, _ sentence: String) { (self.line, self.text, self.sentence) = (line, text, sentence) }
    }

    private static let stageKeys = "run, evaluate, register, sql, retries, timeout, parameters, inputs, sources, outputs, code, determinism"
    private static let unbuiltSource = "is not built yet: a source is a file or folder of the project in this version, 'files: …'; leave it out"
    private static let builtIn = "has no meaning in a stage that Penstock does itself; what it uses stands in its own map"

    static let refusedWholes: [Refused] = [
        Refused(1, "", "penstock.yaml:2: 'pipeline' is missing; add it"),
        Refused(1, "pipeline: Flight", "penstock.yaml:1: \(PipelineName.refusal(of: "Flight"))"),
        Refused(1, "pipeline: a\nstage: {}", "penstock.yaml:2: unknown key 'stage'; did you mean 'stages'?"),
        Refused(1, "pipeline: a\nschedule: daily", "penstock.yaml:2: unknown key 'schedule'; known here: pipeline, environment, parameters, stages"),
        Refused(2, "environment: requirements.lock", "penstock.yaml:2: expected a map of keys and values here, found 'requirements.lock'"),
        Refused(2, "environment: {}", "penstock.yaml:2: 'python' is missing; add it"),
        Refused(2, "environment: { python: /a }", "penstock.yaml:2: \(ProjectPath.refusal(of: "/a"))"),
        Refused(2, "environment: { python: a, conda: b }", "penstock.yaml:2: unknown key 'conda'; known here: python"),
        Refused(3, "parameters: [until]", "penstock.yaml:3: expected a map of keys and values here, found a list"),
        Refused(3, "parameters: { until }", "penstock.yaml:3: the pipeline's parameter 'until' needs a value; write one"),
        Refused(3, "parameters: { Until: 1 }", "penstock.yaml:3: \(ParameterName.refusal(of: "Until"))"),
        Refused(
            3, "parameters: { a.b: 1 }",
            "penstock.yaml:3: 'a.b' cannot be a name in a pipeline: a dot stands between a stage and its output; use '-' or '_'"),
        Refused(
            5, "  in.gest:", "penstock.yaml:5: 'in.gest' cannot be a name in a pipeline: a dot stands between a stage and its output; use '-' or '_'"),
        Refused(5, "  Ingest:", "penstock.yaml:5: \(StageName.refusal(of: "Ingest"))"),
        Refused(5, "  train:", "penstock.yaml:5: the key 'train' stands twice; keep one"),
        Refused(5, "  other:\n  ingest:", "penstock.yaml:5: expected a map of keys and values here, found nothing"),
    ]

    static let refusedRuns: [Refused] = [
        Refused(6, "", "penstock.yaml:5: the stage 'ingest' does nothing; give it one of run, evaluate and register"),
        Refused(6, "    run: a/b\n    register: {}", "penstock.yaml:5: the stage 'ingest' does several things; give it one of run, evaluate and register"),
        Refused(6, "    sql: stages/a.sql", "penstock.yaml:6: 'sql' is not built yet: it needs the boxed table worker; leave it out"),
        Refused(6, "    run: a/b\n    sql: stages/a.sql", "penstock.yaml:7: 'sql' is not built yet: it needs the boxed table worker; leave it out"),
        Refused(6, "    run: [python]", "penstock.yaml:6: expected text here, found a list"),
        Refused(6, "    run:", "penstock.yaml:6: expected text here, found nothing"),
        Refused(
            6, "    run: a/b | c", "penstock.yaml:6: no shell reads the command, so '|' would do nothing; put it in single quotes, or move it into a script"),
        Refused(
            6, "    run: python a.py",
            "penstock.yaml:6: which folder is the stage's code? The command names no script in a folder; add 'code: stages'"),
        Refused(6, "    run: a/b\n    code: .", "penstock.yaml:7: \(ProjectPath.refusal(of: "."))"),
        Refused(6, "    run: a/b\n    code: ../lib", "penstock.yaml:7: \(ProjectPath.refusal(of: "../lib"))"),
        Refused(6, "    run: a/b\n    code: .penstock/a", "penstock.yaml:7: '.penstock/a' lies in Penstock's own folder; keep what stages use beside it"),
        Refused(6, "    run: a/b\n    code: \"a\\0b\"", "penstock.yaml:7: \(ProjectPath.refusal(of: "a\0b"))"),
        Refused(6, "    run: a/b\n    seeds: 7", "penstock.yaml:7: unknown key 'seeds'; known here: \(stageKeys)"),
        Refused(6, "    run: a/b\n    retry: 2", "penstock.yaml:7: unknown key 'retry'; known here: \(stageKeys)"),
        Refused(6, "    run: a/b\n    retires: 2", "penstock.yaml:7: unknown key 'retires'; did you mean 'retries'?"),
        Refused(6, "    run: a/b\n    determinism: exact", "penstock.yaml:7: expected one of bitwise, tolerance, none here, found 'exact'"),
        Refused(6, "    run: a/b\n    retries: 11", "penstock.yaml:7: expected a whole number from 0 to 10 here, found '11'"),
        Refused(6, "    run: a/b\n    retries: -1", "penstock.yaml:7: expected a whole number from 0 to 10 here, found '-1'"),
        Refused(6, "    run: a/b\n    retries: 1.5", "penstock.yaml:7: expected a whole number from 0 to 10 here, found '1.5'"),
        Refused(6, "    run: a/b\n    timeout: 0s", "penstock.yaml:7: a timeout is more than nothing and at most 7d, found '0s'"),
        Refused(6, "    run: a/b\n    timeout: 8d", "penstock.yaml:7: a timeout is more than nothing and at most 7d, found '8d'"),
        Refused(6, "    run: a/b\n    timeout: 20", "penstock.yaml:7: expected a span of time such as 250ms, 10s, 20m, 6h or 7d here, found '20'"),
        Refused(7, "    parameters: { a: [1] }", "penstock.yaml:7: a parameter is text, a number, true or false; found a list"),
        Refused(7, "    parameters: { a: 007 }", "penstock.yaml:7: '007' could be a number or text; write 7, or put it in quotes"),
        Refused(7, "    inputs: [a.b]", "penstock.yaml:7: expected a map of keys and values here, found a list"),
        Refused(7, "    inputs: { a: flights }", "penstock.yaml:7: expected an output as 'stage.output' here, found 'flights'"),
        Refused(7, "    inputs: { a: a.b.c }", "penstock.yaml:7: expected an output as 'stage.output' here, found 'a.b.c'"),
        Refused(7, "    inputs: { a }", "penstock.yaml:7: expected text here, found nothing"),
        Refused(8, "    sources: { raw: data/flights.csv }", "penstock.yaml:8: expected a map of keys and values here, found 'data/flights.csv'"),
        Refused(8, "    sources: { raw: {} }", "penstock.yaml:8: 'files' is missing; add it"),
        Refused(8, "    sources: { raw: { files: ../a } }", "penstock.yaml:8: \(ProjectPath.refusal(of: "../a"))"),
        Refused(8, "    sources: { raw: { files: .penstock } }", "penstock.yaml:8: '.penstock' lies in Penstock's own folder; keep what stages use beside it"),
        Refused(8, "    sources: { raw: { command: psql } }", "penstock.yaml:8: 'command' \(unbuiltSource)"),
        Refused(8, "    sources: { raw: { files: a, refresh: 24h } }", "penstock.yaml:8: 'refresh' \(unbuiltSource)"),
        Refused(8, "    sources: { raw: { files: a, secrets: [A] } }", "penstock.yaml:8: 'secrets' \(unbuiltSource)"),
        Refused(8, "    sources: { raw: { file: a } }", "penstock.yaml:8: 'files' is missing; rename 'file' if it is meant"),
        Refused(8, "    sources: { raw: { files: a, glob: b } }", "penstock.yaml:8: unknown key 'glob'; known here: command, refresh, secrets, files"),
        Refused(
            9, "    outputs: { a: [b] }",
            "penstock.yaml:9: an output is its contract's path, {} without a contract, or { format: lightgbm, signature: contract }; found a list"),
        Refused(
            9, "    outputs: { a }",
            "penstock.yaml:9: an output is its contract's path, {} without a contract, or { format: lightgbm, signature: contract }; found nothing"),
        Refused(9, "    outputs: { a: /b }", "penstock.yaml:9: \(ProjectPath.refusal(of: "/b"))"),
        Refused(9, "    outputs: { a: { format: lightgbm } }", "penstock.yaml:9: 'signature' is missing; add it"),
        Refused(9, "    outputs: { a: { signature: b } }", "penstock.yaml:9: 'format' is missing; add it"),
        Refused(9, "    outputs: { a: { format: onnx, signature: b } }", "penstock.yaml:9: models of the format 'onnx' are not built yet; write 'format: lightgbm'"),
        Refused(9, "    outputs: { a: { format: lightgbm, signature: b, zip: true } }", "penstock.yaml:9: unknown key 'zip'; known here: format, signature"),
        Refused(9, "    outputs: { A: {} }", "penstock.yaml:9: \(SlotName.refusal(of: "A"))"),
    ]

    private static func evaluate(_ text: String) -> String { "    evaluate: { \(text) }" }
    private static let model = "model: train.model", data = "data: features.holdout", label = "label: late", binary = "task: binary"

    static let refusedBuiltIns: [Refused] = [
        Refused(23, evaluate("\(data), \(label), \(binary)"), "penstock.yaml:23: 'model' is missing; add it"),
        Refused(23, evaluate("\(model), \(label), \(binary)"), "penstock.yaml:23: 'data' is missing; add it"),
        Refused(23, evaluate("\(model), \(data), \(binary)"), "penstock.yaml:23: 'label' is missing; add it"),
        Refused(23, evaluate("\(model), \(data), \(label)"), "penstock.yaml:23: 'task' is missing; add it"),
        Refused(23, evaluate("\(model), \(data), \(label), task: regression"), "penstock.yaml:23: the task 'regression' is not built yet; write 'task: binary'"),
        Refused(23, evaluate("model: train, \(data), \(label), \(binary)"), "penstock.yaml:23: expected an output as 'stage.output' here, found 'train'"),
        Refused(23, evaluate("\(model), data: holdout, \(label), \(binary)"), "penstock.yaml:23: expected an output as 'stage.output' here, found 'holdout'"),
        Refused(23, evaluate("\(model), \(data), label: [late], \(binary)"), "penstock.yaml:23: expected text here, found a list"),
        Refused(23, evaluate("\(model), \(data), \(label), \(binary), slices: origin"), "penstock.yaml:23: expected a list here, found 'origin'"),
        Refused(23, evaluate("\(model), \(data), \(label), \(binary), slices: [a, a]"), "penstock.yaml:23: the slice 'a' stands twice; keep one"),
        Refused(
            23, evaluate("\(model), \(data), \(label), \(binary), metrics: [auc]"),
            "penstock.yaml:23: unknown key 'metrics'; known here: model, data, label, task, slices"),
        Refused(23, "    evaluate: train.model", "penstock.yaml:23: expected a map of keys and values here, found 'train.model'"),
        Refused(25, "    register: { name: a, evidence: evaluate }", "penstock.yaml:25: 'model' is missing; add it"),
        Refused(25, "    register: { model: train.model, evidence: evaluate }", "penstock.yaml:25: 'name' is missing; add it"),
        Refused(25, "    register: { model: train.model, name: Flight }", "penstock.yaml:25: \(ModelName.refusal(of: "Flight"))"),
        Refused(25, "    register: { model: train.model, name: a, evidence: [evaluate] }", "penstock.yaml:25: expected text here, found a list"),
        Refused(
            25, "    register: { model: train.model, name: a, alias: champion }", "penstock.yaml:25: unknown key 'alias'; known here: model, name, evidence"),
        Refused(25, "    register: { model: train.model, name: a }\n    inputs: { a: b.c }", "penstock.yaml:26: 'inputs' \(builtIn)"),
        Refused(25, "    register: { model: train.model, name: a }\n    outputs: {}", "penstock.yaml:26: 'outputs' \(builtIn)"),
        Refused(25, "    register: { model: train.model, name: a }\n    parameters: {}", "penstock.yaml:26: 'parameters' \(builtIn)"),
        Refused(25, "    register: { model: train.model, name: a }\n    sources: {}", "penstock.yaml:26: 'sources' \(builtIn)"),
        Refused(25, "    register: { model: train.model, name: a }\n    code: stages", "penstock.yaml:26: 'code' \(builtIn)"),
        Refused(25, "    register: { model: train.model, name: a }\n    determinism: none", "penstock.yaml:26: 'determinism' \(builtIn)"),
        Refused(25, "    register: { model: train.model, name: a }\n    retries: 11", "penstock.yaml:26: expected a whole number from 0 to 10 here, found '11'"),
    ]

    @Test(arguments: refusedWholes + refusedRuns + refusedBuiltIns) func aMistakeIsOneSentenceWithItsLine(_ test: Refused) {
        #expect(refusal { try Sample.read(Sample.text([test.line: test.text])) } == test.sentence)
    }

    @Test func aPipelineHasStages() {
        #expect(refusal { try Sample.read("pipeline: p") } == "penstock.yaml:1: 'stages' is missing; add it")
        #expect(refusal { try Sample.read("pipeline: p\nstages: {}") } == "penstock.yaml:2: a pipeline has at least one stage")
        #expect(refusal { try Sample.read("pipeline: p\nstages: [a]") } == "penstock.yaml:2: expected a map of keys and values here, found a list")
        #expect(refusal { try Sample.read("- a") } == "penstock.yaml:1: expected a map of keys and values here, found a list")
    }

    @Test func thereIsALimitToStagesAndNames() throws {
        func text(_ count: Int) -> String { "pipeline: p\nstages:\n" + (0..<count).map { "  s\($0): { run: a/b }" }.joined(separator: "\n") }
        #expect(try Sample.read(text(1000)).stages.count == 1000)
        #expect(refusal { try Sample.read(text(1001)) } == "penstock.yaml:3: at most 1000 stages are read here, and these are 1001")
        func outputs(_ count: Int) -> String {
            "pipeline: p\nstages:\n  a:\n    run: a/b\n    outputs: { \((0..<count).map { "o\($0): {}" }.joined(separator: ", ")) }"
        }
        #expect(try Sample.read(outputs(200)).stages[0].outputs.count == 200)
        #expect(refusal { try Sample.read(outputs(201)) } == "penstock.yaml:5: at most 200 outputs are read here, and these are 201")
    }
}
