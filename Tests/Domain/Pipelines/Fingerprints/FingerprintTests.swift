// Fingerprints: their bytes are frozen, and they differ exactly when something that a stage could notice differs.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct FingerprintTests {
    private static let small = StageComponents(
        DeclaredComponents(
            work: "run", command: "a", folder: nil, code: nil, determinism: .none,
            environment: EnvironmentComponents(lock: nil, interpreter: nil, libc: "g", architecture: "x", threads: 2), parameters: [:], sources: [:], outputs: [:],
            validators: [:]), inputs: [:])

    /// Each piece of the smallest encoding, written by hand from the layout of the canonical encoding.
    private static let frozen =
        [
            "01 0000000000000014 73746167652d66696e6765727072696e74 00 0001",  // stage-fingerprint, version 1
            "09 000000000000000a 636f6d706f6e656e7473", "08 0000000000000008 0000000000000006",  // components: 6
            item("776f726b", "72756e"),  // work: run
            item("636f6d6d616e64", "61"),  // command: a
            item("656e7669726f6e6d656e742e6c696263", "67"),  // environment.libc: g
            item("656e7669726f6e6d656e742e617263686974656374757265", "78"),  // environment.architecture: x
            item("656e7669726f6e6d656e742e74687265616473", "32"),  // environment.threads: 2
            item("64657465726d696e69736d", "6e6f6e65"),  // determinism: none
        ].joined()

    private static func item(_ name: String, _ text: String) -> String {
        func length(_ hex: String) -> String { String(repeating: "0", count: 14) + [UInt8(hex.utf8.count / 2)].hex }
        return "09 0000000000000005 6669656c64 03 \(length(name)) \(name) 09 0000000000000004 74657874 03 \(length(text)) \(text)"
    }

    @Test func theBytesAreFrozen() {
        #expect(Self.small.canonicalBytes.hex == Self.frozen.filter { $0 != " " })
        #expect(Self.small.fingerprint.digest == Digest.of(Self.small.canonicalBytes))
        #expect(Self.small.fingerprint.description == "sha256:c7aca83d9909f22cea5e788099dcc74922b1673e82192c6920dc68fc2f26b741")
    }

    /// One of every kind of field, with digests that Python's hashlib computed from the layout.
    @Test func everyFieldOfAFingerprintIsFrozen() throws {
        let graph = try Sample.graph()
        let declared = try Sample.declared(graph)
        let ingest = StageComponents(try #require(declared[stage("ingest")]), inputs: [:])
        #expect(
            ingest.fields.map(\.field.name) == [
                "work", "command", "folder", "code", "parameter.until", "source.raw", "output.flights", "contract.flights", "environment.lock",
                "environment.interpreter", "environment.libc", "environment.architecture", "environment.threads", "determinism",
            ])
        #expect(ingest.fingerprint.description == "sha256:948635bd441091b6464f40f2ed50012cd4d38c284b3f0ba20bd91bb8d8b1e332")
        let evaluate = StageComponents(
            try #require(declared[stage("evaluate")]),
            inputs: [
                try slot("model"): InputComponent(content: file("model"), producer: try output("train.model")),
                try slot("data"): InputComponent(content: .tree(.of("rows")), producer: try output("features.holdout")),
            ])
        #expect(
            evaluate.fields.map { "\($0.field.name)=\($0.value.spelled)" } == [
                "work=evaluate", "command=evaluate label=late task=binary slice=origin slice=carrier", "input.data=tree:\(Digest.of("rows"))",
                "input.model=\(Digest.of("model").short)", "output.evaluation=evaluation", "environment.lock=\(Digest.of("lock").short)",
                "environment.interpreter=CPython 3.11.2", "environment.libc=glibc 2.36", "environment.architecture=x86_64", "environment.threads=2",
                "determinism=bitwise", "validator.lightgbm=4.6.0", "validator.probe=1",
            ])
        #expect(evaluate.fingerprint.description == "sha256:9c05a3058638808503c8751753f8fe0847cfca926db8d337cbe96a57d5fd59e2")
    }

    /// Pairs of sets that agree in all but one field, the hardest case for an encoding; and all of them against one another.
    @Test func setsThatDifferNeverShareAFingerprintAndEachDifferenceIsExplained() throws {
        var byFingerprint: [StageFingerprint: Essence] = [:], byEssence: [Essence: StageFingerprint] = [:]
        var changed = 0
        for seed in 0..<10_000 as Range<UInt64> {
            var source = ComponentSource(seed: seed)
            let one = try source.set(), other = try source.set()
            var mixed = one
            switch Int.random(in: 0..<18, using: &source.generator) {
            case 0: mixed.declared.work = other.declared.work
            case 1: mixed.declared.command = other.declared.command
            case 2: mixed.declared.folder = other.declared.folder
            case 3: mixed.declared.code = other.declared.code
            case 4: mixed.declared.determinism = other.declared.determinism
            case 5: mixed.declared.environment.lock = other.declared.environment.lock
            case 6: mixed.declared.environment.interpreter = other.declared.environment.interpreter
            case 7: mixed.declared.environment.libc = other.declared.environment.libc
            case 8: mixed.declared.environment.architecture = other.declared.environment.architecture
            case 9: mixed.declared.environment.threads = other.declared.environment.threads
            case 10: for name in mixed.declared.parameters.keys { mixed.declared.parameters[name] = source.value() }
            case 11: for name in mixed.inputs.keys { mixed.inputs[name]?.content = source.content() }
            case 12: for name in mixed.declared.sources.keys { mixed.declared.sources[name]?.content = source.content() }
            case 13: mixed.declared.outputs = other.declared.outputs
            case 14: mixed.inputs = other.inputs
            case 15: mixed.declared.sources = other.declared.sources
            case 16: mixed.declared.parameters = other.declared.parameters
            default: mixed.declared.validators = other.declared.validators
            }
            let essence = one.essence, isSame = essence == mixed.essence, fingerprint = one.fingerprint
            #expect((fingerprint == mixed.fingerprint) == isSame && mixed.differences(from: one).isEmpty == isSame, "seed \(seed)")
            #expect(byFingerprint[fingerprint] ?? essence == essence, "seed \(seed): two sets share a fingerprint")
            #expect(byEssence[essence] ?? fingerprint == fingerprint, "seed \(seed): one set has two fingerprints")
            (byFingerprint[fingerprint], byEssence[essence]) = (essence, fingerprint)
            if !isSame { changed += 1 }
        }
        #expect(changed > 6000 && byFingerprint.count > 9000)
    }

    @Test func theOrderOfDictionariesDoesNotMatter() throws {
        for seed in 0..<10_000 as Range<UInt64> {
            var source = ComponentSource(seed: seed)
            let components = try source.set()
            let refilled = components.refilled(&source.generator)
            #expect(refilled.fields == components.fields, "seed \(seed)")
            if seed.isMultiple(of: 50) { #expect(refilled.canonicalBytes == components.canonicalBytes, "seed \(seed)") }
        }
    }

    @Test func aValuesTypeAndAFoldersDigestAreValuesOfTheirOwn() throws {
        func fingerprints(_ change: (inout StageComponents) throws -> Void) throws -> StageFingerprint {
            var components = Self.small
            try change(&components)
            return components.fingerprint
        }
        let values: [ParameterValue] = [.number(7), .text("7"), .bool(true), .text("true"), .number(1), .text("number 7"), .text("\u{e9}"), .text("e\u{301}")]
        #expect(try Set(values.map { value in try fingerprints { $0.declared.parameters[try parameter("p")] = value } }).count == values.count)
        let contents = [file("a"), .tree(.of("a")), file("b")]
        #expect(try Set(contents.map { content in try fingerprints { $0.inputs[try slot("i")] = InputComponent(content: content, producer: try output("a.x")) } }).count == 3)
        #expect(try Set(contents.map { content in try fingerprints { $0.declared.sources[try slot("i")] = SourceComponent(content: content, path: try path("d")) } }).count == 3)
    }

    /// Neither a name nor a place is part of a result.
    @Test func whatAStageCannotNoticeIsNotInTheFingerprint() throws {
        let graph = try Sample.graph(), declared = try Sample.declared(graph)
        let train = StageComponents(
            try #require(declared[stage("train")]), inputs: [try slot("train"): InputComponent(content: file("rows"), producer: try output("features.train"))])
        var other = train
        other.inputs[try slot("train")]?.producer = try output("elsewhere.train")
        for name in other.declared.outputs.keys { other.declared.outputs[name]?.path = try path("elsewhere.yaml") }
        #expect(other.fingerprint == train.fingerprint && other.differences(from: train) == [])
        let renamed = try Sample.graph(Sample.text([20: "    retries: 5", 21: "    timeout: 1h", 3: "parameters: { until: 2014-01-01, verbose: true }"]))
        #expect(try Sample.declared(renamed)[stage("train")] == train.declared)
        #expect(try Sample.declared(renamed)[stage("ingest")] != declared[stage("ingest")])
    }
}
