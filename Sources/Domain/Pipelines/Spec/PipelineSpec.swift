// penstock.yaml: what is asked of a pipeline, each part with its place in the file.
package import Primitives

/// A value and where it stands, for messages.
package struct Placed<Value: Hashable & Sendable>: Hashable, Sendable {
    package var value: Value
    package var place: SourcePlace

    package init(_ value: Value, at place: SourcePlace) {
        self.value = value
        self.place = place
    }
}

/// A pipeline as its file says it. That its stages fit together is what `PipelineGraph` adds.
package struct PipelineSpec: Hashable, Sendable {
    package static let mostStages = 1000
    /// Parameters, inputs, sources or outputs of one stage.
    package static let mostNames = 200

    package var name: PipelineName
    /// The lock file that the Python environment is made from; stages without Python need none.
    package var pythonLock: Placed<ProjectPath>?
    /// Of the whole pipeline, in the order of the file. A stage sees one only when it names it.
    package var parameters: [PipelineParameter]
    /// In the order of the file.
    package var stages: [StageSpec]

    package init(name: PipelineName, pythonLock: Placed<ProjectPath>? = nil, parameters: [PipelineParameter] = [], stages: [StageSpec]) {
        self.name = name
        self.pythonLock = pythonLock
        self.parameters = parameters
        self.stages = stages
    }

    /// The contracts that the stages name, each once, at the first place that names it.
    package var contracts: [Placed<ProjectPath>] {
        var seen: Set<ProjectPath> = []
        return stages.flatMap(\.outputs).compactMap { output in
            output.kind.contract.flatMap { seen.insert($0).inserted ? Placed($0, at: output.place) : nil }
        }
    }

    /// The stages that see the pipeline's value of this parameter: those that name it without a value of their own.
    package func users(of parameter: ParameterName) -> [StageName] {
        stages.filter { $0.parameters.contains { $0.name == parameter && $0.value == nil } }.map(\.name)
    }
}

package struct PipelineParameter: Hashable, Sendable {
    package var name: ParameterName
    package var value: ParameterValue
    package var place: SourcePlace

    package init(name: ParameterName, value: ParameterValue, place: SourcePlace) {
        self.name = name
        self.value = value
        self.place = place
    }
}

/// A parameter that a stage sees.
///
/// `trees: 300` is the stage's own. `until`, or `until:` with nothing after it, is the pipeline's parameter of that name, so that
/// `{ until, trees: 300 }` declares both, and `--set until=…` reaches exactly the stages that name it.
package struct StageParameter: Hashable, Sendable {
    package var name: ParameterName
    /// `nil` for the pipeline's.
    package var value: ParameterValue?
    package var place: SourcePlace

    package init(name: ParameterName, value: ParameterValue?, place: SourcePlace) {
        self.name = name
        self.value = value
        self.place = place
    }
}

package struct StageInput: Hashable, Sendable {
    package var name: SlotName
    package var from: OutputReference
    package var place: SourcePlace

    package init(name: SlotName, from: OutputReference, place: SourcePlace) {
        self.name = name
        self.from = from
        self.place = place
    }
}

/// Files of the project that no stage made.
package struct StageSource: Hashable, Sendable {
    package var name: SlotName
    package var files: ProjectPath
    package var place: SourcePlace

    package init(name: SlotName, files: ProjectPath, place: SourcePlace) {
        self.name = name
        self.files = files
        self.place = place
    }
}

package enum ModelFormat: String, Hashable, Sendable, CaseIterable {
    case lightgbm
}

package enum OutputKind: Hashable, Sendable {
    /// `{}`: bytes or a folder without a contract.
    case plain
    case table(contract: ProjectPath)
    /// The signature is the training contract whose features the model takes.
    case model(ModelFormat, signature: ProjectPath)
    /// What an evaluate stage measured.
    case evaluation
    /// The model version that a register stage made.
    case version

    package var contract: ProjectPath? {
        switch self {
        case .table(let contract): contract
        case .model(_, let signature): signature
        case .plain, .evaluation, .version: nil
        }
    }

    /// Frozen: fingerprints hold it.
    package var spelled: String {
        switch self {
        case .plain: "plain"
        case .table: "table"
        case .model(let format, _): "model \(format.rawValue)"
        case .evaluation: "evaluation"
        case .version: "version"
        }
    }
}

package struct StageOutput: Hashable, Sendable {
    package var name: SlotName
    package var kind: OutputKind
    package var place: SourcePlace

    package init(name: SlotName, kind: OutputKind, place: SourcePlace) {
        self.name = name
        self.kind = kind
        self.place = place
    }
}
