// Other values for one run: `--set until=2013-07-31`, `--set train.trees=400`.
private import Primitives

/// One `--set`: a parameter of the pipeline, or of a stage, and the text of its new value.
package struct ParameterOverride: Hashable, Sendable {
    package var stage: StageName?
    package var parameter: ParameterName
    package var text: String

    package init(stage: StageName?, parameter: ParameterName, text: String) {
        self.stage = stage
        self.parameter = parameter
        self.text = text
    }

    package init(parsing argument: String) throws(PipelineError) {
        let name = argument.unicodeScalars.prefix { $0 != "=" }
        let names = String(name).split(separator: ".", omittingEmptySubsequences: false)
        guard name.count < argument.unicodeScalars.count, names.count <= 2, let parameter = names.last.flatMap({ ParameterName($0) }) else {
            throw PipelineError(.unknownName, "'\(cut(argument, to: 80))' sets nothing; write parameter=value or stage.parameter=value")
        }
        let stage = names.count == 2 ? StageName(names[0]) : nil
        guard names.count == 1 || stage != nil else { throw PipelineError(.unknownName, StageName.refusal(of: names[0])) }
        self.init(stage: stage, parameter: parameter, text: String(argument.unicodeScalars.dropFirst(name.count + 1)))
    }

    package var name: String { stage.map { "\($0).\(parameter)" } ?? parameter.text }
}

extension PipelineSpec {
    /// The pipeline with other values, each of the type that the file gave. Only what the file has can be set.
    package func setting(_ overrides: [ParameterOverride]) throws(PipelineError) -> PipelineSpec {
        var spec = self
        var seen: Set<String> = []
        for override in overrides {
            guard seen.insert(override.name).inserted else { throw PipelineError(.unknownName, "'\(override.name)' is set twice; keep one") }
            if let stage = override.stage {
                try spec.set(override, of: stage)
            } else {
                guard let index = spec.parameters.firstIndex(where: { $0.name == override.parameter }) else {
                    throw Self.unknown(override, in: "the pipeline", known: spec.parameters.map(\.name))
                }
                spec.parameters[index].value = try Self.value(override, like: spec.parameters[index].value)
            }
        }
        return spec
    }

    private mutating func set(_ override: ParameterOverride, of name: StageName) throws(PipelineError) {
        guard let stage = stages.firstIndex(where: { $0.name == name }) else {
            throw PipelineError(.unknownName, "there is no stage '\(name)' to set '\(override.parameter)' of; known stages: \(spelled(stages.map(\.name)))")
        }
        guard let index = stages[stage].parameters.firstIndex(where: { $0.name == override.parameter }) else {
            throw Self.unknown(override, in: "the stage '\(name)'", known: stages[stage].parameters.map(\.name))
        }
        let own = stages[stage].parameters[index].value
        guard let declared = own ?? parameters.first(where: { $0.name == override.parameter })?.value else {
            throw Self.unknown(override, in: "the pipeline", known: parameters.map(\.name))
        }
        stages[stage].parameters[index].value = try Self.value(override, like: declared)
    }

    private static func value(_ override: ParameterOverride, like declared: ParameterValue) throws(PipelineError) -> ParameterValue {
        if let value = declared.replaced(by: override.text) { return value }
        let fault: String
        switch declared {
        case .text: fault = ParameterValue.fault(in: override.text) ?? "the text cannot be taken"
        case .number: fault = "it is a number in penstock.yaml, and '\(cut(override.text, to: 60))' is none"
        case .bool: fault = "it is true or false in penstock.yaml, and '\(cut(override.text, to: 60))' is neither"
        }
        throw PipelineError(.unknownName, "'\(override.name)' cannot be set: \(fault)", stage: override.stage)
    }

    private static func unknown(_ override: ParameterOverride, in place: String, known: [ParameterName]) -> PipelineError {
        PipelineError(.unknownName, "\(place) has no parameter '\(override.parameter)'; known there: \(spelled(known))", stage: override.stage)
    }
}
