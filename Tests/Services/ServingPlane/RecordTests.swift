// A decision answered is a decision recorded, in the durability that the service asked for.
import Decisions
import Inference
import Ports
import Primitives
import SegmentLog
import ServingPlane
import Synchronization
import TestKit
import Testing

/// A log in memory whose disk a test holds up, fails, and lets go. It checks that nothing is completed twice.
final class HeldLog: DecisionLog {
    private struct State {
        var entries: [DecisionLogEntry] = []
        var waiting: [@Sendable (Result<UInt64, DecisionLogError>) -> Void] = []
        var isHeld = false
        var failure: DecisionLogError?
        var acknowledged: UInt64 = 0
        var readFailure: DecisionLogError?
        var holdsReads = false
    }

    private let state = Mutex(State())

    func hold() { state.withLock { $0.isHeld = true } }
    func fail(_ error: DecisionLogError?) { state.withLock { $0.failure = error } }
    func failReads(_ error: DecisionLogError?) { state.withLock { $0.readFailure = error } }
    func holdReads(_ holds: Bool) { state.withLock { $0.holdsReads = holds } }
    var waiting: Int { state.withLock { $0.waiting.count } }
    var entries: [DecisionLogEntry] { state.withLock { $0.entries } }

    func release(butHold: Bool = false) {
        let (waiting, first) = state.withLock { state in
            state.isHeld = butHold
            defer { state.waiting = [] }
            return (state.waiting, UInt64(state.entries.count - state.waiting.count))
        }
        for (index, completion) in waiting.enumerated() { completion(.success(first + UInt64(index) + 1)) }
    }

    func append(_ payload: [UInt8], kind: LogFrame.Kind, durable: Bool, completion: @escaping @Sendable (Result<UInt64, DecisionLogError>) -> Void) {
        let result = state.withLock { state -> Result<UInt64, DecisionLogError>? in
            if let failure = state.failure { return .failure(failure) }
            state.entries.append(DecisionLogEntry(sequence: UInt64(state.entries.count) + 1, kind: kind, payload: payload))
            guard durable, state.isHeld else { return .success(UInt64(state.entries.count)) }
            state.waiting.append(completion)
            return nil
        }
        if let result { completion(result) }
    }

    func read(after sequence: UInt64, limit bytes: Int) async throws(DecisionLogError) -> [DecisionLogEntry] {
        while state.withLock({ $0.holdsReads }) { try? await Task.sleep(for: .milliseconds(5)) }
        if let failure = state.withLock({ $0.readFailure }) { throw failure }
        return state.withLock { state in state.isHeld ? [] : Array(state.entries.dropFirst(Int(sequence)).prefix(3)) }
    }

    func acknowledge(through sequence: UInt64) async throws(DecisionLogError) { state.withLock { $0.acknowledged = max($0.acknowledged, sequence) } }

    func status() -> DecisionLogStatus {
        state.withLock { state in
            let durable = UInt64(state.entries.count - state.waiting.count)
            return DecisionLogStatus(
                oldest: 1, last: UInt64(state.entries.count), durable: durable, acknowledged: state.acknowledged, bytes: 0, waiting: state.waiting.count, overloaded: 0, lost: 0,
                broken: state.failure?.message)
        }
    }
}

@Suite(.serialized) struct RecordTests {
    private static let outcome = "\noutcome: { name: late, contract: contracts/outcome.yaml, matures_after: 6h, affected_by_decision: false }"

    /// A node that serves release 1 with this line in its decision file.
    private static func serving(_ line: String, _ log: any DecisionLog, _ body: @Sendable (Harness) async throws -> Void) async throws {
        let world = try World(), link = MemoryLink(world.trust)
        let made = try world.release(1, decision: World.decision() + Array("\n\(line)".utf8))
        link.show(try world.table(1, champion: made), made)
        let records = NodeRecords(log: log, key: try #require(RecordKey(bytes: [UInt8](repeating: 9, count: 32))))
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder, records: records) { node in
                try await node.until("it is served") { try await node.get("/v1/status").body.contains("rebooking-offer-1") }
                try await body(node)
            }
        }
    }

    private static func id(_ answer: Answer?) throws -> DecisionID {
        let body = try #require(answer?.body)
        let start = try #require(body.firstRange(of: "\"decision_id\":\"")).upperBound
        return try #require(DecisionID(parsing: body[start...].prefix(32)))
    }

    @Test func promise11_aDurableDecisionIsAnsweredWhenItIsOnTheDisk() async throws {
        let log = HeldLog()
        try await Self.serving("record: durable", log) { node in
            log.hold()
            let answer = try await node.converse { talk in
                try await talk.send(Talk.request(Harness.row))
                try await node.until("it waits for the disk") { log.waiting == 1 }
                // Others are served meanwhile.
                #expect(try await node.get("/health/live").status == 200)
                log.release()
                return try await talk.answer()
            }
            #expect(answer?.status == 200)
            let record = try DecisionRecord(parsing: try #require(log.entries.first).payload)
            #expect(record.decision.id == (try Self.id(answer)) && record.decision.release.text == "rebooking-offer-1")
            #expect(record.entity != nil && record.decision.score == 0.5)
            #expect(!String(decoding: log.entries[0].payload, as: UTF8.self).contains("N1\""))
        }
    }

    @Test(arguments: [
        DecisionLogError(.overloaded, "8192 entries wait for the disk already"), DecisionLogError(.unavailable, "the disk is full"),
        DecisionLogError(.broken, "sync failed; restart"), DecisionLogError(.damaged, "the log is damaged"),
    ])
    func promise11_aDurableDecisionThatCannotBeKeptIsRefused(_ error: DecisionLogError) async throws {
        let log = HeldLog()
        try await Self.serving("record: durable", log) { node in
            log.fail(error)
            let answer = try await node.decide()
            #expect(answer.status == 503 && answer.body.contains(error.message) && answer.head.contains("retry-after: 1"), "\(answer)")
            #expect(try await node.get("/metrics").body.contains("penstock_log_refused_total 1"))
            log.fail(nil)
            #expect(try await node.decide().status == 200)
        }
    }

    @Test func aBufferedDecisionIsAnsweredAtOnceAndCountedWhenItIsLost() async throws {
        let log = HeldLog()
        try await Self.serving("record: buffered", log) { node in
            log.hold()
            #expect(try await node.decide().status == 200)
            #expect(log.entries.count == 1 && log.waiting == 0)
            log.fail(DecisionLogError(.broken, "sync failed; restart"))
            #expect(try await node.decide().status == 200)
            #expect(try await node.get("/metrics").body.contains("penstock_log_lost_total 1"))
            let status = try await node.get("/v1/status").body
            #expect(status.contains(#""lost":1"#) && status.contains("sync failed; restart"), "\(status)")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInTheirOrder() async throws {
        let log = HeldLog()
        try await Self.serving("record: durable", log) { node in
            log.hold()
            let answers = try await node.converse { talk in
                let rows = (1...6).map { #"{"tail_number":"N\#($0)","distance":\#($0 == 3 ? "\"far\"" : String($0 * 100)),"hour":7}"# }
                try await talk.send(rows.map { Talk.request($0) }.joined())
                var answers: [Answer] = []
                for count in 1...6 {
                    if count != 3 {
                        try await node.until("request \(count) waits") { log.waiting == 1 }
                        log.release(butHold: true)
                    }
                    answers.append(try #require(try await talk.answer()))
                }
                return answers
            }
            #expect(answers.map(\.status) == [200, 200, 400, 200, 200, 200])
            let recorded = try log.entries.map { try DecisionRecord(parsing: $0.payload).decision.id }
            #expect(try answers.filter { $0.status == 200 }.map { try Self.id($0) } == recorded)
            log.release()
        }
    }

    @Test func aCallerThatGoesLeavesItsRecord() async throws {
        let log = HeldLog()
        try await Self.serving("record: durable", log) { node in
            log.hold()
            try await node.converse { talk in
                try await talk.send(Talk.request(Harness.row))
                try await node.until("it waits") { log.waiting == 1 }
            }
            log.release()
            #expect(try await node.decide().status == 200)
            #expect(log.entries.count == 2)
        }
    }

    @Test func withoutRecordNothingIsRecorded() async throws {
        let log = HeldLog()
        try await Self.serving("", log) { node in
            let answer = try await node.decide()
            #expect(answer.status == 200 && log.entries.isEmpty)
        }
    }

    /// A release that must be recorded is not served by a node that cannot.
    @Test func withoutARecordKeyARecordedReleaseIsRefused() async throws {
        let world = try World(), link = MemoryLink(world.trust), made = try world.release(1, decision: World.decision() + Array("\nrecord: durable".utf8))
        link.show(try world.table(1, champion: made), made)
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder) { node in
                try await node.until("it is refused") { try await node.get("/v1/status").body.contains("has no record key") }
                #expect(try await node.decide().status == 503)
            }
        }
    }

    @Test func outcomesAreKeptBeforeTheyAreAnsweredAndRefusedAsAWhole() async throws {
        let log = HeldLog()
        try await Self.serving("record: durable" + Self.outcome, log) { node in
            let good = #"{"decision_id":"00112233445566778899aabbccddeeff","service":"rebooking-offer","value":true,"at":"2013-07-01T12:00:00Z"}"#
            @Sendable func send(_ body: String, _ type: String = "application/x-ndjson") async throws -> Answer? {
                try await node.converse { talk in
                    try await talk.send("POST /v1/outcomes HTTP/1.1\r\nhost: localhost\r\ncontent-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
                    return try await talk.answer()
                }
            }
            let bad: [(String, String)] = [
                ("", "empty"), ("{}", "line 1"), (good + "\n{", "line 2"), (good.replacing("rebooking-offer", with: "other"), "'other' expects no outcome"),
                (good.replacing("true", with: "\"yes\""), "line 1"), (good.replacing("2013", with: "2999"), "future"), (good.replacing("00112233", with: "zz112233"), "32 hex"),
                (good.replacing("\"at\"", with: "\"when\""), "no other"),
            ]
            for (body, says) in bad {
                let answer = try await send(body)
                #expect(answer?.status == 400 && answer?.body.contains(says) == true, "\(body): \(String(describing: answer))")
            }
            #expect(log.entries.isEmpty)
            #expect(try await send(good, "text/plain")?.status == 415)
            #expect(try await send(good, "application/json")?.body == #"{"kept":1}"#)
            #expect(try await send(good + "\n\n" + good)?.body == #"{"kept":2}"#)
            #expect(try log.entries.map { try OutcomeRecord(parsing: $0.payload).name.text } == ["late", "late", "late"])
            log.fail(DecisionLogError(.unavailable, "the disk is full"))
            #expect(try await send(good)?.status == 503)
        }
    }

    @Test func promise11_whatIsRecordedArrivesOnceAndInOrderHoweverOftenTheLineBreaks() async throws {
        try await Harness.withFolder { folder in
            let world = try World(), link = MemoryLink(world.trust), made = try world.release(1, decision: World.decision() + Array("\nrecord: durable".utf8))
            link.show(try world.table(1, champion: made), made)
            let key = try #require(RecordKey(bytes: [UInt8](repeating: 9, count: 32)))
            let answered = Mutex<[DecisionID]>([])
            for _ in 0..<3 {
                let log = try SegmentLog(folder: folder + "/decisions", node: world.node)
                try await Harness.run(world, link, folder: folder, records: NodeRecords(log: log, key: key)) { node in
                    try await node.untilServed(made)
                    for number in 0..<20 {
                        link.change { $0.isDead = number % 3 == 0 }
                        let id = try Self.id(try await node.decide())
                        answered.withLock { $0.append(id) }
                    }
                    link.change { $0.isDead = false }
                    try await node.until("all has arrived") { log.status().acknowledged == log.status().last }
                }
                await log.close()
            }
            let arrived = try link.look { $0.entries }.map { try DecisionRecord(parsing: $0.payload).decision.id }
            // Waiting until it is served decides, too.
            #expect(arrived.count == Set(arrived).count)
            #expect(arrived.filter { answered.withLock { $0 }.contains($0) } == answered.withLock { $0 })
        }
    }
}
