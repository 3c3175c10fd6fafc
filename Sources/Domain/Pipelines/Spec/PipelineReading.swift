// Reads penstock.yaml, and refuses what this version would not do.
package import Primitives

extension PipelineSpec {
    package static func read(_ node: DocumentNode) throws(DocumentError) -> PipelineSpec {
        var fields = try node.fields()
        let name: PipelineName = try fields.need("pipeline").name()
        let lock = try readEnvironment(fields.take("environment"))
        var parameters: [PipelineParameter] = []
        for (name, entry) in try fields.take("parameters")?.namedEntries(ParameterSubject.self, of: "parameters") ?? [] {
            guard let value = try ParameterValue.read(entry.value) else {
                throw DocumentError("the pipeline's parameter '\(name)' needs a value; write one", at: entry.place)
            }
            parameters.append(PipelineParameter(name: name, value: value, place: entry.place))
        }
        let list = try fields.need("stages")
        try fields.finish()
        var stages: [StageSpec] = []
        for (name, entry) in try list.namedEntries(StageSubject.self, of: "stages", most: mostStages) {
            stages.append(try StageSpec.read(name, entry))
        }
        guard !stages.isEmpty else { throw DocumentError("a pipeline has at least one stage", at: list.place) }
        return PipelineSpec(name: name, pythonLock: lock, parameters: parameters, stages: stages)
    }

    private static func readEnvironment(_ node: DocumentNode?) throws(DocumentError) -> Placed<ProjectPath>? {
        guard let node else { return nil }
        var fields = try node.fields()
        let lock = try fields.need("python")
        try fields.finish()
        return Placed(try lock.projectPath(), at: lock.place)
    }
}

extension DocumentNode {
    /// A path inside the project, outside Penstock's own folder, which changes with every run.
    func projectPath() throws(DocumentError) -> ProjectPath {
        let text = try text()
        guard let path = ProjectPath(text) else { throw DocumentError(ProjectPath.refusal(of: text), at: place) }
        guard path.root != ".penstock" else {
            throw DocumentError("'\(cut(text, to: 80))' lies in Penstock's own folder; keep what stages use beside it", at: place)
        }
        return path
    }

    /// The entries of a map whose keys are names that the user chose. A dot would separate a stage from its output.
    func namedEntries<Subject>(
        _: Subject.Type, of what: String, most: Int = PipelineSpec.mostNames
    ) throws(DocumentError) -> [(name: Identifier<Subject>, entry: Entry)] {
        var fields = try fields()
        let entries = fields.takeAll()
        guard entries.count <= most else { throw DocumentError("at most \(most) \(what) are read here, and these are \(entries.count)", at: place) }
        var named: [(name: Identifier<Subject>, entry: Entry)] = []
        for entry in entries {
            guard let name = Identifier<Subject>(entry.key) else { throw DocumentError(Identifier<Subject>.refusal(of: entry.key), at: entry.place) }
            guard !name.text.contains(".") else {
                throw DocumentError("'\(name)' cannot be a name in a pipeline: a dot stands between a stage and its output; use '-' or '_'", at: entry.place)
            }
            named.append((name, entry))
        }
        return named
    }

    func outputReference() throws(DocumentError) -> OutputReference {
        let text = try text()
        guard let reference = OutputReference(parsing: text) else {
            throw DocumentError("expected an output as 'stage.output' here, found \(kind)", at: place)
        }
        return reference
    }
}
