// The digest of everything that can change a stage's result.
package import Primitives

package enum EnvironmentField: String, Hashable, Sendable, Codable, CaseIterable {
    case lock, interpreter, libc, architecture, threads
}

/// The parts of a fingerprint. Their names are frozen.
package enum ComponentField: Hashable, Sendable {
    case work, command, folder, code, determinism
    case parameter(ParameterName)
    case input(SlotName)
    case source(SlotName)
    /// What kind of output it is.
    case output(SlotName)
    case contract(SlotName)
    case environment(EnvironmentField)
    case validator(ValidatorName)

    package var name: String {
        switch self {
        case .work: "work"
        case .command: "command"
        case .folder: "folder"
        case .code: "code"
        case .determinism: "determinism"
        case .parameter(let name): "parameter.\(name)"
        case .input(let name): "input.\(name)"
        case .source(let name): "source.\(name)"
        case .output(let name): "output.\(name)"
        case .contract(let name): "contract.\(name)"
        case .environment(let field): "environment.\(field.rawValue)"
        case .validator(let name): "validator.\(name)"
        }
    }
}

/// Equal when the bytes are: Unicode's equal texts may still differ for a stage.
package enum ComponentValue: Sendable {
    case text(String)
    case digest(Digest)

    init(_ content: ArtifactContent) {
        switch content {
        case .file(let digest): self = .digest(digest)
        case .tree: self = .text(content.description)
        }
    }

    /// For people.
    package var spelled: String {
        switch self {
        case .text(let text): text
        case .digest(let digest): digest.short
        }
    }
}

extension ComponentValue: Hashable {
    package static func == (left: ComponentValue, right: ComponentValue) -> Bool {
        switch (left, right) {
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        case (.digest(let left), .digest(let right)): left == right
        case (.text, _), (.digest, _): false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .text(let text): for byte in text.utf8 { hasher.combine(byte) }
        case .digest(let digest): hasher.combine(digest)
        }
    }
}

package struct StageComponent: Hashable, Sendable {
    package var field: ComponentField
    package var value: ComponentValue
}

extension StageComponents {
    /// What the fingerprint is taken over: each part that is there, in the order in which differences are told. Two sets of components have the
    /// same fingerprint exactly when these are the same.
    package var fields: [StageComponent] {
        var fields = [StageComponent(field: .work, value: .text(declared.work)), StageComponent(field: .command, value: .text(declared.command))]
        if let folder = declared.folder { fields.append(StageComponent(field: .folder, value: .text(folder.text))) }
        if let code = declared.code { fields.append(StageComponent(field: .code, value: ComponentValue(.tree(code.digest)))) }
        fields += Self.sorted(declared.parameters) { .init(field: .parameter($0), value: .text(Self.spelled($1))) }
        fields += Self.sorted(inputs) { .init(field: .input($0), value: ComponentValue($1.content)) }
        fields += Self.sorted(declared.sources) { .init(field: .source($0), value: ComponentValue($1.content)) }
        fields += Self.sorted(declared.outputs) { .init(field: .output($0), value: .text($1.kind)) }
        fields += Self.sorted(declared.outputs.compactMapValues(\.contract)) { .init(field: .contract($0), value: .digest($1)) }
        fields += environmentFields
        fields.append(StageComponent(field: .determinism, value: .text(declared.determinism.rawValue)))
        return fields + Self.sorted(declared.validators) { .init(field: .validator($0), value: .text($1)) }
    }

    private var environmentFields: [StageComponent] {
        let environment = declared.environment
        let values: [(EnvironmentField, ComponentValue?)] = [
            (.lock, environment.lock.map { .digest($0) }), (.interpreter, environment.interpreter.map { .text($0) }), (.libc, .text(environment.libc)),
            (.architecture, .text(environment.architecture)), (.threads, .text(String(environment.threads))),
        ]
        return values.compactMap { field, value in value.map { StageComponent(field: .environment(field), value: $0) } }
    }

    /// With its type, so that the number 7 and the text 7 are two values.
    private static func spelled(_ value: ParameterValue) -> String {
        switch value {
        case .text: "text " + value.spelled
        case .number: "number " + value.spelled
        case .bool: "bool " + value.spelled
        }
    }

    private static func sorted<Subject, Value>(
        _ values: [Identifier<Subject>: Value], _ make: (Identifier<Subject>, Value) -> StageComponent
    ) -> [StageComponent] {
        values.sorted { $0.key < $1.key }.map { make($0.key, $0.value) }
    }

    /// The bytes behind the fingerprint, frozen: a list of the fields, each with its name and its text or digest.
    package var canonicalBytes: [UInt8] {
        var encoder = CanonicalEncoder(kind: "stage-fingerprint", version: 1)
        encoder.list("components", fields) { encoder, component in
            encoder.field("field", component.field.name)
            switch component.value {
            case .text(let text): encoder.field("text", text)
            case .digest(let digest): encoder.field("digest", digest)
            }
        }
        return encoder.bytes
    }

    package var fingerprint: StageFingerprint { StageFingerprint(digest: Digest.of(canonicalBytes)) }
}

/// Two executions with the same fingerprint were asked to do the same thing with the same things.
package struct StageFingerprint: Hashable, Sendable {
    package var digest: Digest

    package init(digest: Digest) { self.digest = digest }
}

extension StageFingerprint: CustomStringConvertible {
    package var description: String { digest.description }
}

extension StageFingerprint: Codable {
    package init(from decoder: any Decoder) throws { digest = try decoder.singleValueContainer().decode(Digest.self) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(digest)
    }
}
