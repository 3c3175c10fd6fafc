// Where a project lies, and the parts with which its pipeline is run.
import ArgumentParser
import ControlPlaneClient
import FileArtifacts
import Foundation
import LocalProcesses
import ModelEngines
import PipelineExecutor
import Pipelines
import Ports
import Primitives
import ProjectFolder
import SQLiteRuns
import SandboxedProbe
import YAMLDocuments

struct ProjectOptions: ParsableArguments {
    @Option(help: "The pipeline's file; its folder is the project.") var file = "penstock.yaml"
    @Option(name: .long, help: "Where runs and artifacts are kept. Default: PENSTOCK_HOME, or .penstock beside the pipeline's file.")
    var home: String?
    @Option(help: "Another value for this run: parameter=value, or stage.parameter=value. May be repeated.")
    var set: [String] = []

    var folder: String { Files.folder(of: file) }

    var resolvedHome: Home {
        var options = HomeOptions()
        options.home = home
        let named = [home, ProcessInfo.processInfo.environment["PENSTOCK_HOME"]].compactMap { $0 }.contains { !$0.isEmpty }
        return named ? options.resolved : Home(path: folder == "." ? ".penstock" : folder + "/.penstock")
    }

    func overrides() throws -> [ParameterOverride] { try set.map { try ParameterOverride(parsing: $0) } }
}

/// Everything behind `run` and `explain`, made from a project's options.
struct Project {
    let options: ProjectOptions
    let home: Home
    private let folder: ProjectFolder
    private let machine: StageMachine
    private let registrar: ControlPlaneRegistrar

    init(_ options: ProjectOptions, url: String? = nil, key: String? = nil) async {
        self.options = options
        home = options.resolvedHome
        folder = ProjectFolder(root: options.folder, state: home.pipelines)
        machine = await MachineFacts.find(python: Self.python(folder: options.folder), evaluation: Self.validators())
        registrar = ControlPlaneRegistrar(home: home, url: url, key: key)
    }

    /// Nothing is written for a pipeline that is refused.
    func prepare(targets: [StageName] = []) async throws -> PreparedPipeline {
        try await PipelinePreparation(project: folder, parser: YAMLDocumentParser(), machine: machine, registry: registrar.registry)
            .prepare(try Files.read(options.file), file: options.file, overrides: try options.overrides(), targets: targets)
    }

    func executor() async throws -> PipelineExecutor {
        try Files.makeFolder(home.pipelines)
        let artifacts = try FileArtifacts(folder: home.pipelines + "/artifacts")
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let runner = await ProbeProcess(
            executable: program,
            libraryDirectories: ModelEngines.libraryDirectories(
                setting: ProcessInfo.processInfo.environment["PENSTOCK_LIBRARIES"], program: program, workingDirectory: FileManager.default.currentDirectoryPath))
        return PipelineExecutor(
            .init(
                project: folder, catalog: try SQLiteRuns(path: home.pipelines + "/runs.sqlite"), artifacts: artifacts, runner: await StageProcess(),
                probe: SandboxedProbe(artifacts: artifacts, runner: runner), registrar: registrar, machine: machine, clock: SystemClock(), random: SystemRandom(),
                builder: ["penstock": programVersion]))
    }

    static func python(folder: String) -> String? {
        if let named = ProcessInfo.processInfo.environment["PENSTOCK_PYTHON"], !named.isEmpty { return named }
        let own = folder + "/.venv/bin/python"
        return FileManager.default.isExecutableFile(atPath: own) ? own : nil
    }

    /// What an evaluation depends on besides the model, the rows and the contract.
    private static func validators() -> [ValidatorName: String] {
        var validators: [ValidatorName: String] = [:]
        if let name = ValidatorName("penstock") { validators[name] = programVersion }
        if let name = ValidatorName("lightgbm") { validators[name] = ModelEngines().runtime(of: "lightgbm") }
        return validators
    }
}
