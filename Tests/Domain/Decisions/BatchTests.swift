// Batches as they travel and as they are committed to; outcomes as they are sent.
import Decisions
import Inference
import Primitives
import Testing

@Suite struct BatchTests {
    private static func frames(_ sequences: ClosedRange<UInt64>) -> [LogFrame] {
        sequences.map { LogFrame(sequence: $0, place: 1, kind: .decision, payload: Array("entry \($0)".utf8)) }
    }

    @Test func aBatchGoesThereAndBack() throws {
        for range in [1...1, 5...9, 1...200] as [ClosedRange<UInt64>] { #expect(try FrameBatch.decode(FrameBatch.encode(Self.frames(range))) == Self.frames(range)) }
    }

    @Test func everyChangedBitAndEveryCutIsRefused() throws {
        let bytes = FrameBatch.encode(Self.frames(3...5))
        for bit in 0..<bytes.count * 8 { #expect(throws: RecordError.self, "bit \(bit)") { try FrameBatch.decode(flipped(bytes, bit)) } }
        let ends = Set([bytes.count / 3, 2 * bytes.count / 3])
        for count in 0..<bytes.count where !ends.contains(count) { #expect(throws: RecordError.self, "\(count) bytes") { try FrameBatch.decode(Array(bytes.prefix(count))) } }
    }

    @Test(arguments: [[1, 3], [2, 2], [3, 2]] as [[UInt64]]) func aBatchIsDense(_ sequences: [UInt64]) {
        let frames = sequences.map { LogFrame(sequence: $0, place: 1, kind: .decision, payload: []) }
        #expect(throws: RecordError.self) { try FrameBatch.decode(FrameBatch.encode(frames)) }
    }

    /// Frozen: the ledger's commitments must be computed alike for ever. The digests were computed by a program of a few lines in Python.
    @Test func aCommitmentIsFrozen() throws {
        let node = try #require(NodeID("node-1"))
        let leaf = DecisionBatch.leaf(salt: Array(0..<16), sequence: 7, kind: .outcome, payload: Array("{}".utf8))
        let batch = try #require(DecisionBatch(node: node, first: 7, leaves: [leaf, Digest.of("other")]))
        #expect(batch.first == 7 && batch.last == 8)
        #expect(leaf.description == "sha256:cab4760a0e06ae7c7e3ef47081a3b45abd5be60797108703f057984faa603c16")
        #expect(batch.commitment.description == "sha256:cfe0d66763f8482726f2fa0972452c6a4789f4c56eaf14b4cae48cdd45d7a5a5")
        #expect(DecisionBatch(node: node, first: 7, leaves: []) == nil && DecisionBatch(node: node, first: 0, leaves: [leaf]) == nil)
    }

    @Test func everyPartOfAnEntryChangesItsCommitment() throws {
        let node = try #require(NodeID("node-1")), other = try #require(NodeID("node-2"))
        func leaf(_ salt: UInt8 = 1, _ sequence: UInt64 = 1, _ kind: LogFrame.Kind = .decision, _ payload: String = "a") -> Digest {
            DecisionBatch.leaf(salt: [salt], sequence: sequence, kind: kind, payload: Array(payload.utf8))
        }
        #expect(Set([leaf(), leaf(2), leaf(1, 2), leaf(1, 1, .outcome), leaf(1, 1, .decision, "b")]).count == 5)
        let batches = [
            DecisionBatch(node: node, first: 1, leaves: [leaf(), leaf(2)]), DecisionBatch(node: node, first: 1, leaves: [leaf(2), leaf()]),
            DecisionBatch(node: node, first: 2, leaves: [leaf(), leaf(2)]), DecisionBatch(node: other, first: 1, leaves: [leaf(), leaf(2)]),
            DecisionBatch(node: node, first: 1, leaves: [leaf()]),
        ]
        #expect(Set(batches.map { $0?.commitment }).count == 5)
    }

    private static let good = #"{"decision_id":"00112233445566778899aabbccddeeff","service":"offer","value":VALUE,"at":"2013-07-01T12:00:00Z"}"#

    private static func submissions(_ text: String) throws(RecordError) -> [OutcomeSubmission] {
        try Array(text.utf8).withUnsafeBytes { raw -> Result<[OutcomeSubmission], RecordError> in
            do throws(RecordError) { return .success(try OutcomeSubmission.read(raw)) } catch { return .failure(error) }
        }.get()
    }

    @Test(arguments: [("true", OutcomeRecord.Value.truth(true)), ("false", .truth(false)), ("12.5", .number(12.5)), ("-1e3", .number(-1000))])
    func outcomesAreRead(_ text: String, _ value: OutcomeRecord.Value) throws {
        let line = Self.good.replacing("VALUE", with: text)
        for body in [line, line + "\n", "\n \r\n" + line, line.replacing(",", with: " , ")] {
            let found = try Self.submissions(body)
            #expect(found.count == 1 && found[0].value == value && found[0].service.text == "offer" && found[0].at == Instant(parsing: "2013-07-01T12:00:00Z"))
        }
        #expect(try Self.submissions([line, line, line].joined(separator: "\n")).count == 3)
    }

    @Test func whatIsNoOutcomeIsRefusedWithItsLine() throws {
        let line = Self.good.replacing("VALUE", with: "true")
        let bad = [
            Self.good.replacing("VALUE", with: "null"), Self.good.replacing("VALUE", with: "\"yes\""), Self.good.replacing("VALUE", with: "[1]"),
            line.replacing("0011", with: "00"), line.replacing("offer", with: "Offer!"), line.replacing("2013-07", with: "2013-17"), line.replacing("\"at\"", with: "\"when\""),
            line.replacing("\"value\":true,", with: ""), line + line, line.dropLast() + ",\"at\":\"2013-07-01\"}", "[]", "true", "{\"value\":",
        ]
        for text in bad {
            let error = #expect(throws: RecordError.self, "\(text)") { try Self.submissions(line + "\n" + text) }
            #expect(error?.message.hasPrefix("line 2: ") == true, "\(String(describing: error))")
        }
        #expect(throws: RecordError.self) { try Self.submissions("\n\n") }
        #expect(throws: RecordError.self) { try Self.submissions([String](repeating: line, count: OutcomeSubmission.most + 1).joined(separator: "\n")) }
    }
}
