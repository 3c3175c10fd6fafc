// Provenance out of an execution and the components that it was made from.
private import Primitives

extension SLSAProvenance {
    /// Throws `incomplete` when the execution was made from other components, or has no such output.
    package init(
        of output: SlotName, execution: StageExecution, components: StageComponents, pipeline: PipelineName, builder: Builder
    ) throws(PipelineError) {
        guard components.fingerprint == execution.fingerprint else {
            throw PipelineError(.incomplete, "\(execution.id) was made from other components than these; give those of its fingerprint", stage: execution.stage)
        }
        guard execution.outputs[output] != nil else {
            throw PipelineError(.incomplete, "\(execution.id) has no output '\(output)'; its outputs: \(spelled(execution.outputs.keys.sorted()))", stage: execution.stage)
        }
        let declared = components.declared
        buildDefinition = BuildDefinition(
            buildType: Self.buildType,
            externalParameters: ExternalParameters(
                pipeline: pipeline, stage: execution.stage, output: output, work: declared.work, command: declared.command, folder: declared.folder,
                parameters: declared.parameters),
            internalParameters: InternalParameters(
                fingerprint: execution.fingerprint, determinism: declared.determinism, interpreter: declared.environment.interpreter,
                libc: declared.environment.libc, architecture: declared.environment.architecture, threads: declared.environment.threads,
                validators: declared.validators, sandbox: execution.sandbox),
            resolvedDependencies: Resource.dependencies(of: components))
        runDetails = RunDetails(
            builder: builder, metadata: Metadata(invocationId: execution.id, startedOn: execution.started, finishedOn: execution.finished))
    }
}

extension SLSAProvenance.Resource {
    /// Inputs, sources, contracts, the lock file and the code file by file, in a fixed order.
    fileprivate static func dependencies(of components: StageComponents) -> [Self] {
        let declared = components.declared
        let inputs = components.inputs.sorted { $0.key < $1.key }.map { name, input in
            Self(uri: "urn:penstock:output:\(input.producer)", name: "input.\(name)", content: input.content)
        }
        let sources = declared.sources.sorted { $0.key < $1.key }.map { name, source in
            Self(uri: uri(of: source.path), name: "source.\(name)", content: source.content)
        }
        let contracts = declared.outputs.sorted { $0.key < $1.key }.compactMap { name, output in
            output.contract.map { Self(uri: output.path.map(uri) ?? "urn:penstock:contract:\(name)", name: "contract.\(name)", content: .file($0)) }
        }
        let lock = declared.environment.lock.map { Self(uri: "urn:penstock:environment:lock", name: "environment.lock", content: .file($0)) }
        let code = (declared.code?.files ?? []).map { file in
            Self(uri: uri(of: declared.folder?.appending(file.path) ?? file.path), name: "code", content: .file(file.content))
        }
        return inputs + sources + contracts + [lock].compactMap(\.self) + code
    }

    private init(uri: String, name: String, content: ArtifactContent) {
        self.uri = uri
        self.name = name
        digest = ["sha256": content.digest.hex]
        if case .tree = content { mediaType = Self.treeMediaType }
    }

    /// Bytes that a URI does not take as they are become `%` and two digits.
    private static func uri(of path: ProjectPath) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/".utf8)
        return "urn:penstock:project:" + path.text.utf8.map { plain.contains($0) ? String(UnicodeScalar($0)) : "%" + [$0].hex.uppercased() }.joined()
    }
}
