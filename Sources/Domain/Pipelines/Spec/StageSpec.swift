// One stage of a pipeline: what it does, and everything that it may see.
package import Primitives

/// How alike two executions with the same fingerprint are. Raw values frozen: fingerprints hold them.
package enum Determinism: String, Hashable, Sendable, Codable, CaseIterable {
    /// The same bytes; the rule where a stage says nothing.
    case bitwise
    /// Equal within the tolerance of whoever compares.
    case tolerance
    /// Nothing is promised, so that no result is ever reused.
    case none
}

package enum EvaluationTask: String, Hashable, Sendable, CaseIterable {
    case binary
}

package struct EvaluationWork: Hashable, Sendable {
    package var model: OutputReference
    package var data: OutputReference
    package var label: Placed<String>
    package var task: EvaluationTask
    /// The columns whose values the rows are also measured by, one value at a time.
    package var slices: [Placed<String>]

    package init(model: OutputReference, data: OutputReference, label: Placed<String>, task: EvaluationTask, slices: [Placed<String>]) {
        self.model = model
        self.data = data
        self.label = label
        self.task = task
        self.slices = slices
    }
}

package struct RegistrationWork: Hashable, Sendable {
    package var model: OutputReference
    package var name: ModelName
    /// The evaluate stage whose result goes with the version. A graph with a register stage without it is refused.
    package var evidence: Placed<StageName>?

    package init(model: OutputReference, name: ModelName, evidence: Placed<StageName>?) {
        self.model = model
        self.name = name
        self.evidence = evidence
    }
}

package enum StageWork: Hashable, Sendable {
    /// The team's own program, in a sandbox that shows it just this folder as its code.
    case run(StageCommand, code: ProjectPath)
    case evaluate(EvaluationWork)
    case register(RegistrationWork)

    /// Frozen: fingerprints hold it.
    package var kind: String {
        switch self {
        case .run: "run"
        case .evaluate: "evaluate"
        case .register: "register"
        }
    }

    /// What is carried out, as words. The settings of a built-in stage are spelled like a command, and frozen.
    package var command: StageCommand {
        switch self {
        case .run(let command, _): command
        case .evaluate(let work):
            StageCommand(words: ["evaluate", "label=" + work.label.value, "task=" + work.task.rawValue] + work.slices.map { "slice=" + $0.value })
        case .register(let work): StageCommand(words: ["register", "name=" + work.name.text])
        }
    }

    package var code: ProjectPath? {
        if case .run(_, let code) = self { code } else { nil }
    }
}

/// A stage. The inputs and outputs of built-in stages stand in the same lists as those of the team's own, under the names of `BuiltInSlot`.
package struct StageSpec: Hashable, Sendable {
    package static let mostRetries = 10
    package static let usualTimeout = Duration.seconds(3600)
    package static let longestTimeout = Duration.seconds(7 * 86_400)

    package var name: StageName
    package var work: StageWork
    package var parameters: [StageParameter]
    package var inputs: [StageInput]
    package var sources: [StageSource]
    package var outputs: [StageOutput]
    package var determinism: Determinism
    /// Attempts after the first.
    package var retries: Int
    /// Of one attempt.
    package var timeout: Duration
    package var place: SourcePlace

    package init(
        name: StageName, work: StageWork, parameters: [StageParameter] = [], inputs: [StageInput] = [], sources: [StageSource] = [],
        outputs: [StageOutput] = [], determinism: Determinism = .bitwise, retries: Int = 0, timeout: Duration = StageSpec.usualTimeout,
        place: SourcePlace
    ) {
        self.name = name
        self.work = work
        self.parameters = parameters
        self.inputs = inputs
        self.sources = sources
        self.outputs = outputs
        self.determinism = determinism
        self.retries = retries
        self.timeout = timeout
        self.place = place
    }

    package func output(_ name: SlotName) -> StageOutput? { outputs.first { $0.name == name } }
}
