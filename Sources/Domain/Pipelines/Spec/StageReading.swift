// Reads one stage: exactly one kind of work, and the keys that this kind has.
internal import Primitives

extension StageSpec {
    private static let unbuiltSources = ["command", "refresh", "secrets"]
    /// Keys of a run stage that have no meaning where Penstock does the work itself.
    private static let runKeys = ["parameters", "inputs", "sources", "outputs", "code", "determinism"]

    static func read(_ name: StageName, _ entry: DocumentNode.Entry) throws(DocumentError) -> StageSpec {
        var fields = try entry.value.fields()
        let run = fields.take("run"), evaluate = fields.take("evaluate"), register = fields.take("register")
        try fields.refuseUnbuilt("sql", because: "it needs the boxed table worker")
        let retries = try fields.take("retries")?.integer(in: 0...mostRetries) ?? 0
        let timeout = try readTimeout(fields.take("timeout"))
        var values: [String: DocumentNode] = [:]
        for key in runKeys { values[key] = fields.take(key) }
        try fields.finish()
        var stage: StageSpec
        switch (run, evaluate, register) {
        case (let run?, nil, nil): stage = try readRun(name, run, values, at: entry.place)
        case (nil, let evaluate?, nil):
            try refuse(values)
            stage = try readEvaluate(name, evaluate, at: entry.place)
        case (nil, nil, let register?):
            try refuse(values)
            stage = try readRegister(name, register, at: entry.place)
        case (nil, nil, nil): throw DocumentError("the stage '\(name)' does nothing; give it one of run, evaluate and register", at: entry.place)
        default: throw DocumentError("the stage '\(name)' does several things; give it one of run, evaluate and register", at: entry.place)
        }
        stage.retries = retries
        stage.timeout = timeout
        return stage
    }

    private static func refuse(_ values: [String: DocumentNode]) throws(DocumentError) {
        for key in runKeys {
            guard let value = values[key] else { continue }
            throw DocumentError("'\(key)' has no meaning in a stage that Penstock does itself; what it uses stands in its own map", at: value.place)
        }
    }

    private static func readTimeout(_ node: DocumentNode?) throws(DocumentError) -> Duration {
        guard let node else { return usualTimeout }
        let timeout = try node.duration()
        guard timeout > .zero, timeout <= longestTimeout else {
            throw DocumentError("a timeout is more than nothing and at most \(longestTimeout.spelled), found \(node.kind)", at: node.place)
        }
        return timeout
    }

    private static func readRun(
        _ name: StageName, _ node: DocumentNode, _ values: [String: DocumentNode], at place: SourcePlace
    ) throws(DocumentError) -> StageSpec {
        let command = try StageCommand.read(node)
        guard let code = try values["code"]?.projectPath() ?? command.scriptFolder else {
            throw DocumentError("which folder is the stage's code? The command names no script in a folder; add 'code: stages'", at: node.place)
        }
        var stage = StageSpec(name: name, work: .run(command, code: code), place: place)
        for (name, entry) in try values["parameters"]?.namedEntries(ParameterSubject.self, of: "parameters") ?? [] {
            stage.parameters.append(StageParameter(name: name, value: try ParameterValue.read(entry.value), place: entry.place))
        }
        for (name, entry) in try values["inputs"]?.namedEntries(SlotSubject.self, of: "inputs") ?? [] {
            stage.inputs.append(StageInput(name: name, from: try entry.value.outputReference(), place: entry.place))
        }
        for (name, entry) in try values["sources"]?.namedEntries(SlotSubject.self, of: "sources") ?? [] {
            stage.sources.append(try readSource(name, entry))
        }
        for (name, entry) in try values["outputs"]?.namedEntries(SlotSubject.self, of: "outputs") ?? [] {
            stage.outputs.append(StageOutput(name: name, kind: try readOutput(entry.value), place: entry.place))
        }
        stage.determinism = try values["determinism"]?.choice() ?? .bitwise
        return stage
    }

    private static func readSource(_ name: SlotName, _ entry: DocumentNode.Entry) throws(DocumentError) -> StageSource {
        var fields = try entry.value.fields()
        for key in unbuiltSources { try fields.refuseUnbuilt(key, because: "a source is a file or folder of the project in this version, 'files: …'") }
        let files = try fields.need("files").projectPath()
        try fields.finish()
        return StageSource(name: name, files: files, place: entry.place)
    }

    private static func readOutput(_ node: DocumentNode) throws(DocumentError) -> OutputKind {
        switch node.value {
        case .scalar where !node.isNull: return .table(contract: try node.projectPath())
        case .map(let entries) where entries.isEmpty: return .plain
        case .map:
            var fields = try node.fields()
            let format = try fields.need("format")
            let signature = try fields.need("signature")
            try fields.finish()
            guard let known = ModelFormat(rawValue: try format.text()) else {
                throw DocumentError("models of the format \(format.kind) are not built yet; write 'format: lightgbm'", at: format.place)
            }
            return .model(known, signature: try signature.projectPath())
        case .scalar, .list:
            throw DocumentError(
                "an output is its contract's path, {} without a contract, or { format: lightgbm, signature: contract }; found \(node.kind)", at: node.place)
        }
    }
}

extension StageSpec {
    private static func readEvaluate(_ name: StageName, _ node: DocumentNode, at place: SourcePlace) throws(DocumentError) -> StageSpec {
        var fields = try node.fields()
        let model = try fields.need("model"), data = try fields.need("data"), label = try fields.need("label"), task = try fields.need("task")
        let slices = fields.take("slices")
        try fields.finish()
        guard let known = EvaluationTask(rawValue: try task.text()) else {
            throw DocumentError("the task \(task.kind) is not built yet; write 'task: binary'", at: task.place)
        }
        var columns: [Placed<String>] = []
        for item in try slices?.list() ?? [] {
            let column = try item.text()
            guard !columns.contains(where: { $0.value == column }) else { throw DocumentError("the slice '\(cut(column, to: 60))' stands twice; keep one", at: item.place) }
            columns.append(Placed(column, at: item.place))
        }
        let work = EvaluationWork(
            model: try model.outputReference(), data: try data.outputReference(), label: Placed(try label.text(), at: label.place), task: known, slices: columns)
        return StageSpec(
            name: name, work: .evaluate(work),
            inputs: [
                StageInput(name: BuiltInSlot.model, from: work.model, place: model.place), StageInput(name: BuiltInSlot.data, from: work.data, place: data.place),
            ], outputs: [StageOutput(name: BuiltInSlot.evaluation, kind: .evaluation, place: place)], place: place)
    }

    private static func readRegister(_ name: StageName, _ node: DocumentNode, at place: SourcePlace) throws(DocumentError) -> StageSpec {
        var fields = try node.fields()
        let model = try fields.need("model"), modelName: ModelName = try fields.need("name").name()
        let evidence = fields.take("evidence")
        try fields.finish()
        var work = RegistrationWork(model: try model.outputReference(), name: modelName, evidence: nil)
        var inputs = [StageInput(name: BuiltInSlot.model, from: work.model, place: model.place)]
        if let evidence {
            let stage: StageName = try evidence.name()
            work.evidence = Placed(stage, at: evidence.place)
            inputs.append(StageInput(name: BuiltInSlot.evidence, from: OutputReference(stage: stage, output: BuiltInSlot.evaluation), place: evidence.place))
        }
        return StageSpec(
            name: name, work: .register(work), inputs: inputs, outputs: [StageOutput(name: BuiltInSlot.version, kind: .version, place: place)], place: place)
    }
}
