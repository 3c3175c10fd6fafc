// Whether what a stage makes is what its readers need, as far as contracts say it.
internal import Contracts
private import Primitives

struct ContractFit {
    private(set) var problems: [PipelineProblem] = []
    private let stages: [StageName: StageSpec]
    private let contracts: [ProjectPath: DataContract]

    init(_ spec: PipelineSpec, _ contracts: [ProjectPath: DataContract]) {
        stages = Dictionary(spec.stages.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.contracts = contracts
        for path in spec.contracts where contracts[path.value] == nil {
            report(.missingContract, "the contract \(path.value) was not found; write it, or correct the path", at: path.place)
        }
        for stage in spec.stages {
            switch stage.work {
            case .run: for output in stage.outputs { checkSignature(of: output, in: stage) }
            case .evaluate(let work): checkEvaluation(work, of: stage)
            case .register(let work): _ = model(work.model, for: "register", at: place(of: BuiltInSlot.model, in: stage))
            }
        }
    }

    /// A model's signature must be that of a table it was trained on. Sources, and inputs without a contract, may have been.
    private mutating func checkSignature(of output: StageOutput, in stage: StageSpec) {
        guard case .model(_, let path) = output.kind, let contract = contracts[path] else { return }
        guard let signature = signature(of: contract, at: output.place), stage.sources.isEmpty else { return }
        var differences: [String] = []
        for input in stage.inputs {
            guard let table = table(input.from) else { return }
            do throws(ContractError) {
                let given = try ModelSignature(trainingContract: table.contract)
                guard let difference = Self.difference(between: signature, and: given) else { return }
                differences.append("\(input.from) (\(table.path)): \(difference)")
            } catch {
                differences.append("\(input.from) (\(table.path)): it has no features")
            }
        }
        guard !differences.isEmpty else { return }
        report(
            .contractMismatch,
            "the model '\(output.name)' has the signature of \(path), and no input of '\(stage.name)' has these features; \(differences.joined(separator: "; "))",
            at: output.place)
    }

    private mutating func checkEvaluation(_ work: EvaluationWork, of stage: StageSpec) {
        let model = model(work.model, for: "evaluate", at: place(of: BuiltInSlot.model, in: stage))
        let dataPlace = place(of: BuiltInSlot.data, in: stage)
        guard let output = output(work.data) else { return }
        guard case .table(let path) = output.kind else {
            report(.contractMismatch, "\(work.data) is no table with a contract, and its rows are read by one; give that output a contract", at: dataPlace)
            return
        }
        guard let contract = contracts[path] else { return }
        checkColumns(work, contract, path)
        guard let given = signature(of: contract, at: dataPlace), let model, let trained = contracts[model] else { return }
        guard let signature = try? ModelSignature(trainingContract: trained), let difference = Self.difference(between: signature, and: given) else { return }
        report(.contractMismatch, "\(work.model) cannot be evaluated on \(work.data): \(difference) (\(model) and \(path))", at: dataPlace)
    }

    private mutating func checkColumns(_ work: EvaluationWork, _ contract: DataContract, _ path: ProjectPath) {
        let labels = contract.columns.filter { $0.role == .label }
        if labels.count != 1 || labels[0].type != .boolean {
            report(.contractMismatch, "\(path) needs exactly one column of the role label, of type boolean, to be evaluated on", at: work.label.place)
        } else if labels[0].name != work.label.value {
            report(.contractMismatch, "the label of \(path) is '\(labels[0].name)', not '\(cut(work.label.value, to: 60))'", at: work.label.place)
        }
        for slice in work.slices {
            guard let column = contract.columns.first(where: { $0.name == slice.value }) else {
                report(.contractMismatch, "\(path) has no column '\(cut(slice.value, to: 60))' to slice by", at: slice.place)
                continue
            }
            if column.role == .label || (column.type != .string && column.type != .boolean) {
                let what = column.role == .label ? "the label" : column.type.spelled
                report(.contractMismatch, "'\(column.name)' is \(what); rows are sliced by a string or a boolean that is known beforehand", at: slice.place)
            }
        }
    }

    /// The signature's contract, when the output is a model.
    private mutating func model(_ reference: OutputReference, for work: String, at place: SourcePlace) -> ProjectPath? {
        guard let output = output(reference) else { return nil }
        guard case .model(_, let signature) = output.kind else {
            report(.contractMismatch, "\(reference) is no model to \(work); give that output 'format' and 'signature'", at: place)
            return nil
        }
        return signature
    }

    private mutating func signature(of contract: DataContract, at place: SourcePlace) -> ModelSignature? {
        do throws(ContractError) {
            return try ModelSignature(trainingContract: contract)
        } catch {
            report(.contractMismatch, error.message, at: place)
            return nil
        }
    }

    private func output(_ reference: OutputReference) -> StageOutput? { stages[reference.stage]?.output(reference.output) }

    private func table(_ reference: OutputReference) -> (path: ProjectPath, contract: DataContract)? {
        guard case .table(let path) = output(reference)?.kind, let contract = contracts[path] else { return nil }
        return (path, contract)
    }

    private func place(of slot: SlotName, in stage: StageSpec) -> SourcePlace { stage.inputs.first { $0.name == slot }?.place ?? stage.place }

    private mutating func report(_ kind: PipelineProblem.Kind, _ message: String, at place: SourcePlace) {
        problems.append(PipelineProblem(kind, message, at: place))
    }

    /// What the data's features lack or have more than the model's, the first thing found; `nil` when a row means the same to both.
    private static func difference(between model: ModelSignature, and data: ModelSignature) -> String? {
        guard model.digest != data.digest else { return nil }
        for trained in model.features {
            guard let given = data.features.first(where: { $0.name == trained.name }) else { return "the feature '\(trained.name)' is missing" }
            if spelled(given) != spelled(trained) { return "'\(trained.name)' is \(spelled(given)), and the model takes \(spelled(trained))" }
            if given.allowed != trained.allowed { return "'\(trained.name)' lists other values, or in another order, which gives them other codes" }
        }
        if let other = data.features.first(where: { given in !model.features.contains { $0.name == given.name } }) {
            return "'\(other.name)' is no feature of the model"
        }
        return "the features stand in another order"
    }

    private static func spelled(_ column: Column) -> String {
        "\(column.type.spelled), \(column.allowedSpelled)\(column.required ? "" : " or null")"
    }
}
