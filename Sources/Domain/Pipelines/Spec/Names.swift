// What the parts of a pipeline are called, in its file and in a stage's environment.
package import Primitives

package enum PipelineSubject {}
package enum StageSubject {}
package enum SlotSubject {}
package enum ParameterSubject {}
package enum RunSubject {}
package enum ValidatorSubject {}

package typealias PipelineName = Identifier<PipelineSubject>
package typealias StageName = Identifier<StageSubject>
/// An input, a source or an output of a stage.
package typealias SlotName = Identifier<SlotSubject>
package typealias ParameterName = Identifier<ParameterSubject>
package typealias RunID = Identifier<RunSubject>
/// A part of Penstock that a built-in stage's result depends on, such as the validator or the serving runtime.
package typealias ValidatorName = Identifier<ValidatorSubject>

/// One output of one stage, spelled `stage.output`. Neither name holds a dot, so that the spelling is unambiguous.
package struct OutputReference: Hashable, Sendable {
    package var stage: StageName
    package var output: SlotName

    package init(stage: StageName, output: SlotName) {
        self.stage = stage
        self.output = output
    }

    package init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let stage = StageName(parts[0]), let output = SlotName(parts[1]) else { return nil }
        self.init(stage: stage, output: output)
    }
}

extension OutputReference: CustomStringConvertible {
    package var description: String { "\(stage).\(output)" }
}

extension OutputReference: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let reference = OutputReference(parsing: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(cut(text, to: 80))' is not stage.output")
        }
        self = reference
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The variables through which a stage finds what it declared, frozen: names upper-cased, `-` as `_`.
package enum StageVariable {
    /// All parameters of the stage as one JSON object.
    package static let parameters = "PENSTOCK_PARAMETERS"

    package static func input(_ name: SlotName) -> String { "PENSTOCK_INPUT_" + upperCased(name.text) }
    package static func source(_ name: SlotName) -> String { "PENSTOCK_SOURCE_" + upperCased(name.text) }
    package static func output(_ name: SlotName) -> String { "PENSTOCK_OUTPUT_" + upperCased(name.text) }
    package static func parameter(_ name: ParameterName) -> String { "PENSTOCK_PARAM_" + upperCased(name.text) }

    private static func upperCased(_ name: String) -> String { String(name.uppercased().map { $0 == "-" ? "_" : $0 }) }
}

/// The inputs and outputs of the stages that Penstock itself carries out.
package enum BuiltInSlot {
    /// The model that an evaluate or a register stage reads.
    package static let model = named("model")
    /// The rows that an evaluate stage reads.
    package static let data = named("data")
    /// What a register stage reads of the evaluate stage that it names.
    package static let evidence = named("evidence")
    /// The only output of an evaluate stage: what was measured.
    package static let evaluation = named("evaluation")
    /// The only output of a register stage: the model version that it made.
    package static let version = named("version")

    private static func named(_ text: String) -> SlotName {
        guard let name = SlotName(text) else { preconditionFailure("the built-in slot names follow the grammar of names") }
        return name
    }
}
