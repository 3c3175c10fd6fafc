// What a node sends is stored once, in order, committed to, and never believed when it contradicts itself.
import ControlPlane
import ControlPlaneClient
import Decisions
import Evidence
import Foundation
import Inference
import Ports
import Primitives
import SQLiteDecisions
import Testing

@Suite(.serialized) struct DecisionIntakeTests {
    private static func record(_ number: UInt64, time: Int64 = 0, score: Double? = 0.9) throws -> [UInt8] {
        let stamp = ReleaseStamp(
            service: try #require(ServiceName("rebooking-offer")), release: try #require(ReleaseID("rebooking-offer-1")), version: "flight-delay@1", spec: Digest.of("spec"))
        let outcome = try #require(Outcome(score ?? 0 >= 0.5 ? "offer" : "none"))
        let record = DecisionRecord(
            decision: Decision(id: DecisionID(high: 7, low: number), stamp: stamp, outcome: outcome, score: score, reason: .rule), time: Instant(milliseconds: time),
            latencyMicroseconds: 90 + number, key: try #require(RecordKeyID("0011223344556677")), entity: nil, fields: Array("{}".utf8))
        var bytes: [UInt8] = []
        record.append(to: &bytes)
        return bytes
    }

    private static func outcome(_ number: UInt64, _ value: OutcomeRecord.Value) throws -> [UInt8] {
        let instant = Instant(milliseconds: 5)
        let name = try #require(OutcomeName("late"))
        return try #require(OutcomeRecord(decision: DecisionID(high: 7, low: number), name: name, value: value, at: instant, received: instant)).encoded
    }

    private static func frames(_ sequences: ClosedRange<UInt64>) throws -> [LogFrame] {
        try sequences.map { LogFrame(sequence: $0, place: 1, kind: .decision, payload: try record($0)) }
    }

    @Test func promise11_aBatchSentAgainIsStoredOnce() async throws {
        try await Harness.run { harness in
            try await harness.withClients { (_, node) async throws -> Void in
                #expect(try await node.push(Self.frames(1...3)) == 3)
                #expect(try await node.push(Self.frames(1...3)) == 3)
                #expect(try await node.push(Self.frames(2...5)) == 5)
                let name = try #require(NodeID("node-1"))
                let batches = try await harness.decisions.batches(of: name, after: 0)
                #expect(batches.map { [$0.first, $0.last] } == [[1, 3], [4, 5]])
                #expect(harness.desk.state.withLock { $0.batches } == batches)
                for number in 1...5 as ClosedRange<UInt64> { #expect(try await harness.decisions.decisions(DecisionID(high: 7, low: number)).map(\.sequence) == [number]) }
            }
        }
    }

    @Test func aGapIsNotStored() async throws {
        try await Harness.run { harness in
            try await harness.withClients { (_, node) async throws -> Void in
                #expect(try await node.push(Self.frames(2...3)) == 0)
                #expect(try await node.push(Self.frames(1...1)) == 1)
                #expect(try await node.push(Self.frames(3...4)) == 1)
                #expect(try await harness.decisions.decisions(DecisionID(high: 7, low: 3)).isEmpty)
            }
        }
    }

    @Test func anEntryThatContradictsAStoredOneIsRefusedAndNothingChanges() async throws {
        try await Harness.run { harness in
            try await harness.withClients { (_, node) async throws -> Void in
                _ = try await node.push(Self.frames(1...3))
                var frames = try Self.frames(3...4)
                frames[0].payload = try Self.record(99)
                let error = await #expect(throws: ClientError.self) { try await node.push(frames) }
                #expect(error?.status == 409 && error?.rule == "decisions" && error?.message.contains("entry 3 of node-1") == true)
                let name = try #require(NodeID("node-1"))
                let stored = try await harness.decisions.batches(of: name, after: 0)
                #expect(stored.map(\.last) == [3])
            }
        }
    }

    /// What was stored by a control plane that was killed before the ledger had it is committed to with the next batch.
    @Test func promise11_whatWasStoredAndNotCommittedToIsCommittedToLater() async throws {
        try await Harness.run { harness in
            try await harness.withClients { (_, node) async throws -> Void in
                let name = try #require(NodeID("node-1"))
                #expect(try await harness.decisions.take(Self.frames(1...2), from: name) == 2)
                #expect(harness.desk.state.withLock { $0.batches }.isEmpty)
                #expect(try await node.push(Self.frames(1...2)) == 2)
                #expect(harness.desk.state.withLock { $0.batches.map(\.last) } == [2])
            }
        }
    }

    @Test func onlyANodeSendsAndOnlyWholeFrames() async throws {
        try await Harness.run { harness in
            try await harness.withClients { (person, node) async throws -> Void in
                let refused = await #expect(throws: ClientError.self) { try await person.push(Self.frames(1...1)) }
                #expect(refused?.status == 403)
                let type = ["Content-Type: application/octet-stream"]
                for body in ["", "nonsense", "\0\0\0\0"] {
                    let status = try await harness.status("POST", "/v1/entries", token: harness.nodeToken, headers: type, body: body)
                    #expect(status == 400, "\(body)")
                }
                let name = try #require(NodeID("node-1"))
                let stored = try await harness.decisions.batches(of: name, after: 0)
                #expect(stored.isEmpty)
                _ = node
            }
        }
    }

    @Test func aChangedRowIsNotTold() async throws {
        try await Harness.run { harness in
            try await harness.withClients { (person, node) async throws -> Void in
                _ = try await node.push(Self.frames(1...3))
                let path = harness.folder + "/decisions.sqlite"
                let python = Process()
                python.executableURL = URL(filePath: "/usr/bin/env")
                python.arguments = [
                    "python3", "-c",
                    "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"UPDATE entry SET payload = CAST(replace(CAST(payload AS TEXT),'offer\\\"','nones\\\"') AS BLOB) WHERE sequence=2\"); c.commit()",
                    path,
                ]
                try python.run()
                python.waitUntilExit()
                try #require(python.terminationStatus == 0)
                let error = await #expect(throws: ClientError.self) { try await person.decision(DecisionID(high: 7, low: 2)) }
                #expect(error?.status == 500 && error?.message.contains("entry 2 of node-1 was changed") == true, "\(String(describing: error))")
                let absent = await #expect(throws: ClientError.self) { try await person.decision(DecisionID(high: 1, low: 1)) }
                #expect(absent?.status == 404)
            }
        }
    }

    @Test func outcomesAreJoinedRepeatedOnesCountOnceAndContradictionsNotAtAll() async throws {
        try await Harness.run { harness in
            let name = try #require(NodeID("node-1"))
            var frames = try Self.frames(1...4)
            for (number, value) in [(1, true), (1, true), (2, false), (3, true), (3, false)] as [(UInt64, Bool)] {
                frames.append(LogFrame(sequence: UInt64(frames.count) + 1, place: 1, kind: .outcome, payload: try Self.outcome(number, .truth(value))))
            }
            // A kind and a record that this program does not know are kept all the same.
            frames.append(LogFrame(sequence: UInt64(frames.count) + 1, place: 1, kind: LogFrame.Kind(rawValue: 77), payload: [1]))
            frames.append(LogFrame(sequence: UInt64(frames.count) + 1, place: 1, kind: .decision, payload: Array("{}".utf8)))
            #expect(try await harness.decisions.take(frames, from: name) == 11)
            let service = try #require(ServiceName("rebooking-offer"))
            var selection = DecisionSelection(service: service, from: nil, to: nil, outcome: OutcomeName("late"), matureBefore: Instant(milliseconds: -1))
            let tallies = try await harness.decisions.tally(selection)
            let tally = try #require(tallies.first)
            #expect(tallies.count == 1 && tally.decisions == 4 && tally.joined == 2 && tally.positive == 1 && tally.repeated == 1 && tally.contradicted == 1 && tally.immature == 1)
            #expect(tally.scored == 2 && tally.right == 1 && abs(tally.squaredError - (0.01 + 0.81)) < 1e-12)
            let report = DecisionReport(selection, isAffectedByDecision: false, tallies: tallies, latencies: try await harness.decisions.latencies(selection))
            #expect(report.releases.map { [$0.p50, $0.p99] } == [[92, 94]])
            #expect(report.releases.first?.accuracy == 0.5 && report.releases.first?.missing == 0 && report.releases.first?.waiting == 1)
            selection.to = Instant(milliseconds: 0)
            #expect(try await harness.decisions.tally(selection).isEmpty)
        }
    }
}
