// The JSON of a run's history, frozen: readers of later programs must still fold it.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct RunEventTests {
    private static let time = "2025-06-15T15:06:50.000Z"
    private static let front = "\"at\":\"\(time)\","
    private static let rest = "\"format\":1,\"run\":\"r7\""

    private static func execution(_ run: String) -> String {
        """
        {"attempt":1,"fingerprint":"\(Digest.of("a"))","finished":"2025-06-15T15:06:42.000Z","outputs":{"x":"\(Digest.of("rows"))"},"run":"\(run)",\
        "sandbox":["bubblewrap"],"stage":"a","started":"2025-06-15T15:06:41.000Z"}
        """
    }

    /// The whole payload of each kind.
    private static let frozen: [(kind: String, json: String)] = [
        (
            "run.planned",
            """
            {\(front)"format":1,"outline":{"file":"\(Digest.of("file"))","pipeline":"p","stages":[{"name":"a","needs":[],"outputs":["x"],"retries":1},\
            {"name":"b","needs":["a"],"outputs":[],"retries":0}]},"run":"r7"}
            """
        ),
        ("run.started", "{\(front)\(rest)}"),
        (
            "run.stage-started",
            "{\(front)\"attempt\":1,\"fingerprint\":\"\(Digest.of("a"))\",\"format\":1,\"reasons\":[{\"reason\":\"never-run\"}],\"run\":\"r7\",\"stage\":\"a\"}"
        ),
        ("run.attempt-failed", "{\(front)\"attempt\":1,\"failure\":{\"code\":1,\"reason\":\"exited\"},\(rest),\"stage\":\"a\"}"),
        ("run.stage-failed", "{\(front)\"attempt\":1,\"failure\":{\"code\":1,\"reason\":\"exited\"},\(rest),\"stage\":\"a\"}"),
        ("run.stage-published", "{\(front)\"execution\":\(execution("r7")),\(rest),\"stage\":\"a\"}"),
        ("run.stage-reused", "{\(front)\"execution\":\(execution("r1")),\"format\":1,\"reuse\":{},\"run\":\"r7\",\"stage\":\"a\"}"),
        ("run.stage-skipped", "{\(front)\"because\":\"a\",\(rest),\"stage\":\"a\"}"),
        ("run.stage-cancelled", "{\(front)\(rest),\"stage\":\"a\"}"),
        ("run.succeeded", "{\(front)\(rest)}"),
        ("run.failed", "{\(front)\(rest)}"),
        ("run.cancelled", "{\(front)\"format\":1,\"reason\":\"interrupted\",\"run\":\"r7\"}"),
        ("run.abandoned", "{\(front)\(rest)}"),
        ("run.resumed", "{\(front)\(rest)}"),
    ]

    @Test func everyKindIsFrozen() throws {
        #expect(Self.frozen.map(\.kind) == RunLife.kinds)
        for (kind, json) in Self.frozen {
            let event = try RunLife.event(kind)
            #expect(try event.kind == kind && String(decoding: event.payload(of: RunLife.id()), as: UTF8.self) == json)
            let read = try #require(try RunEvent.read(kind: kind, payload: Array(json.utf8)))
            #expect(try read.event == event && read.run == RunLife.id())
        }
    }

    @Test func anEventKnowsItsStageAndTime() throws {
        for kind in RunLife.kinds {
            let event = try RunLife.event(kind), isAboutAStage = kind.contains("stage-") || kind == "run.attempt-failed"
            #expect(event.at == RunLife.at(10) && event.stage?.text == (isAboutAStage ? "a" : nil))
        }
    }

    @Test func entriesOfOtherThingsAreNotOurs() throws {
        for kind in ["release.proposed", "runs.started", "", "run"] { #expect(try RunEvent.read(kind: kind, payload: []) == nil) }
    }

    /// What each kind cannot be without.
    private static let needed = [
        "run.planned": ["outline"], "run.stage-started": ["attempt", "fingerprint", "reasons", "stage"], "run.attempt-failed": ["attempt", "failure", "stage"],
        "run.stage-failed": ["attempt", "failure", "stage"], "run.stage-published": ["execution", "stage"], "run.stage-reused": ["execution", "reuse", "stage"],
        "run.stage-skipped": ["because", "stage"], "run.stage-cancelled": ["stage"], "run.cancelled": ["reason"],
    ]

    @Test func anEntryThatLacksSomethingIsRefused() throws {
        for (kind, json) in Self.frozen {
            for key in Self.needed[kind] ?? [] {
                // The event's own `stage` is its last key; another stands inside an execution.
                let text = key == "stage" ? String(json.dropLast(#","stage":"a"}"#.count)) + "}" : json.replacing("\"\(key)\":", with: "\"no \(key)\":", maxReplacements: 1)
                #expect(text != json)
                let error = #expect(throws: PipelineError.self, "\(kind) without \(key)") { try RunEvent.read(kind: kind, payload: Array(text.utf8)) }
                #expect(error?.code == .unreadable)
            }
        }
    }

    @Test func anEntryFromANewerProgramIsRefused() throws {
        let newer = "{\(Self.front)\"format\":2,\"run\":\"r7\"}", unknown = "{\(Self.front)\(Self.rest)}"
        #expect(refusal { try RunEvent.read(kind: "run.started", payload: Array(newer.utf8)) } == "the run.started entry is of format 2; a newer program wrote it, update this one")
        #expect(
            refusal { try RunEvent.read(kind: "run.paused", payload: Array(unknown.utf8)) }
                == "entries of the kind run.paused are unknown; a newer program wrote it, update this one")
        #expect(refusal { try RunEvent.read(kind: "run.failed", payload: Array("{}".utf8)) } == "the run.failed entry cannot be read: 'format' is missing")
        #expect(throws: PipelineError.self) { try RunEvent.read(kind: "run.failed", payload: []) }
    }

    @Test func aPublicationOfAnotherStageIsRefused() {
        let json = "{\(Self.front)\"execution\":\(Self.execution("r7")),\(Self.rest),\"stage\":\"b\"}"
        #expect(refusal { try RunEvent.read(kind: "run.stage-published", payload: Array(json.utf8)) } == "the run.stage-published entry lacks what its kind says")
    }

    private static func failures() throws -> [(reason: FailureReason, sentence: String, json: String, mayPass: Bool)] {
        [
            (.exited(code: 3), "the program ended with code 3", #"{"code":3,"reason":"exited"}"#, true),
            (.signalled(9), "the program was ended by signal 9", #"{"code":9,"reason":"signalled"}"#, true),
            (.timedOut(after: .seconds(1200)), "it did not end within 20m", #"{"milliseconds":1200000,"reason":"timed-out"}"#, true),
            (
                .contractBroken(try slot("train"), "'late' is empty in line 7"), "the output 'train' breaks its contract: 'late' is empty in line 7",
                #"{"output":"train","reason":"contract-broken","sentence":"'late' is empty in line 7"}"#, false
            ),
            (
                .outputMissing(try slot("a-b")), "the program did not write the output 'a-b' to $PENSTOCK_OUTPUT_A_B", #"{"output":"a-b","reason":"output-missing"}"#, false
            ),
            (.tooLarge(try slot("a")), "the output 'a' is larger than what is kept", #"{"output":"a","reason":"too-large"}"#, false),
            (.tooLarge(nil), "it said more than 16 MiB, or wrote a file of more than 4 GiB; let it write less", #"{"reason":"too-large"}"#, false),
            (.sandboxUnavailable("no user namespaces"), "the sandbox is not there: no user namespaces", #"{"reason":"sandbox-unavailable","sentence":"no user namespaces"}"#, true),
            (.notDone("no registry"), "no registry", #"{"reason":"not-done","sentence":"no registry"}"#, false),
            (.cancelled, "it was stopped on request", #"{"reason":"cancelled"}"#, false),
        ]
    }

    @Test func failuresAreKeptApartAndFrozen() throws {
        for (reason, sentence, json, mayPass) in try Self.failures() {
            #expect(reason.sentence == sentence && reason.mayPass == mayPass)
            #expect(String(decoding: StrictJSON.encode(reason), as: UTF8.self) == json)
            #expect(try StrictJSON.decode(FailureReason.self, from: Array(json.utf8)) == reason)
        }
    }

    @Test(arguments: [
        #"{}"#, #"{"reason":"bored"}"#, #"{"reason":"exited"}"#, #"{"reason":"signalled"}"#, #"{"reason":"timed-out"}"#, #"{"reason":"contract-broken","output":"a"}"#,
        #"{"reason":"contract-broken","sentence":"a"}"#, #"{"reason":"output-missing"}"#, #"{"reason":"sandbox-unavailable"}"#, #"{"reason":"too-large","output":"A"}"#,
    ]) func aFailureThatLacksSomethingIsNotRead(_ json: String) {
        #expect(throws: DecodingError.self) { try StrictJSON.decode(FailureReason.self, from: Array(json.utf8)) }
    }
}
