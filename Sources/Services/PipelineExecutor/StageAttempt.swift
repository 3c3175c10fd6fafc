// One attempt of one stage: what it sees, what it does, and what becomes of what it wrote.
internal import Contracts
internal import Pipelines
internal import Ports
internal import Primitives

struct StageAttempt {
    /// An output that was checked and stored.
    struct Output {
        var content: ArtifactContent
        /// For a table.
        var rows: Int?
    }

    enum Result {
        case made([SlotName: Output])
        case failed(FailureReason)
        case cancelled
    }

    struct Ending {
        var result: Result
        var log: String?
        var lastLine = ""
        /// The layers that were around the program.
        var sandbox: [String] = []
    }

    let dependencies: PipelineExecutor.Dependencies
    let pipeline: PreparedPipeline
    let run: PipelineRun
    let stage: StageSpec
    let number: Int

    /// Throws for what is not the stage's doing: a full disk, a catalog that is gone.
    func carryOut(_ components: StageComponents) async throws -> Ending {
        switch stage.work {
        case .run(let command, let folder):
            guard let tree = components.declared.code else { preconditionFailure("a run stage has the tree of its code") }
            return try await runProgram(command, folder, tree, components)
        case .evaluate(let work): return try await builtIn { try await evaluate(work) }
        case .register(let work): return try await builtIn { (try await register(work), []) }
        }
    }

    /// What a stage of Penstock's own says when it cannot do its work.
    struct Refusal: Error {
        var sentence: String
    }

    private func builtIn(_ body: () async throws -> (outputs: [SlotName: Output], sandbox: [String])) async throws -> Ending {
        do {
            let made = try await body()
            return Ending(result: .made(made.outputs), sandbox: made.sandbox)
        } catch let refusal as Refusal {
            return Ending(result: Task.isCancelled ? .cancelled : .failed(.notDone(refusal.sentence)))
        }
    }

    /// The content of an input; the run's rules say that it is there.
    func digest(of reference: OutputReference) throws -> Digest {
        guard case .file(let digest) = run.outcomes[reference.stage]?.execution.outputs[reference.output] else {
            throw Refusal(sentence: "\(reference) is a folder, which this version does not hand on; write one file")
        }
        return digest
    }
}

// The team's own programs.
extension StageAttempt {
    private static let inside = "/project"

    private func runProgram(_ command: StageCommand, _ folder: ProjectPath, _ tree: TreeDigest, _ components: StageComponents) async throws -> Ending {
        let contracts = Set(stage.outputs.compactMap(\.kind.contract))
        let workspace = try await dependencies.project.makeWorkspace(
            run: run.id, stage: stage.name, attempt: number, code: (folder, tree), files: pipeline.contracts.filter { contracts.contains($0.key) }.mapValues(\.bytes))
        let ending: Ending
        do {
            ending = try await runProgram(command, folder, tree, components, workspace)
        } catch {
            await dependencies.project.remove(workspace)
            throw error
        }
        await dependencies.project.remove(workspace)
        return ending
    }

    private func runProgram(
        _ command: StageCommand, _ folder: ProjectPath, _ tree: TreeDigest, _ components: StageComponents, _ workspace: StageWorkspace
    ) async throws -> Ending {
        let program = try StageProgram(command, code: folder, tree: tree, machine: dependencies.machine, place: stage.place)
        var ending = Ending(result: .cancelled, log: workspace.log)
        do {
            let result = try await dependencies.runner.run(try await request(program, workspace))
            ending.sandbox = result.sandbox
            if let failure = failure(result.exit) {
                ending.result = .failed(failure)
                ending.lastLine = dependencies.project.lastLine(of: workspace)
                return ending
            }
        } catch let error as StageRunnerError {
            guard error.code != .cancelled else { return ending }
            ending.result = .failed(.sandboxUnavailable(error.message))
            return ending
        }
        if let changed = try await changedSource(components) {
            ending.result = .failed(.notDone("the source '\(changed)' changed while the stage ran, so nobody knows what it read; run again"))
            return ending
        }
        var outputs: [SlotName: Output] = [:]
        for output in stage.outputs {
            switch try await take(output, workspace) {
            case .success(let taken): outputs[output.name] = taken
            case .failure(let breach):
                ending.result = Task.isCancelled ? .cancelled : .failed(breach.reason)
                return ending
            }
        }
        ending.result = .made(outputs)
        return ending
    }

    private func failure(_ exit: StageExit) -> FailureReason? {
        switch exit {
        case .exited(0): nil
        case .exited(let code): .exited(code: code)
        // SIGXFSZ: it tried to write a larger file than it may.
        case .signalled(25): .tooLarge(nil)
        case .signalled(let signal): .signalled(signal)
        case .timedOut: .timedOut(after: stage.timeout)
        case .saidTooMuch: .tooLarge(nil)
        }
    }

    private func changedSource(_ components: StageComponents) async throws -> SlotName? {
        for source in stage.sources where try await dependencies.project.content(of: source.files) != components.declared.sources[source.name]?.content { return source.name }
        return nil
    }

    /// Everything that the stage sees. Without a sandbox the paths are the machine's own.
    private func request(_ program: StageProgram, _ workspace: StageWorkspace) async throws -> StageProcessRequest {
        let isBoxed = dependencies.runner.layers.first != "none"
        var readOnly = [Mount(workspace.project, as: Self.inside)]
        var environment = variables(program)
        for input in stage.inputs {
            let path = try await dependencies.artifacts.verifiedFile(try digest(of: input.from))
            readOnly.append(Mount(path, as: "/inputs/\(input.name)"))
            environment[StageVariable.input(input.name)] = isBoxed ? "/inputs/\(input.name)" : path
        }
        for source in stage.sources {
            let path = try dependencies.project.location(of: source.files)
            readOnly.append(Mount(path, as: "/sources/\(source.name)"))
            environment[StageVariable.source(source.name)] = isBoxed ? "/sources/\(source.name)" : path
        }
        for output in stage.outputs { environment[StageVariable.output(output.name)] = (isBoxed ? "/outputs" : workspace.outputs) + "/\(output.name)" }
        readOnly += (program.python?.folders ?? []).map { Mount($0, as: $0) }
        let project = isBoxed ? Self.inside : workspace.project
        let isRelative = program.path.utf8.first != UInt8(ascii: "/")
        return StageProcessRequest(
            arguments: [isRelative ? project + "/" + program.path : program.path] + program.arguments, workingDirectory: project, readOnly: readOnly,
            writable: [Mount(workspace.outputs, as: "/outputs")], environment: environment, timeout: stage.timeout, log: workspace.log)
    }

    /// Nothing of ours but what is declared, and what keeps two runs alike.
    private func variables(_ program: StageProgram) -> [String: String] {
        let threads = String(dependencies.machine.threads)
        var variables = [
            "PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "TZ": "UTC", "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads,
            // Threads that spin while they wait slow everything down where others want the cores too.
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
        ]
        let parameters = pipeline.graph.parameters(of: stage.name)
        for (name, value) in parameters { variables[StageVariable.parameter(name)] = value.spelled }
        variables[StageVariable.parameters] = String(decoding: StrictJSON.encode(parameters), as: UTF8.self)
        return variables
    }
}
