// A small project in a folder of its own, with real files, a real catalog and real processes.
import Contracts
import Evidence
import FileArtifacts
import Foundation
import LocalProcesses
import PipelineExecutor
import Pipelines
import Ports
import Primitives
import ProjectFolder
import Registry
import SQLiteRuns
import Synchronization
import TestKit
import YAMLDocuments

/// Numbers the versions that it is asked for, and refuses while it says why.
final class CountingRegistrar: ModelRegistrar {
    let orders = Mutex<[RegistrationOrder]>([])
    let outage = Mutex<String?>(nil)
    let registry = "test"

    func register(_ order: RegistrationOrder, from artifacts: any ArtifactStore) async throws(RegistrarError) -> ModelVersionID {
        if let outage = outage.withLock({ $0 }) { throw RegistrarError(outage) }
        let number = orders.withLock { orders in
            orders.append(order)
            return orders.count
        }
        return ModelVersionID(model: order.name, number: number)
    }
}

/// A catalog whose machine stops at one of its writes: before it, or just after it was durable.
final class FailingCatalog: RunCatalog {
    let base: any RunCatalog
    private let left: Mutex<Int>
    private let writesFirst: Bool

    init(_ base: any RunCatalog, after count: Int, writesFirst: Bool) {
        self.base = base
        left = Mutex(count)
        self.writesFirst = writesFirst
    }

    func append(_ event: RunEvent, to run: RunID, of pipeline: PipelineName, revision: Int, components: StageComponents?) async throws(RunCatalogError) {
        let rest = left.withLock { left in
            left -= 1
            return left
        }
        if rest >= 0 || rest == -1 && writesFirst { try await base.append(event, to: run, of: pipeline, revision: revision, components: components) }
        if rest < 0 { throw RunCatalogError(.unavailable, "the machine stopped") }
    }

    func events(of run: RunID) async throws(RunCatalogError) -> [RunEvent] { try await base.events(of: run) }
    func runs(of pipeline: PipelineName, limit: Int) async throws(RunCatalogError) -> [RunID] { try await base.runs(of: pipeline, limit: limit) }
    func openRuns() async throws(RunCatalogError) -> [(run: RunID, pipeline: PipelineName)] { try await base.openRuns() }
    func newestExecution(of stage: StageName, in pipeline: PipelineName) async throws(RunCatalogError) -> CatalogedExecution? {
        try await base.newestExecution(of: stage, in: pipeline)
    }
    func execution(of fingerprint: StageFingerprint) async throws(RunCatalogError) -> CatalogedExecution? { try await base.execution(of: fingerprint) }
    func execution(id: String) async throws(RunCatalogError) -> CatalogedExecution? { try await base.execution(id: id) }
}

/// A store whose disk is full after some writes.
final class FullStore: ArtifactStore {
    private let base: any ArtifactStore
    private let left: Mutex<Int>

    init(_ base: any ArtifactStore, after count: Int) {
        self.base = base
        left = Mutex(count)
    }

    private func take() throws(ArtifactError) {
        let rest = left.withLock { left in
            left -= 1
            return left
        }
        guard rest >= 0 else { throw ArtifactError(.unavailable, "the disk is full") }
    }

    func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest {
        try take()
        return try await base.put(bytes)
    }

    func put(stream chunks: any AsyncSequence<[UInt8], any Error> & Sendable, expecting expected: Digest, limit: Int) async throws(ArtifactError) {
        try take()
        try await base.put(stream: chunks, expecting: expected, limit: limit)
    }

    func contains(_ digest: Digest) async throws(ArtifactError) -> Bool { try await base.contains(digest) }
    func read(_ digest: Digest, limit: Int) async throws(ArtifactError) -> [UInt8] { try await base.read(digest, limit: limit) }
    func verifiedFile(_ digest: Digest) async throws(ArtifactError) -> String { try await base.verifiedFile(digest) }
}

final class Workbench: Sendable {
    let path: String
    let artifacts: FileArtifacts
    let catalog: SQLiteRuns
    let probe: KnownProbe
    let registrar = CountingRegistrar()
    private let files: ProjectFolder
    private let runner: StageProcess
    private let machine: StageMachine

    /// The files by their paths; those below `stages` are shell scripts.
    init(_ texts: [String: String], isolated: Bool = true) async throws {
        path = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().appending(path: "bench-\(UUID().uuidString)").path
        artifacts = try FileArtifacts(folder: path + "/.penstock/artifacts")
        catalog = try SQLiteRuns(path: path + "/.penstock/runs.sqlite")
        probe = KnownProbe(artifacts)
        files = ProjectFolder(root: path, state: path + "/.penstock")
        runner = await StageProcess(isolated: isolated)
        machine = await MachineFacts.find(python: nil, evaluation: [try name("probe"): "1"])
        for (file, text) in texts { try write(text, to: file) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to file: String) throws {
        let url = URL(filePath: path + "/" + file)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func prepare(_ set: [String] = [], targets: [String] = []) async throws -> PreparedPipeline {
        let bytes = Array(try Data(contentsOf: URL(filePath: path + "/penstock.yaml")))
        return try await PipelinePreparation(project: files, parser: YAMLDocumentParser(), machine: machine, registry: registrar.registry)
            .prepare(bytes, file: "penstock.yaml", overrides: try set.map { try ParameterOverride(parsing: $0) }, targets: try targets.map { try name($0) })
    }

    func executor(_ catalog: (any RunCatalog)? = nil, artifacts: (any ArtifactStore)? = nil) -> PipelineExecutor {
        PipelineExecutor(
            .init(
                project: files, catalog: catalog ?? self.catalog, artifacts: artifacts ?? self.artifacts, runner: runner, probe: probe, registrar: registrar, machine: machine,
                clock: ManualClock(), random: SystemRandomBytes(), builder: ["penstock": "test"]))
    }

    @discardableResult
    func run(_ set: String..., forced: Set<String> = []) async throws -> RunReport {
        try await executor().run(try await prepare(set), forced: Set(try forced.map { try name($0) }))
    }

    /// What an output of the report holds.
    func text(_ report: RunReport, _ stage: String, _ output: String) async throws -> String {
        let found = report.stages.first { $0.stage.text == stage }?.outputs[try name(output)]
        guard case .file(let digest) = found else { throw FixtureError(description: "\(stage).\(output) is not there") }
        return String(decoding: try await artifacts.read(digest, limit: 1 << 20), as: UTF8.self)
    }

    /// The layers that the record says were around a stage.
    func sandbox(_ report: RunReport, _ stage: String) async throws -> [String] {
        guard let known = try await catalog.newestExecution(of: try name(stage), in: report.pipeline) else { throw FixtureError(description: "\(stage) has no record") }
        return known.execution.sandbox
    }

    /// What stands in `.penstock/work`, where attempts work.
    var leftovers: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path + "/.penstock/work")) ?? [] }

    /// Files of the artifact store that have no name yet.
    var incoming: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path + "/.penstock/artifacts/incoming")) ?? [] }
}

struct SystemRandomBytes: RandomSource {
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in .random(in: 0...255) } }
}

extension RunReport {
    /// `stage outcome`, in the order in which they ended.
    var lines: [String] { stages.map { "\($0.stage) \($0.outcome.rawValue)" } }

    func why(_ stage: String) -> String { stages.first { $0.stage.text == stage }?.why ?? "" }
}

/// Two columns of text and a number; a chain of three stages.
enum Chain {
    static let contract = """
        apiVersion: v3.1.0
        kind: DataContract
        id: words
        version: 1.0.0
        schema:
          - name: rows
            properties:
              - { name: word, logicalType: string, required: true }
              - { name: count, logicalType: integer, required: true, logicalTypeOptions: { minimum: 0, maximum: 9 } }
        """

    static let pipeline = """
        pipeline: chain
        parameters: { greeting: hello }
        stages:
          first:
            run: bash code/one/first.sh
            parameters: { greeting }
            sources: { raw: { files: data/raw.txt } }
            outputs: { rows: contracts/words.yaml }
          second:
            run: bash code/two/second.sh
            parameters: { limit: 1 }
            inputs: { rows: first.rows }
            outputs: { short: contracts/words.yaml }
          third:
            run: bash code/three/third.sh
            inputs: { short: second.short }
            outputs: { total: {} }
        """

    static let files = [
        "penstock.yaml": pipeline, "contracts/words.yaml": contract, "data/raw.txt": "3\n",
        "code/one/first.sh": "printf 'word,count\\n%s,%s\\nb,4\\n' \"$PENSTOCK_PARAM_GREETING\" \"$(cat \"$PENSTOCK_SOURCE_RAW\")\" > \"$PENSTOCK_OUTPUT_ROWS\"\n",
        "code/two/second.sh": "head -n $((PENSTOCK_PARAM_LIMIT + 1)) \"$PENSTOCK_INPUT_ROWS\" > \"$PENSTOCK_OUTPUT_SHORT\"\n",
        "code/three/third.sh": "wc -l < \"$PENSTOCK_INPUT_SHORT\" > \"$PENSTOCK_OUTPUT_TOTAL\"\n",
    ]

    static func with(_ changed: [String: String]) -> [String: String] { files.merging(changed) { $1 } }
}
