// The ledger's entries about decisions: frozen, dense, of known nodes, and without a payload.
import Decisions
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct DecisionBatchTests {
    private static let at = Instant(milliseconds: 1_750_000_000_123)

    private static func record(_ first: UInt64, _ last: UInt64, node: String = "node-1") throws -> LedgerRecord {
        .decisions(DecisionBatch(node: try name(node), first: first, last: last, commitment: Digest.of("\(first)")), at: at)
    }

    @Test func promise14AnEntryIsFrozenAndHoldsACommitmentOnly() throws {
        let record = try Self.record(3, 9)
        #expect(record.kind == "decisions.recorded" && record.stream == "decisions/node-1" && record.subjects == [] && record.at == Self.at)
        #expect(
            String(decoding: record.payload, as: UTF8.self)
                == #"{"at":"2025-06-15T15:06:40.123Z","batch":{"commitment":"\#(Digest.of("3"))","first":3,"last":9,"node":"node-1"},"format":1}"#)
        #expect(try LedgerRecord.read(record.entry(salt: [1])) == record)
        let text = String(decoding: record.payload, as: UTF8.self)
        for bad in [text.replacing("\"format\":1", with: "\"format\":2"), text.replacing("3,", with: "-3,"), text.replacing("node-1", with: "Node"), "{}", "[]"] {
            #expect(throws: ReleaseError.self, "\(bad)") { try LedgerRecord.read(LedgerEntry(kind: "decisions.recorded", salt: [], payload: Array(bad.utf8))) }
        }
    }

    @Test func batchesOfANodeAreDense() throws {
        var state = SystemState()
        try state.apply(.trustRoot(World().trustEnvelope, at: Self.at))
        try state.apply(Self.record(1, 3))
        try state.apply(Self.record(4, 4))
        let before = state
        for (first, last) in [(1, 3), (4, 4), (6, 7), (5, 4), (3, 9)] as [(UInt64, UInt64)] {
            let error = #expect(throws: ReleaseError.self) { try state.apply(Self.record(first, last)) }
            #expect(error?.rule == .order && error?.message.contains("the next is 5") == true)
        }
        let error = #expect(throws: ReleaseError.self) { try state.apply(Self.record(1, 1, node: "node-9")) }
        #expect(error?.rule == .authority)
        #expect(state == before)
        try state.apply(Self.record(5, 90))
        let node: NodeID = try name("node-1")
        #expect(state.recordedThrough(node) == 90)
        for sequence in 1...90 as ClosedRange<UInt64> {
            let found = try #require(state.batch(of: node, with: sequence))
            #expect((found.batch.first...found.batch.last).contains(sequence))
        }
        #expect(state.batch(of: node, with: 0) == nil && state.batch(of: node, with: 91) == nil)
        #expect(state.batch(of: node, with: 4)?.index == 2)
        #expect(String(decoding: state.summary(of: "decisions/node-1"), as: UTF8.self) == #"{"format":1,"through":90}"#)
    }
}
