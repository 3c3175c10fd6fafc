// A stage's components put together from its file and the world, and kept by a catalog.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct ComponentTests {
    private static func components(_ name: String, _ change: (inout StageFacts) throws -> Void = { _ in }) throws -> DeclaredComponents {
        let graph = try Sample.graph()
        var facts = try Sample.facts(graph.stage(stage(name)))
        try change(&facts)
        return try graph.components(of: stage(name), facts: facts)
    }

    @Test func aRunStageHasItsCodeAndNoValidators() throws {
        let ingest = try Self.components("ingest"), train = try Self.components("train")
        #expect(ingest.work == "run" && ingest.command == "python stages/ingest.py" && ingest.folder?.text == "stages" && ingest.code?.files.count == 3)
        #expect(try ingest.parameters == [parameter("until"): .text("2013-06-30")] && ingest.validators == [:] && ingest.environment == Sample.environment)
        #expect(try ingest.sources == [slot("raw"): SourceComponent(content: file("rows"), path: path("data/flights.csv"))])
        #expect(
            try train.outputs == [
                slot("model"): OutputComponent(kind: "model lightgbm", contract: .of("contracts/training.yaml"), path: path("contracts/training.yaml"))
            ])
        #expect(train.determinism == .tolerance)
    }

    @Test func aBuiltInStageHasValidatorsAndNoCode() throws {
        let evaluate = try Self.components("evaluate"), register = try Self.components("register")
        #expect(try evaluate.code == nil && evaluate.folder == nil && evaluate.validators == [name("probe"): "1", name("lightgbm"): "4.6.0"])
        #expect(try register.work == "register" && register.outputs == [slot("version"): OutputComponent(kind: "version", contract: nil, path: nil)])
    }

    @Test func whatWasNotDigestedIsRefused() throws {
        func refused(_ name: String, _ change: (inout StageFacts) throws -> Void) throws -> String {
            let error = try #require(throws: PipelineError.self) { try Self.components(name, change) }
            #expect(try error.code == .incomplete && error.stage == stage(name))
            return error.message
        }
        #expect(try refused("ingest") { $0.code = nil } == "the code of the stage 'ingest' was not digested")
        #expect(try refused("ingest") { $0.sources = [:] } == "the source 'raw' of the stage 'ingest' was not digested")
        #expect(try refused("ingest") { $0.contracts = [:] } == "the contract of the output 'flights' of the stage 'ingest' was not digested")
        #expect(try refused("evaluate") { $0.validators = [:] } == "the versions behind the stage 'evaluate' were not given")
        #expect(throws: PipelineError.self) { try Sample.graph().components(of: stage("fit"), facts: StageFacts(code: nil, environment: Sample.environment)) }
    }

    @Test func whatACatalogKeepsIsFrozen() throws {
        let components = StageComponents(
            DeclaredComponents(
                work: "run", command: "a", folder: try path("s"), code: try Sample.tree(["a": "1"]), determinism: .bitwise,
                environment: EnvironmentComponents(lock: .of("l"), interpreter: "p", libc: "g", architecture: "x", threads: 2), parameters: [try parameter("n"): .number(7)],
                sources: [try slot("r"): SourceComponent(content: .tree(.of("r")), path: try path("d"))],
                outputs: [try slot("o"): OutputComponent(kind: "table", contract: .of("c"), path: try path("c"))], validators: [try name("v"): "1"]),
            inputs: [try slot("i"): InputComponent(content: file("i"), producer: try output("s.o"))])
        let json = """
            {"declared":{"code":[{"content":"\(Digest.of("1"))","executable":false,"path":"a"}],"command":"a","determinism":"bitwise",\
            "environment":{"architecture":"x","interpreter":"p","libc":"g","lock":"\(Digest.of("l"))","threads":2},"folder":"s",\
            "outputs":{"o":{"contract":"\(Digest.of("c"))","kind":"table","path":"c"}},"parameters":{"n":7},\
            "sources":{"r":{"content":"tree:\(Digest.of("r"))","path":"d"}},"validators":{"v":"1"},"work":"run"},"format":1,\
            "inputs":{"i":{"content":"\(Digest.of("i"))","producer":"s.o"}}}
            """
        #expect(String(decoding: components.encoded, as: UTF8.self) == json)
        #expect(try StageComponents(decoding: Array(json.utf8)) == components)
        let newer = json.replacing("\"format\":1", with: "\"format\":2")
        #expect(refusal { try StageComponents(decoding: Array(newer.utf8)) } == "a stage's components have the format 2; a newer program wrote them, update this one")
        #expect(refusal { try StageComponents(decoding: Array("{\"format\":1}".utf8)) } == "a stage's components cannot be read: 'declared' is missing")
        #expect(refusal { try StageComponents(decoding: []) }.hasPrefix("a stage's components cannot be read: it is not valid JSON"))
    }

    @Test func whatWasKeptHasTheSameFingerprint() throws {
        for seed in 0..<300 as Range<UInt64> {
            var source = ComponentSource(seed: seed)
            let components = try source.set()
            let read = try StageComponents(decoding: components.encoded)
            #expect(read.fingerprint == components.fingerprint && read.essence == components.essence, "seed \(seed)")
        }
    }
}
