// SLSA provenance of one output: its JSON is frozen, and it is made only of what the execution was really made from.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct ProvenanceTests {
    private static let builder = SLSAProvenance.Builder(id: "https://penstock.dev/executor/v1", version: ["penstock": "0.2.0"])

    private static func components() throws -> StageComponents {
        StageComponents(
            DeclaredComponents(
                work: "run", command: "python st ages/a.py", folder: try path("st ages"), code: try Sample.tree(["b.py": "b", "a.py": "a"]), determinism: .bitwise,
                environment: EnvironmentComponents(lock: .of("lock"), interpreter: "CPython 3.11.2", libc: "glibc 2.36", architecture: "x86_64", threads: 2),
                parameters: [try parameter("seed"): .number(7)], sources: [try slot("raw"): SourceComponent(content: .tree(.of("raw")), path: try path("data/ü"))],
                outputs: [try slot("model"): OutputComponent(kind: "model lightgbm", contract: .of("c"), path: try path("contracts/t.yaml"))], validators: [:]),
            inputs: [try slot("train"): InputComponent(content: file("rows"), producer: try output("features.train"))])
    }

    private static func execution(_ components: StageComponents) throws -> StageExecution {
        StageExecution(
            run: try name("r7"), stage: try stage("train"), attempt: 2, fingerprint: components.fingerprint, outputs: [try slot("model"): file("model")],
            sandbox: ["bubblewrap"], started: RunLife.at(0), finished: RunLife.at(5))
    }

    private static func resource(_ uri: String, _ name: String, _ content: String, _ media: String = "") -> String {
        "{\"digest\":{\"sha256\":\"\(Digest.of(content).hex)\"},\(media)\"name\":\"\(name)\",\"uri\":\"\(uri)\"}"
    }

    @Test func theJSONIsFrozen() throws {
        let components = try Self.components()
        let provenance = try SLSAProvenance(of: slot("model"), execution: Self.execution(components), components: components, pipeline: name("p"), builder: Self.builder)
        let dependencies = [
            Self.resource("urn:penstock:output:features.train", "input.train", "rows"),
            Self.resource("urn:penstock:project:data/%C3%BC", "source.raw", "raw", "\"mediaType\":\"application/vnd.penstock.tree\","),
            Self.resource("urn:penstock:project:contracts/t.yaml", "contract.model", "c"), Self.resource("urn:penstock:environment:lock", "environment.lock", "lock"),
            Self.resource("urn:penstock:project:st%20ages/a.py", "code", "a"), Self.resource("urn:penstock:project:st%20ages/b.py", "code", "b"),
        ]
        #expect(
            String(decoding: StrictJSON.encode(provenance), as: UTF8.self) == """
                {"buildDefinition":{"buildType":"https://penstock.dev/pipeline-stage/v1","externalParameters":{"command":"python st ages/a.py","folder":"st ages",\
                "output":"model","parameters":{"seed":7},"pipeline":"p","stage":"train","work":"run"},"internalParameters":{"architecture":"x86_64",\
                "determinism":"bitwise","fingerprint":"\(components.fingerprint)","interpreter":"CPython 3.11.2","libc":"glibc 2.36","sandbox":["bubblewrap"],"threads":2,"validators":{}},\
                "resolvedDependencies":[\(dependencies.joined(separator: ","))]},"runDetails":{"builder":{"id":"https://penstock.dev/executor/v1",\
                "version":{"penstock":"0.2.0"}},"metadata":{"finishedOn":"2025-06-15T15:06:45.000Z","invocationId":"r7/train/2",\
                "startedOn":"2025-06-15T15:06:40.000Z"}}}
                """)
        #expect(try StrictJSON.decode(SLSAProvenance.self, from: StrictJSON.encode(provenance)) == provenance)
        #expect(SLSAProvenance.predicateType == "https://slsa.dev/provenance/v1")
    }

    @Test func aBuiltInStageNamesItsValidators() throws {
        let graph = try Sample.graph(), evaluate = try stage("evaluate")
        let components = StageComponents(
            try graph.components(of: evaluate, facts: Sample.facts(graph.stage(evaluate))),
            inputs: [try slot("model"): InputComponent(content: file("m"), producer: try output("train.model"))])
        let execution = StageExecution(
            run: try name("r7"), stage: evaluate, attempt: 1, fingerprint: components.fingerprint, outputs: [BuiltInSlot.evaluation: file("e")], sandbox: ["bubblewrap"],
            started: World.now,
            finished: World.now)
        let provenance = try SLSAProvenance(of: BuiltInSlot.evaluation, execution: execution, components: components, pipeline: graph.spec.name, builder: Self.builder)
        #expect(try provenance.buildDefinition.internalParameters.validators == [name("probe"): "1", name("lightgbm"): "4.6.0"])
        #expect(provenance.buildDefinition.resolvedDependencies.map(\.uri) == ["urn:penstock:output:train.model", "urn:penstock:environment:lock"])
        #expect(provenance.buildDefinition.externalParameters.command == "evaluate label=late task=binary slice=origin slice=carrier")
    }

    @Test func provenanceOfSomethingElseIsRefused() throws {
        let components = try Self.components(), execution = try Self.execution(components)
        var others = components
        others.declared.parameters[try parameter("seed")] = .number(8)
        func refused(_ output: String, _ components: StageComponents) throws -> String {
            let error = try #require(throws: PipelineError.self) {
                try SLSAProvenance(of: slot(output), execution: execution, components: components, pipeline: name("p"), builder: Self.builder)
            }
            #expect(try error.code == .incomplete && error.stage == stage("train"))
            return error.message
        }
        #expect(try refused("model", others) == "r7/train/2 was made from other components than these; give those of its fingerprint")
        #expect(try refused("rows", components) == "r7/train/2 has no output 'rows'; its outputs: model")
    }
}
