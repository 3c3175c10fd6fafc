// The order of stages, who depends on whom, and a pipeline cut down to a few targets.
import Contracts
import Pipelines
import Primitives
import TestKit
import Testing

/// A graph from one line a stage, `name: producer producer`, in which each stage has the one output `x`.
func graph(_ lines: String...) throws -> PipelineGraph { try PipelineGraph(validating: try spec(lines), contracts: [:]) }

func spec(_ lines: [String]) throws -> PipelineSpec {
    let stages = lines.map { line in
        let parts = line.split(separator: ":"), needs = parts.count > 1 ? parts[1].split(separator: " ") : []
        let inputs = needs.map { "\($0)-in: \($0).x" }.joined(separator: ", ")
        return "  \(parts[0]): { run: stages/a, inputs: { \(inputs) }, outputs: { x: {} } }"
    }
    return try Sample.read("pipeline: p\nstages:\n" + stages.joined(separator: "\n"))
}

@Suite struct GraphTests {
    private static func names(_ stages: [StageName]) -> String { stages.map(\.text).joined(separator: " ") }

    @Test(arguments: [
        (["a", "b", "c"], "a b c"), (["c", "b", "a"], "c b a"), (["b: a", "a"], "a b"), (["c: b", "b: a", "a"], "a b c"), (["d: c", "a", "c: b", "b"], "a b c d"),
        (["z: a b", "y: a", "b", "a"], "b a z y"), (["a", "b: a", "c: a", "d: b c", "e"], "a b c d e"), (["late: early", "other", "early"], "other early late"),
    ]) func stagesComeAfterWhatTheyReadAndElseInFileOrder(_ lines: [String], _ order: String) throws {
        let graph = try PipelineGraph(validating: try spec(lines), contracts: [:])
        #expect(Self.names(graph.order) == order && graph.orderedStages.map(\.name) == graph.order)
    }

    @Test func aDiamondKnowsWhoDependsOnWhom() throws {
        let graph = try graph("d: b c", "c: a", "b: a", "a", "e", "f: d e")
        func names(_ body: (StageName) -> [StageName], _ of: String) throws -> String { Self.names(body(try stage(of))) }
        #expect(Self.names(graph.order) == "a c b d e f")
        #expect(try names(graph.producers, "d") == "c b" && names(graph.producers, "a") == "" && names(graph.producers, "f") == "d e")
        #expect(try names(graph.upstream, "f") == "a c b d e" && names(graph.upstream, "d") == "a c b" && names(graph.upstream, "a") == "")
        #expect(try names(graph.downstream, "a") == "c b d f" && names(graph.downstream, "e") == "f" && names(graph.downstream, "f") == "")
        #expect(try names(graph.producers, "nobody") == "" && names(graph.upstream, "nobody") == "" && names(graph.downstream, "nobody") == "")
    }

    @Test func theSampleIsAGraph() throws {
        let graph = try Sample.graph()
        #expect(Self.names(graph.order) == "ingest features train evaluate register")
        #expect(try Self.names(graph.producers(of: stage("evaluate"))) == "features train")
        #expect(try Self.names(graph.producers(of: stage("register"))) == "train evaluate")
        #expect(try Self.names(graph.downstream(of: stage("train"))) == "evaluate register")
        #expect(try graph.stage(stage("train")).retries == 2)
    }

    @Test func anUnknownStageIsRefusedWithTheKnownOnes() throws {
        let error = #expect(throws: PipelineError.self) { try Sample.graph().stage(stage("fit")) }
        #expect(error?.description == "the pipeline 'flight-delay' has no stage 'fit'; its stages: ingest, features, train, evaluate, register")
        #expect(error?.code == .unknownName)
    }

    @Test func aPipelineIsCutDownToItsTargets() throws {
        let graph = try graph("d: b c", "c: a", "b: a", "a", "e", "f: d e")
        let some = try graph.limited(to: [stage("b"), stage("e")])
        #expect(Self.names(some.order) == "a b e" && Self.names(some.spec.stages.map(\.name)) == "b a e")
        #expect(try Self.names(some.downstream(of: stage("a"))) == "b")
        #expect(try graph.limited(to: [stage("f")]) == graph && graph.limited(to: []).order == [])
        #expect(throws: PipelineError.self) { try graph.limited(to: [stage("g")]) }
    }

    /// Random graphs, read in random order: the order is the first one in file order that respects every edge.
    @Test func theOrderIsStableInFileOrder() throws {
        for seed in 0..<300 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let count = Int.random(in: 1...12, using: &generator)
            var lines = (0..<count).map { reader in
                "s\(reader): " + (0..<reader).filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }.map { "s\($0)" }.joined(separator: " ")
            }
            lines.shuffle(using: &generator)
            let spec = try spec(lines), graph = try PipelineGraph(validating: spec, contracts: [:])
            var done: Set<StageName> = [], expected: [StageName] = []
            while expected.count < count {
                let next = spec.stages.first { stage in !done.contains(stage.name) && stage.inputs.allSatisfy { done.contains($0.from.stage) } }
                let name = try #require(next).name
                expected.append(name)
                done.insert(name)
            }
            #expect(graph.order == expected, "seed \(seed)")
            for name in graph.order {
                #expect(graph.upstream(of: name).allSatisfy { graph.downstream(of: $0).contains(name) }, "seed \(seed)")
                #expect(graph.producers(of: name).allSatisfy { graph.upstream(of: name).contains($0) }, "seed \(seed)")
            }
        }
    }
}
