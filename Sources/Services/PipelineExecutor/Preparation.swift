// Reads a project: the pipeline, its contracts, and everything that its stages' results depend on.
internal import Contracts
package import Pipelines
package import Ports
package import Primitives

/// A pipeline that may run: validated, with the digests of all that its stages declare.
package struct PreparedPipeline: Sendable {
    package var graph: PipelineGraph
    package var file: Digest
    package var declared: [StageName: DeclaredComponents]
    var contracts: [ProjectPath: ContractFile]
}

struct ContractFile: Sendable {
    var contract: DataContract
    var bytes: [UInt8]
    var digest: Digest { Digest.of(bytes) }
}

/// Looks at a project and writes nothing.
package struct PipelinePreparation: Sendable {
    private let project: any ProjectFiles
    private let parser: any DocumentParser
    private let machine: StageMachine
    /// As `ModelRegistrar.registry`.
    private let registry: String

    package init(project: any ProjectFiles, parser: any DocumentParser, machine: StageMachine, registry: String) {
        self.project = project
        self.parser = parser
        self.machine = machine
        self.registry = registry
    }

    /// Refuses, before anything runs, whatever can be known beforehand. `file` is only for messages.
    package func prepare(
        _ bytes: [UInt8], file: String, overrides: [ParameterOverride] = [], targets: [StageName] = []
    ) async throws -> PreparedPipeline {
        let spec = try PipelineSpec.read(try parser.parse(bytes, file: file)).setting(overrides)
        var contracts: [ProjectPath: ContractFile] = [:]
        for path in spec.contracts { contracts[path.value] = try await contract(path) }
        var graph = try PipelineGraph(validating: spec, contracts: contracts.mapValues(\.contract))
        if !targets.isEmpty { graph = try graph.limited(to: targets) }
        var pipeline = PreparedPipeline(graph: graph, file: Digest.of(bytes), declared: [:], contracts: contracts)
        let lock = try await lockDigest(spec)
        var trees: [ProjectPath: TreeDigest] = [:]
        for stage in graph.orderedStages {
            pipeline.declared[stage.name] = try graph.components(of: stage.name, facts: try await facts(of: stage, pipeline, lock, &trees))
        }
        return pipeline
    }

    /// `nil` where there is none: the graph's validation says at which places it is missing.
    private func contract(_ path: Placed<ProjectPath>) async throws -> ContractFile? {
        let bytes: [UInt8]
        do { bytes = try await project.read(path.value) } catch {
            guard error.code == .missing else { throw error }
            return nil
        }
        return ContractFile(contract: try DataContract.read(try parser.parse(bytes, file: path.value.text)), bytes: bytes)
    }

    private func lockDigest(_ spec: PipelineSpec) async throws -> Digest? {
        guard let lock = spec.pythonLock else { return nil }
        do {
            guard case .file(let digest) = try await project.content(of: lock.value) else {
                throw ProjectError(.unreadable, "\(lock.value) is a folder, and a lock file is meant")
            }
            return digest
        } catch let error as ProjectError { throw DocumentError(error.message, at: lock.place) }
    }

    private func facts(
        of stage: StageSpec, _ pipeline: PreparedPipeline, _ lock: Digest?, _ trees: inout [ProjectPath: TreeDigest]
    ) async throws -> StageFacts {
        var environment = EnvironmentComponents(
            lock: nil, interpreter: nil, libc: machine.libc, architecture: machine.architecture, threads: machine.threads)
        var facts = StageFacts(code: nil, environment: environment, contracts: pipeline.contracts.mapValues(\.digest))
        switch stage.work {
        case .run(let command, let folder):
            let tree: TreeDigest
            if let known = trees[folder] { tree = known } else { tree = try await at(stage.place) { () throws(ProjectError) in try await project.tree(of: folder) } }
            trees[folder] = tree
            facts.code = tree
            let program = try StageProgram(command, code: folder, tree: tree, machine: machine, place: stage.place)
            if let python = program.python {
                environment.lock = lock
                environment.interpreter = python.version
            }
            facts.environment = environment
        case .evaluate(let work):
            facts.validators = machine.evaluation
            if let name = ValidatorName("contract") { facts.validators[name] = pipeline.contract(of: work.data)?.digest.short }
        case .register(let work):
            if let name = ValidatorName("registry") { facts.validators[name] = registry }
            if let name = ValidatorName("contract") { facts.validators[name] = pipeline.contract(of: work.model)?.digest.short }
        }
        for source in stage.sources {
            facts.sources[source.name] = try await at(source.place) { () throws(ProjectError) in try await project.content(of: source.files) }
        }
        return facts
    }

    /// What the project lacks is told with the line that asks for it.
    private func at<Value>(_ place: SourcePlace, _ body: () async throws(ProjectError) -> Value) async throws(DocumentError) -> Value {
        do { return try await body() } catch { throw DocumentError(error.message, at: place) }
    }
}

extension PreparedPipeline {
    /// Of a table or a model.
    func contract(of output: OutputReference) -> ContractFile? {
        (try? graph.stage(output.stage))?.output(output.output)?.kind.contract.flatMap { contracts[$0] }
    }
}

/// The program that a command names, as the sandbox has it.
struct StageProgram {
    /// Its path; relative ones lie in the project.
    var path: String
    var arguments: [String]
    /// When the stage is a Python program.
    var python: PythonInstallation?

    init(_ command: StageCommand, code: ProjectPath, tree: TreeDigest, machine: StageMachine, place: SourcePlace) throws(DocumentError) {
        let word = command.words[0]
        arguments = Array(command.words.dropFirst())
        switch word {
        case "python", "python3":
            switch machine.python {
            case .success(let found): (path, python) = (found.executable, found)
            case .failure(let error): throw DocumentError(error.message, at: place)
            }
        case _ where word.utf8.first == UInt8(ascii: "/"): path = word
        case _ where word.utf8.contains(UInt8(ascii: "/")): path = ProjectPath(word)?.text ?? word
        default:
            guard let found = machine.program(word) else {
                throw DocumentError("the program '\(word.shown(60))' is not in /usr/bin, and a stage sees no other; name it by its path", at: place)
            }
            path = found
        }
        // A script that is not there would only be found out when the stage runs.
        for word in command.words where word.utf8.contains(UInt8(ascii: "/")) && word.utf8.first != UInt8(ascii: "-") {
            guard let script = ProjectPath(word), script.text.hasPrefix(code.text + "/"), let inside = ProjectPath(String(script.text.dropFirst(code.text.count + 1)))
            else { continue }
            guard tree.files.contains(where: { $0.path == inside || $0.path.text.hasPrefix(inside.text + "/") }) else {
                throw DocumentError("there is no \(script) in the project; write it, or correct the command", at: place)
            }
        }
    }
}
