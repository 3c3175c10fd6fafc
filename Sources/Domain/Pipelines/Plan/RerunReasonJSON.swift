// The reasons as a run's events keep them, frozen.

private struct RerunFields: Codable {
    enum Kind: String, Codable {
        case neverRun = "never-run"
        case forced
        case determinismNone = "determinism-none"
        case artifactMissing = "artifact-missing"
        case codeChanged = "code-changed"
        case codeMoved = "code-moved"
        case commandChanged = "command-changed"
        case workChanged = "work-changed"
        case parameterChanged = "parameter-changed"
        case inputChanged = "input-changed"
        case sourceChanged = "source-changed"
        case contractChanged = "contract-changed"
        case environmentChanged = "environment-changed"
        case determinismChanged = "determinism-changed"
        case validatorChanged = "validator-changed"
    }

    var reason: Kind
    var name: String?
    var old: ParameterValue?
    var new: ParameterValue?
    var files: [TreeDigest.Change]?
    var producer: OutputReference?

    init(_ reason: Kind, name: String? = nil) {
        self.reason = reason
        self.name = name
    }

    init(_ reason: Kind, name: String? = nil, old: String?, new: String?) {
        self.init(reason, name: name)
        self.old = old.map { .text($0) }
        self.new = new.map { .text($0) }
    }
}

extension RerunReason: Codable {
    package func encode(to encoder: any Encoder) throws { try fields.encode(to: encoder) }

    private var fields: RerunFields {
        var fields: RerunFields
        switch self {
        case .neverRun: fields = RerunFields(.neverRun)
        case .forced: fields = RerunFields(.forced)
        case .determinismNone: fields = RerunFields(.determinismNone)
        case .artifactMissing(let output): fields = RerunFields(.artifactMissing, name: output.text)
        case .codeChanged(let changes):
            fields = RerunFields(.codeChanged)
            fields.files = changes
        case .codeMoved(let old, let new): fields = RerunFields(.codeMoved, old: old, new: new)
        case .commandChanged(let old, let new): fields = RerunFields(.commandChanged, old: old, new: new)
        case .workChanged(let old, let new): fields = RerunFields(.workChanged, old: old, new: new)
        case .parameterChanged(let name, let old, let new):
            fields = RerunFields(.parameterChanged, name: name.text)
            (fields.old, fields.new) = (old, new)
        case .inputChanged(let name, let producer):
            fields = RerunFields(.inputChanged, name: name.text)
            fields.producer = producer
        case .sourceChanged(let name): fields = RerunFields(.sourceChanged, name: name.text)
        case .contractChanged(let name): fields = RerunFields(.contractChanged, name: name.text)
        case .environmentChanged(let field, let old, let new): fields = RerunFields(.environmentChanged, name: field.rawValue, old: old, new: new)
        case .determinismChanged(let old, let new): fields = RerunFields(.determinismChanged, old: old.rawValue, new: new.rawValue)
        case .validatorChanged(let name, let old, let new): fields = RerunFields(.validatorChanged, name: name.text, old: old, new: new)
        }
        return fields
    }

    package init(from decoder: any Decoder) throws {
        let fields = try RerunFields(from: decoder)
        guard let reason = Self.reason(fields) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "a '\(fields.reason.rawValue)' lacks what its kind says"))
        }
        self = reason
    }

    private static func reason(_ fields: RerunFields) -> RerunReason? {
        let slot = fields.name.flatMap { SlotName($0) }
        let old = fields.old?.spelled, new = fields.new?.spelled
        return switch fields.reason {
        case .neverRun: .neverRun
        case .forced: .forced
        case .determinismNone: .determinismNone
        case .artifactMissing: slot.map { .artifactMissing($0) }
        case .codeChanged: fields.files.map { .codeChanged($0) }
        case .codeMoved: .codeMoved(old: old, new: new)
        case .commandChanged: old.flatMap { old in new.map { .commandChanged(old: old, new: $0) } }
        case .workChanged: old.flatMap { old in new.map { .workChanged(old: old, new: $0) } }
        case .parameterChanged: fields.name.flatMap { ParameterName($0) }.map { .parameterChanged($0, old: fields.old, new: fields.new) }
        case .inputChanged: slot.map { .inputChanged($0, producer: fields.producer) }
        case .sourceChanged: slot.map { .sourceChanged($0) }
        case .contractChanged: slot.map { .contractChanged($0) }
        case .environmentChanged: fields.name.flatMap { EnvironmentField(rawValue: $0) }.map { .environmentChanged($0, old: old, new: new) }
        case .determinismChanged:
            old.flatMap { Determinism(rawValue: $0) }.flatMap { old in new.flatMap { Determinism(rawValue: $0) }.map { .determinismChanged(old: old, new: $0) } }
        case .validatorChanged: fields.name.flatMap { ValidatorName($0) }.map { .validatorChanged($0, old: old, new: new) }
        }
    }
}

extension ReuseReason: Codable {
    private struct Fields: Codable {
        /// Absent when nothing changed.
        var sameOutputs: [OutputReference]?
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .unchanged: try Fields().encode(to: encoder)
        case .sameOutputs(let outputs): try Fields(sameOutputs: outputs).encode(to: encoder)
        }
    }

    package init(from decoder: any Decoder) throws { self = try Fields(from: decoder).sameOutputs.map { .sameOutputs($0) } ?? .unchanged }
}
