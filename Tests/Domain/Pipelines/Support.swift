// A small pipeline with its contracts, and short ways to name its parts.
import Contracts
import Pipelines
import Primitives
import TestKit
import YAMLDocuments

func stage(_ text: String) throws -> StageName { try name(text) }
func slot(_ text: String) throws -> SlotName { try name(text) }
func parameter(_ text: String) throws -> ParameterName { try name(text) }
func path(_ text: String) throws -> ProjectPath { try required(ProjectPath(text), "the path '\(text)'") }
func output(_ text: String) throws -> OutputReference { try required(OutputReference(parsing: text), "the output '\(text)'") }
func file(_ text: String) -> ArtifactContent { .file(.of(text)) }
func fingerprint(_ text: String) -> StageFingerprint { StageFingerprint(digest: .of(text)) }

/// The description of what an expression threw; empty when it threw nothing.
func refusal(_ body: () throws -> some Any) -> String {
    do {
        _ = try body()
        return ""
    } catch {
        return "\(error)"
    }
}

enum Sample {
    static let lines = """
        pipeline: flight-delay
        environment: { python: requirements.lock }
        parameters: { until: 2013-06-30, verbose: false }
        stages:
          ingest:
            run: python stages/ingest.py
            parameters: { until }
            sources: { raw: { files: data/flights.csv } }
            outputs: { flights: contracts/flights.yaml }
          features:
            run: python stages/features.py
            inputs: { flights: ingest.flights }
            outputs: { train: contracts/training.yaml, holdout: contracts/training.yaml }
          train:
            run: python stages/train.py
            parameters: { trees: 300, leaves: 31, seed: 7 }
            inputs: { train: features.train }
            outputs: { model: { format: lightgbm, signature: contracts/training.yaml } }
            determinism: tolerance
            retries: 2
            timeout: 20m
          evaluate:
            evaluate: { model: train.model, data: features.holdout, label: late, task: binary, slices: [origin, carrier] }
          register:
            register: { model: train.model, name: flight-delay, evidence: evaluate }
        """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

    static let text = lines.joined(separator: "\n")

    /// The file with other lines, counted from 1.
    static func text(_ replaced: [Int: String]) -> String {
        lines.enumerated().map { replaced[$0.offset + 1] ?? $0.element }.joined(separator: "\n")
    }

    static func read(_ text: String) throws -> PipelineSpec {
        try PipelineSpec.read(try YAMLDocumentParser().parse(Array(text.utf8), file: "penstock.yaml"))
    }

    static let origin = Column(name: "origin", type: .string, required: true, allowed: ["EWR", "JFK", "LGA"], role: .feature)
    static let carrier = Column(name: "carrier", type: .string, required: true, allowed: ["AA", "UA"], role: .feature)
    static let temperature = Column(name: "temperature", type: .number, minimum: -20, maximum: 115, role: .feature)
    static let late = Column(name: "late", type: .boolean, required: true, role: .label)
    static let hour = Column(name: "hour", type: .timestamp, required: true, role: .time)

    static func contract(_ columns: [Column]) -> DataContract { DataContract(id: "t", name: "t", version: "1.0.0", columns: columns) }

    static let training = contract([origin, carrier, temperature, late, hour])

    static func contracts() throws -> [ProjectPath: DataContract] {
        [try path("contracts/flights.yaml"): contract([hour]), try path("contracts/training.yaml"): training]
    }

    static func graph(_ text: String = Sample.text) throws -> PipelineGraph { try PipelineGraph(validating: read(text), contracts: contracts()) }

    static let environment = EnvironmentComponents(lock: .of("lock"), interpreter: "CPython 3.11.2", libc: "glibc 2.36", architecture: "x86_64", threads: 2)

    static func tree(_ files: [String: String]) throws -> TreeDigest {
        try TreeDigest(of: try files.map { TreeEntry(path: try path($0.key), kind: .file(content: .of($0.value), isExecutable: false)) })
    }

    /// What a world with the sample's files would say about one of its stages.
    static func facts(_ stage: StageSpec) throws -> StageFacts {
        StageFacts(
            code: try tree(["ingest.py": "1", "features.py": "2", "train.py": "3"]), environment: environment,
            sources: Dictionary(uniqueKeysWithValues: stage.sources.map { ($0.name, file("rows")) }),
            contracts: Dictionary(stage.outputs.compactMap(\.kind.contract).map { ($0, .of($0.text)) }, uniquingKeysWith: { first, _ in first }),
            validators: [try name("probe"): "1", try name("lightgbm"): "4.6.0"])
    }

    static func declared(_ graph: PipelineGraph) throws -> [StageName: DeclaredComponents] {
        try Dictionary(uniqueKeysWithValues: graph.spec.stages.map { ($0.name, try graph.components(of: $0.name, facts: facts($0))) })
    }
}
