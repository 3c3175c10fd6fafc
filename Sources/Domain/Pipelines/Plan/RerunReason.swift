// Why a stage runs, or why it need not.

/// One difference from the stage's newest execution, or another reason to run.
package enum RerunReason: Hashable, Sendable {
    case neverRun
    case forced
    case determinismNone
    /// The result is known, and an output of it is gone from the artifact store.
    case artifactMissing(SlotName)
    /// Paths in the project.
    case codeChanged([TreeDigest.Change])
    case codeMoved(old: String?, new: String?)
    case commandChanged(old: String, new: String)
    case workChanged(old: String, new: String)
    /// `nil` where the stage did not, or does not, see the parameter.
    case parameterChanged(ParameterName, old: ParameterValue?, new: ParameterValue?)
    /// `nil` for an input that is gone.
    case inputChanged(SlotName, producer: OutputReference?)
    case sourceChanged(SlotName)
    /// The output's contract or kind, or that it is there.
    case contractChanged(SlotName)
    case environmentChanged(EnvironmentField, old: String?, new: String?)
    case determinismChanged(old: Determinism, new: Determinism)
    case validatorChanged(ValidatorName, old: String?, new: String?)

    /// For people, without a full stop.
    package var sentence: String {
        switch self {
        case .neverRun: "it has never run"
        case .forced: "it was asked to run"
        case .determinismNone: "its determinism is none, so no result is reused"
        case .artifactMissing(let output): "the output '\(output)' is no longer stored"
        case .codeChanged(let changes): "code changed: " + Self.spelled(changes)
        case .codeMoved(let old, let new): "the code folder changed" + Self.spelled(old, new)
        case .commandChanged(let old, let new): "the command changed" + Self.spelled(old, new)
        case .workChanged(let old, let new): "the kind of work changed" + Self.spelled(old, new)
        case .parameterChanged(let name, let old, let new): "parameter '\(name)' changed" + Self.spelled(old, new)
        case .inputChanged(let name, let producer?): "input '\(name)' changed: \(producer) has other content"
        case .inputChanged(let name, nil): "input '\(name)' is gone"
        case .sourceChanged(let name): "source '\(name)' changed"
        case .contractChanged(let output): "the contract of the output '\(output)' changed"
        case .environmentChanged(let field, let old, let new): "environment changed: \(field.rawValue)" + Self.spelled(old, new)
        case .determinismChanged(let old, let new): "determinism changed" + Self.spelled(old.rawValue, new.rawValue)
        case .validatorChanged(let name, let old, let new): "the version of '\(name)' changed" + Self.spelled(old, new)
        }
    }

    private static func spelled(_ old: ParameterValue?, _ new: ParameterValue?) -> String {
        // The number 7 and the text 7 would read the same.
        func text(_ value: ParameterValue, besides other: ParameterValue?) -> String {
            if case .text(let text) = value, let other, other.spelled == text { return "\"\(text)\"" }
            return value.spelled
        }
        return spelled(old.map { text($0, besides: new) }, new.map { text($0, besides: old) })
    }

    private static func spelled(_ old: String?, _ new: String?) -> String {
        switch (old, new) {
        case (let old?, let new?): " from \(onOneLine(old)) to \(onOneLine(new))"
        case (nil, let new?): " from nothing to \(onOneLine(new))"
        case (let old?, nil): " from \(onOneLine(old)) to nothing"
        case (nil, nil): ""
        }
    }

    private static func spelled(_ changes: [TreeDigest.Change]) -> String {
        let shown = changes.prefix(5).map { onOneLine($0.path.text) + ($0.kind == .changed ? "" : " (\($0.kind.rawValue))") }
        return shown.joined(separator: ", ") + (changes.count > 5 ? " and \(changes.count - 5) more" : "")
    }
}

package enum ReuseReason: Hashable, Sendable {
    /// Everything that the result depends on is as it was in that execution.
    case unchanged
    /// These stages ran again, and gave what they gave before.
    case sameOutputs([OutputReference])

    /// For people, without a full stop.
    package var sentence: String {
        switch self {
        case .unchanged: "nothing that it depends on changed"
        case .sameOutputs(let outputs): "what it reads was made again and came out the same: " + outputs.map(\.description).joined(separator: ", ")
        }
    }
}
