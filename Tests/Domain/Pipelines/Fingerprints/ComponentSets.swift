// Random sets of components, and every way to change one of their fields.
import Pipelines
import Primitives
import TestKit

/// Few values a field, so that what is drawn twice is often the same.
struct ComponentSource {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private static let texts = ["", "a", "b", "ab", "é", "e\u{301}", "a.b", "7", "true", "text 7", "\u{1}", "a b"]

    mutating func text() -> String { Self.texts.randomElement(using: &generator) ?? "" }
    mutating func digest() -> Digest { .of(text()) }
    mutating func content() -> ArtifactContent { Bool.random(using: &generator) ? .file(digest()) : .tree(digest()) }
    mutating func flip() -> Bool { Bool.random(using: &generator) }

    mutating func names<Subject>() throws -> [Identifier<Subject>] {
        try ["a", "b", "a-b", "a_b", "lock", "input"].filter { _ in Int.random(in: 0..<3, using: &generator) == 0 }.map { try name($0) }
    }

    mutating func tree() throws -> TreeDigest {
        var entries: [TreeEntry] = []
        for text in ["a.py", "lib/b.py", "c"] where flip() {
            entries.append(TreeEntry(path: try path(text), kind: .file(content: digest(), isExecutable: flip())))
        }
        return try TreeDigest(of: entries)
    }

    mutating func value() -> ParameterValue {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: .text(text())
        case 1: .number([0, 1, 7, 0.5, -1].randomElement(using: &generator) ?? 0)
        default: .bool(flip())
        }
    }

    mutating func set() throws -> StageComponents {
        var components = StageComponents(
            DeclaredComponents(
                work: flip() ? "run" : "evaluate", command: text(), folder: flip() ? try path("stages") : nil, code: flip() ? try tree() : nil,
                determinism: Determinism.allCases.randomElement(using: &generator) ?? .none,
                environment: EnvironmentComponents(
                    lock: flip() ? digest() : nil, interpreter: flip() ? text() : nil, libc: text(), architecture: text(), threads: Int.random(in: 1...3, using: &generator)),
                parameters: [:], sources: [:], outputs: [:], validators: [:]), inputs: [:])
        for name: ParameterName in try names() { components.declared.parameters[name] = value() }
        for name: SlotName in try names() { components.inputs[name] = InputComponent(content: content(), producer: try output(flip() ? "p.x" : "q.x")) }
        for name: SlotName in try names() { components.declared.sources[name] = SourceComponent(content: content(), path: try path(flip() ? "data" : "data2")) }
        for name: SlotName in try names() {
            components.declared.outputs[name] = OutputComponent(kind: flip() ? "table" : "plain", contract: flip() ? digest() : nil, path: try path("c.yaml"))
        }
        for name: ValidatorName in try names() { components.declared.validators[name] = text() }
        return components
    }
}

/// What a fingerprint must tell apart, written without the product's list of fields: equal when, and only when, a stage could not notice.
struct Essence: Hashable {
    enum Part: Hashable {
        case mark(String)
        /// Text by its bytes.
        case bytes([UInt8])
        case digest(Digest)
        case content(ArtifactContent)
        case number(Double)
        case bool(Bool)
        case absent
    }

    private var parts: [Part] = []

    init(_ components: StageComponents) {
        let declared = components.declared, environment = declared.environment
        for text in [declared.work, declared.command, declared.folder?.text, environment.interpreter, environment.libc, environment.architecture] { add(text) }
        parts += [.mark("\(declared.determinism)"), environment.lock.map { .digest($0) } ?? .absent, .number(Double(environment.threads))]
        for file in declared.code?.files ?? [] { add(file.path.text, .digest(file.content), .bool(file.isExecutable)) }
        parts.append(declared.code == nil ? .absent : .mark("code"))
        for (name, value) in Self.sorted(declared.parameters) {
            switch value {
            case .text(let text): add(name, .bytes(Array(text.utf8)))
            case .number(let number): add(name, .number(number))
            case .bool(let bool): add(name, .bool(bool))
            }
        }
        parts.append(.mark("inputs"))
        for (name, input) in Self.sorted(components.inputs) { add(name, .content(input.content)) }
        parts.append(.mark("sources"))
        for (name, source) in Self.sorted(declared.sources) { add(name, .content(source.content)) }
        parts.append(.mark("outputs"))
        for (name, output) in Self.sorted(declared.outputs) { add(name, .mark(output.kind), output.contract.map { .digest($0) } ?? .absent) }
        parts.append(.mark("validators"))
        for (name, version) in Self.sorted(declared.validators) { add(name, .bytes(Array(version.utf8))) }
    }

    private mutating func add(_ text: String?, _ values: Part...) { parts += [text.map { .bytes(Array($0.utf8)) } ?? .absent] + values }

    private static func sorted<Subject, Value>(_ values: [Identifier<Subject>: Value]) -> [(String, Value)] {
        values.map { ($0.key.text, $0.value) }.sorted { $0.0 < $1.0 }
    }
}

extension StageComponents {
    var essence: Essence { Essence(self) }

    /// The same set, its dictionaries filled in another order and with other capacities.
    func refilled(_ generator: inout SeededGenerator) -> StageComponents {
        func refill<Key, Value>(_ values: [Key: Value], _ generator: inout SeededGenerator) -> [Key: Value] {
            var refilled = [Key: Value](minimumCapacity: Int.random(in: 0...64, using: &generator))
            for (key, value) in values.shuffled(using: &generator) { refilled[key] = value }
            return refilled
        }
        var copy = self
        copy.inputs = refill(inputs, &generator)
        copy.declared.parameters = refill(declared.parameters, &generator)
        copy.declared.sources = refill(declared.sources, &generator)
        copy.declared.outputs = refill(declared.outputs, &generator)
        copy.declared.validators = refill(declared.validators, &generator)
        return copy
    }
}
