// Each reason's sentence, its frozen JSON, and which difference gives which reason.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct RerunReasonTests {
    private static func change(_ text: String, _ kind: TreeDigest.Change.Kind) throws -> TreeDigest.Change { TreeDigest.Change(path: try path(text), kind: kind) }

    /// Every case: the reason, its sentence, its JSON.
    static func all() throws -> [(reason: RerunReason, sentence: String, json: String)] {
        [
            (.neverRun, "it has never run", #"{"reason":"never-run"}"#), (.forced, "it was asked to run", #"{"reason":"forced"}"#),
            (.determinismNone, "its determinism is none, so no result is reused", #"{"reason":"determinism-none"}"#),
            (.artifactMissing(try slot("model")), "the output 'model' is no longer stored", #"{"name":"model","reason":"artifact-missing"}"#),
            (
                .codeChanged([try change("stages/a.py", .changed), try change("stages/b.py", .added), try change("stages/c.py", .removed)]),
                "code changed: stages/a.py, stages/b.py (added), stages/c.py (removed)",
                #"{"files":[{"kind":"changed","path":"stages/a.py"},{"kind":"added","path":"stages/b.py"},{"kind":"removed","path":"stages/c.py"}],"reason":"code-changed"}"#
            ),
            (.codeMoved(old: "a", new: "b"), "the code folder changed from a to b", #"{"new":"b","old":"a","reason":"code-moved"}"#),
            (.codeMoved(old: nil, new: "b"), "the code folder changed from nothing to b", #"{"new":"b","reason":"code-moved"}"#),
            (.commandChanged(old: "a b", new: "a c"), "the command changed from a b to a c", #"{"new":"a c","old":"a b","reason":"command-changed"}"#),
            (.workChanged(old: "run", new: "evaluate"), "the kind of work changed from run to evaluate", #"{"new":"evaluate","old":"run","reason":"work-changed"}"#),
            (
                .parameterChanged(try parameter("until"), old: .text("2013-06-30"), new: .text("2013-07-31")), "parameter 'until' changed from 2013-06-30 to 2013-07-31",
                #"{"name":"until","new":"2013-07-31","old":"2013-06-30","reason":"parameter-changed"}"#
            ),
            (
                .parameterChanged(try parameter("trees"), old: nil, new: .number(300)), "parameter 'trees' changed from nothing to 300",
                #"{"name":"trees","new":300,"reason":"parameter-changed"}"#
            ),
            (
                .parameterChanged(try parameter("fast"), old: .bool(true), new: nil), "parameter 'fast' changed from true to nothing",
                #"{"name":"fast","old":true,"reason":"parameter-changed"}"#
            ),
            (
                .parameterChanged(try parameter("n"), old: .number(7), new: .text("7")), "parameter 'n' changed from 7 to \"7\"",
                #"{"name":"n","new":"7","old":7,"reason":"parameter-changed"}"#
            ),
            (
                .inputChanged(try slot("train"), producer: try output("features.train")), "input 'train' changed: features.train has other content",
                #"{"name":"train","producer":"features.train","reason":"input-changed"}"#
            ),
            (.inputChanged(try slot("train"), producer: nil), "input 'train' is gone", #"{"name":"train","reason":"input-changed"}"#),
            (.sourceChanged(try slot("raw")), "source 'raw' changed", #"{"name":"raw","reason":"source-changed"}"#),
            (.contractChanged(try slot("train")), "the contract of the output 'train' changed", #"{"name":"train","reason":"contract-changed"}"#),
            (
                .environmentChanged(.threads, old: "2", new: "4"), "environment changed: threads from 2 to 4",
                #"{"name":"threads","new":"4","old":"2","reason":"environment-changed"}"#
            ),
            (
                .determinismChanged(old: .bitwise, new: .tolerance), "determinism changed from bitwise to tolerance",
                #"{"new":"tolerance","old":"bitwise","reason":"determinism-changed"}"#
            ),
            (
                .validatorChanged(try name("probe"), old: "1", new: "2"), "the version of 'probe' changed from 1 to 2",
                #"{"name":"probe","new":"2","old":"1","reason":"validator-changed"}"#
            ),
        ]
    }

    @Test func eachReasonIsASentenceAndItsJSONIsFrozen() throws {
        for (reason, sentence, json) in try Self.all() {
            #expect(reason.sentence == sentence)
            #expect(String(decoding: StrictJSON.encode(reason), as: UTF8.self) == json)
            #expect(try StrictJSON.decode(RerunReason.self, from: Array(json.utf8)) == reason)
        }
    }

    @Test(arguments: [
        #"{}"#, #"{"reason":"bored"}"#, #"{"reason":"artifact-missing"}"#, #"{"reason":"artifact-missing","name":"A"}"#, #"{"reason":"code-changed"}"#,
        #"{"reason":"command-changed","old":"a"}"#, #"{"reason":"work-changed","new":"a"}"#, #"{"reason":"parameter-changed"}"#, #"{"reason":"input-changed"}"#,
        #"{"reason":"source-changed"}"#, #"{"reason":"contract-changed"}"#, #"{"reason":"environment-changed","name":"colour"}"#,
        #"{"reason":"determinism-changed","old":"bitwise","new":"exact"}"#, #"{"reason":"validator-changed"}"#, #"{"reason":"input-changed","name":"a","producer":"b"}"#,
    ]) func aReasonThatLacksSomethingIsNotRead(_ json: String) {
        #expect(throws: DecodingError.self) { try StrictJSON.decode(RerunReason.self, from: Array(json.utf8)) }
    }

    @Test func reasonsForReuseAreFrozen() throws {
        let cases: [(ReuseReason, String, String)] = [
            (.unchanged, "nothing that it depends on changed", "{}"),
            (
                .sameOutputs([try output("a.x"), try output("b.y")]), "what it reads was made again and came out the same: a.x, b.y", #"{"sameOutputs":["a.x","b.y"]}"#
            ),
        ]
        for (reason, sentence, json) in cases {
            #expect(reason.sentence == sentence && String(decoding: StrictJSON.encode(reason), as: UTF8.self) == json)
            #expect(try StrictJSON.decode(ReuseReason.self, from: Array(json.utf8)) == reason)
        }
    }

    @Test func aLongOrCrookedValueStaysOnItsLine() throws {
        let long = String(repeating: "a", count: 61), zalgo = "a" + String(repeating: "\u{301}", count: 1000)
        let lines = RerunReason.parameterChanged(try parameter("p"), old: .text("a\nb\u{1b}[2J\u{85}\u{2028}c"), new: .text(long)).sentence
        #expect(lines == "parameter 'p' changed from a b [2J  c to \(String(repeating: "a", count: 60))…")
        #expect(RerunReason.commandChanged(old: zalgo, new: "b").sentence.unicodeScalars.count < 120)
        let many = try (0..<8).map { try Self.change("f\($0)", .changed) }
        #expect(RerunReason.codeChanged(many).sentence == "code changed: f0, f1, f2, f3, f4 and 3 more")
    }

    /// Every field of a fingerprint, one by one: which reason its difference gives.
    @Test func eachDifferenceGivesItsReason() throws {
        let graph = try Sample.graph(), ingest = try stage("ingest"), input = try slot("i")
        let old = StageComponents(
            try graph.components(of: ingest, facts: Sample.facts(graph.stage(ingest))), inputs: [input: InputComponent(content: file("1"), producer: try output("a.x"))])
        func reasons(_ body: (inout StageComponents) throws -> Void) throws -> [RerunReason] {
            var new = old
            try body(&new)
            return new.differences(from: old)
        }
        #expect(try reasons { _ in } == [])
        #expect(try reasons { $0.declared.work = "evaluate" } == [.workChanged(old: "run", new: "evaluate")])
        #expect(try reasons { $0.declared.command = "a" } == [.commandChanged(old: "python stages/ingest.py", new: "a")])
        #expect(try reasons { $0.declared.folder = try path("b") } == [.codeMoved(old: "stages", new: "b")])
        #expect(
            try reasons { $0.declared.code = try Sample.tree(["ingest.py": "9", "features.py": "2", "new.py": ""]) } == [
                .codeChanged([Self.change("stages/ingest.py", .changed), Self.change("stages/new.py", .added), Self.change("stages/train.py", .removed)])
            ])
        #expect(
            try reasons { $0.declared.code = nil } == [
                .codeChanged([Self.change("stages/features.py", .removed), Self.change("stages/ingest.py", .removed), Self.change("stages/train.py", .removed)])
            ])
        #expect(try reasons { $0.declared.determinism = .none } == [.determinismChanged(old: .bitwise, new: .none)])
        #expect(try reasons { $0.declared.environment.lock = nil } == [.environmentChanged(.lock, old: Digest.of("lock").short, new: nil)])
        #expect(try reasons { $0.declared.environment.interpreter = "x" } == [.environmentChanged(.interpreter, old: "CPython 3.11.2", new: "x")])
        #expect(try reasons { $0.declared.environment.libc = "x" } == [.environmentChanged(.libc, old: "glibc 2.36", new: "x")])
        #expect(try reasons { $0.declared.environment.architecture = "x" } == [.environmentChanged(.architecture, old: "x86_64", new: "x")])
        #expect(try reasons { $0.declared.environment.threads = 4 } == [.environmentChanged(.threads, old: "2", new: "4")])
        #expect(try reasons { $0.declared.parameters = [:] } == [.parameterChanged(parameter("until"), old: .text("2013-06-30"), new: nil)])
        #expect(try reasons { $0.inputs[input]?.content = .tree(.of("1")) } == [.inputChanged(input, producer: output("a.x"))])
        #expect(try reasons { $0.inputs = [:] } == [.inputChanged(input, producer: nil)])
        #expect(try reasons { $0.declared.sources = [:] } == [.sourceChanged(name("raw"))])
        #expect(try reasons { $0.declared.outputs[try name("flights")]?.contract = .of("x") } == [.contractChanged(name("flights"))])
        // Kind and contract of one output are one reason.
        #expect(try reasons { $0.declared.outputs[try name("flights")] = OutputComponent(kind: "plain", contract: nil, path: nil) } == [.contractChanged(name("flights"))])
        #expect(try reasons { $0.declared.validators[try name("v")] = "1" } == [.validatorChanged(name("v"), old: nil, new: "1")])
        #expect(
            try reasons {
                $0.declared.validators[try name("v")] = "1"
                $0.declared.parameters[try parameter("a")] = .bool(true)
                $0.declared.command = "b"
            }.map(\.sentence) == [
                "the command changed from python stages/ingest.py to b", "parameter 'a' changed from nothing to true", "the version of 'v' changed from nothing to 1",
            ])
    }
}
