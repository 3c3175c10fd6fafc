// Everything that can change a stage's result, part by part.
package import Primitives

package struct EnvironmentComponents: Hashable, Sendable, Codable {
    /// Of the lock file; `nil` for a stage without a Python environment.
    package var lock: Digest?
    /// Name and version, such as `CPython 3.11.2`; `nil` where none is used.
    package var interpreter: String?
    package var libc: String
    package var architecture: String
    package var threads: Int

    package init(lock: Digest?, interpreter: String?, libc: String, architecture: String, threads: Int) {
        self.lock = lock
        self.interpreter = interpreter
        self.libc = libc
        self.architecture = architecture
        self.threads = threads
    }
}

package struct SourceComponent: Hashable, Sendable, Codable {
    package var content: ArtifactContent
    /// For provenance; a source that moves and stays the same changes nothing, since a stage sees it under its name.
    package var path: ProjectPath

    package init(content: ArtifactContent, path: ProjectPath) {
        self.content = content
        self.path = path
    }
}

package struct InputComponent: Hashable, Sendable, Codable {
    package var content: ArtifactContent
    /// For explanations; the same content from elsewhere changes nothing.
    package var producer: OutputReference

    package init(content: ArtifactContent, producer: OutputReference) {
        self.content = content
        self.producer = producer
    }
}

package struct OutputComponent: Hashable, Sendable, Codable {
    /// As `OutputKind.spelled`.
    package var kind: String
    /// Of the contract file's bytes.
    package var contract: Digest?
    /// For provenance.
    package var path: ProjectPath?

    package init(kind: String, contract: Digest?, path: ProjectPath?) {
        self.kind = kind
        self.contract = contract
        self.path = path
    }
}

/// What is known of a stage before its inputs are there.
///
/// Not in it, because they cannot change a result: the stage's name, `retries`, `timeout`, and parameters that it does not name.
package struct DeclaredComponents: Hashable, Sendable, Codable {
    /// `run`, `evaluate` or `register`.
    package var work: String
    package var command: String
    /// Where the code is mounted.
    package var folder: ProjectPath?
    package var code: TreeDigest?
    package var determinism: Determinism
    package var environment: EnvironmentComponents
    package var parameters: [ParameterName: ParameterValue]
    package var sources: [SlotName: SourceComponent]
    package var outputs: [SlotName: OutputComponent]
    /// Versions of the parts of Penstock that a built-in stage's result depends on.
    package var validators: [ValidatorName: String]

    package init(
        work: String, command: String, folder: ProjectPath?, code: TreeDigest?, determinism: Determinism, environment: EnvironmentComponents,
        parameters: [ParameterName: ParameterValue], sources: [SlotName: SourceComponent], outputs: [SlotName: OutputComponent],
        validators: [ValidatorName: String]
    ) {
        self.work = work
        self.command = command
        self.folder = folder
        self.code = code
        self.determinism = determinism
        self.environment = environment
        self.parameters = parameters
        self.sources = sources
        self.outputs = outputs
        self.validators = validators
    }
}

/// What only the world can say about a stage: digests of files, and the machine.
package struct StageFacts: Hashable, Sendable {
    /// The tree of the stage's code folder.
    package var code: TreeDigest?
    package var environment: EnvironmentComponents
    package var sources: [SlotName: ArtifactContent]
    /// Of the contract files that the stage's outputs name.
    package var contracts: [ProjectPath: Digest]
    package var validators: [ValidatorName: String]

    package init(
        code: TreeDigest?, environment: EnvironmentComponents, sources: [SlotName: ArtifactContent] = [:], contracts: [ProjectPath: Digest] = [:],
        validators: [ValidatorName: String] = [:]
    ) {
        self.code = code
        self.environment = environment
        self.sources = sources
        self.contracts = contracts
        self.validators = validators
    }
}

extension PipelineGraph {
    /// Puts the file's part and the world's part together; throws `incomplete` when the world's part lacks something that the stage declares.
    package func components(of name: StageName, facts: StageFacts) throws(PipelineError) -> DeclaredComponents {
        let stage = try stage(name)
        func lacks(_ what: String) -> PipelineError { PipelineError(.incomplete, "\(what) of the stage '\(name)' was not digested", stage: name) }
        if stage.work.code != nil, facts.code == nil { throw lacks("the code") }
        if stage.work.code == nil, facts.validators.isEmpty { throw PipelineError(.incomplete, "the versions behind the stage '\(name)' were not given", stage: name) }
        var sources: [SlotName: SourceComponent] = [:]
        for source in stage.sources {
            guard let content = facts.sources[source.name] else { throw lacks("the source '\(source.name)'") }
            sources[source.name] = SourceComponent(content: content, path: source.files)
        }
        var outputs: [SlotName: OutputComponent] = [:]
        for output in stage.outputs {
            let contract = output.kind.contract.map { facts.contracts[$0] }
            if case .some(nil) = contract { throw lacks("the contract of the output '\(output.name)'") }
            outputs[output.name] = OutputComponent(kind: output.kind.spelled, contract: contract ?? nil, path: output.kind.contract)
        }
        return DeclaredComponents(
            work: stage.work.kind, command: stage.work.command.spelled, folder: stage.work.code, code: stage.work.code == nil ? nil : facts.code,
            determinism: stage.determinism, environment: facts.environment, parameters: parameters(of: name), sources: sources, outputs: outputs,
            validators: stage.work.code == nil ? facts.validators : [:])
    }
}

/// All components of a stage: what its fingerprint is taken over, and what a difference is explained with.
package struct StageComponents: Hashable, Sendable {
    package var declared: DeclaredComponents
    package var inputs: [SlotName: InputComponent]

    package init(_ declared: DeclaredComponents, inputs: [SlotName: InputComponent]) {
        self.declared = declared
        self.inputs = inputs
    }
}

/// How a catalog keeps them, frozen.
extension StageComponents {
    private struct Stored: Codable {
        var format = 1
        var declared: DeclaredComponents
        var inputs: [SlotName: InputComponent]
    }

    package var encoded: [UInt8] { StrictJSON.encode(Stored(declared: declared, inputs: inputs)) }

    package init(decoding bytes: [UInt8]) throws(PipelineError) {
        let stored: Stored
        do { stored = try StrictJSON.decode(from: bytes) } catch {
            throw PipelineError(.unreadable, "a stage's components cannot be read: \(StrictJSON.explain(error))")
        }
        guard stored.format == 1 else {
            throw PipelineError(.unreadable, "a stage's components have the format \(stored.format); a newer program wrote them, update this one")
        }
        self.init(stored.declared, inputs: stored.inputs)
    }
}
