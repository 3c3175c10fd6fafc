// Names that meet in a stage's environment, and parameters that nobody has.
private import Primitives

struct GraphNames {
    private(set) var problems: [PipelineProblem] = []

    init(_ spec: PipelineSpec) {
        var seen: Set<StageName> = []
        for stage in spec.stages where !seen.insert(stage.name).inserted {
            problems.append(PipelineProblem(.duplicateName, "the stage '\(stage.name)' stands twice; rename one", at: stage.place))
        }
        collide(spec.parameters.map { ($0.name.text, StageVariable.parameter($0.name), $0.place) }, "parameters of the pipeline")
        for stage in spec.stages {
            collide(stage.inputs.map { ($0.name.text, StageVariable.input($0.name), $0.place) }, "inputs of '\(stage.name)'")
            collide(stage.sources.map { ($0.name.text, StageVariable.source($0.name), $0.place) }, "sources of '\(stage.name)'")
            collide(stage.outputs.map { ($0.name.text, StageVariable.output($0.name), $0.place) }, "outputs of '\(stage.name)'")
            collide(stage.parameters.map { ($0.name.text, StageVariable.parameter($0.name), $0.place) }, "parameters of '\(stage.name)'")
            checkParameters(of: stage, in: spec)
        }
    }

    /// Two names whose variables are one: the stage could not tell them apart.
    private mutating func collide(_ names: [(name: String, variable: String, place: SourcePlace)], _ what: String) {
        var first: [String: String] = [:]
        for (name, variable, place) in names {
            if let other = first[variable] {
                problems.append(
                    PipelineProblem(.duplicateName, "'\(other)' and '\(name)' of the \(what) are both $\(variable); rename one", at: place))
            } else {
                first[variable] = name
            }
        }
    }

    private mutating func checkParameters(of stage: StageSpec, in spec: PipelineSpec) {
        for parameter in stage.parameters where parameter.value == nil && !spec.parameters.contains(where: { $0.name == parameter.name }) {
            problems.append(
                PipelineProblem(
                    .unknownParameter,
                    "'\(parameter.name)' without a value is the pipeline's parameter, and it has none of that name; known: \(spelled(spec.parameters.map(\.name)))",
                    at: parameter.place))
        }
        let bytes = spec.parameters(of: stage).reduce(0) { $0 + $1.key.text.utf8.count + $1.value.spelled.utf8.count }
        if bytes > ParameterValue.mostBytesOfAStage {
            problems.append(
                PipelineProblem(
                    .parametersTooLarge,
                    "the parameters of '\(stage.name)' have \(bytes) bytes, and its environment takes \(ParameterValue.mostBytesOfAStage); put long text into a file",
                    at: stage.place))
        }
    }
}
