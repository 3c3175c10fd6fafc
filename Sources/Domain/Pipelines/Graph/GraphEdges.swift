// Inputs that lead to no output, and register stages whose evidence is none.
private import Primitives

struct GraphEdges {
    private(set) var problems: [PipelineProblem] = []
    private let stages: [StageName: StageSpec]
    private let names: [StageName]

    init(_ spec: PipelineSpec) {
        stages = Dictionary(spec.stages.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        names = spec.stages.map(\.name)
        for stage in spec.stages {
            for input in stage.inputs {
                if case .register = stage.work, input.name == BuiltInSlot.evidence { continue }
                check(input, of: stage)
            }
            if case .register(let work) = stage.work { checkEvidence(work, of: stage) }
        }
    }

    private mutating func check(_ input: StageInput, of stage: StageSpec) {
        guard input.from.stage != stage.name else {
            report(.selfInput, "the stage '\(stage.name)' reads its own output '\(input.from.output)', which is there only afterwards; read another", at: input.place)
            return
        }
        guard let producer = stages[input.from.stage] else {
            report(.unknownStage, "'\(input.from)': there is no stage '\(input.from.stage)'; known stages: \(spelled(names))", at: input.place)
            return
        }
        if producer.output(input.from.output) == nil {
            let known = spelled(producer.outputs.map(\.name))
            report(.unknownOutput, "'\(input.from)': the stage '\(producer.name)' has no output '\(input.from.output)'; its outputs: \(known)", at: input.place)
        }
    }

    /// A version without evidence could never be released, so it is not made.
    private mutating func checkEvidence(_ work: RegistrationWork, of stage: StageSpec) {
        guard let evidence = work.evidence else {
            report(.noEvidence, "the stage '\(stage.name)' registers '\(work.name)' without evidence; add 'evidence:' with the stage that evaluates \(work.model)", at: stage.place)
            return
        }
        guard let producer = stages[evidence.value] else {
            report(.unknownStage, "there is no stage '\(evidence.value)' to give evidence; known stages: \(spelled(names))", at: evidence.place)
            return
        }
        guard case .evaluate(let evaluation) = producer.work else {
            report(.noEvidence, "the stage '\(producer.name)' evaluates nothing; 'evidence' names the stage that evaluates \(work.model)", at: evidence.place)
            return
        }
        if evaluation.model != work.model {
            report(.noEvidence, "the stage '\(producer.name)' evaluates \(evaluation.model), and \(work.model) is registered; evaluate that", at: evidence.place)
        }
    }

    private mutating func report(_ kind: PipelineProblem.Kind, _ message: String, at place: SourcePlace) {
        problems.append(PipelineProblem(kind, message, at: place))
    }
}
