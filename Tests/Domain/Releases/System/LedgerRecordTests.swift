// Entries: their kinds and JSON, frozen, the history each belongs to, and what it is about.
import Evidence
import Primitives
import Registry
import Releases
import TestKit
import Testing

@Suite struct LedgerRecordTests {
    private static let at = Instant(milliseconds: 1_750_000_000_123)

    /// The six kinds that carry one signed envelope have one form.
    @Test func signedRecordsAreFrozen() throws {
        let envelope = Envelope(
            payloadType: "application/x", payload: Array("{}".utf8), signatures: [.init(keyid: KeyID(digest: Digest.of("key")), sig: Base64Bytes([1, 2, 255]))])
        let json = """
            {"at":"2025-06-15T15:06:40.123Z","envelope":{"payload":"e30=","payloadType":"application/x",\
            "signatures":[{"keyid":"\(Digest.of("key"))","sig":"AQL/"}]},"format":1}
            """
        let records: [(String, LedgerRecord)] = [
            ("trust.root", .trustRoot(envelope, at: Self.at)), ("model.registered", .registered(envelope, at: Self.at)),
            ("evidence.recorded", .evidence(envelope, at: Self.at)), ("provenance.recorded", .provenance(envelope, at: Self.at)),
            ("routing.table", .routing(envelope, at: Self.at)), ("node.observed", .observed(envelope, at: Self.at)),
        ]
        for (kind, record) in records {
            #expect(record.kind == kind && record.at == Self.at && String(decoding: record.payload, as: UTF8.self) == json)
            let entry = record.entry(salt: [1, 2, 3])
            #expect(entry == LedgerEntry(kind: kind, salt: [1, 2, 3], payload: Array(json.utf8)))
            #expect(try LedgerRecord.read(entry) == record)
            let more = LedgerEntry(kind: kind, salt: [], payload: Array(("{\"note\":1," + json.dropFirst()).utf8))
            #expect(try LedgerRecord.read(more) == record)
            let later = LedgerEntry(kind: kind, salt: [], payload: Array(json.replacing("\"format\":1", with: "\"format\":2").utf8))
            let error = #expect(throws: ReleaseError.self) { try LedgerRecord.read(later) }
            #expect(error?.message == "the \(kind) entry has format 2, which is newer than this program; update penstock")
        }
    }

    @Test func aReleasesEventIsARecord() throws {
        let release: ReleaseID = try name("offer-1")
        let record = LedgerRecord.release(release, .live(at: Self.at))
        #expect(record.kind == "release.live" && record.at == Self.at && record.stream == "release/offer-1" && record.subjects == [])
        #expect(record.payload == ReleaseEvent.live(at: Self.at).payload(of: release))
        #expect(try LedgerRecord.read(record.entry(salt: [])) == record)
    }

    @Test func eachRecordBelongsToOneHistory() throws {
        let (life, states) = try LedgerLife.once.get()
        func stream(_ label: String) throws -> String { life.steps[try life.index(label)].record.stream }
        #expect(try stream("genesis") == "trust" && stream("second root") == "trust" && stream("version 2") == "model/flight-delay@2")
        #expect(try stream("evaluation 1") == "evidence" && stream("rehearsal 2") == "evidence" && stream("table 6") == "routing")
        #expect(try stream("active 3") == "node/node-1" && stream("1 superseded") == "release/rebooking-offer-1")
        let counts = Dictionary(life.records.map { ($0.stream, 1) }, uniquingKeysWith: +)
        #expect(states.last?.revisions == counts && counts.values.reduce(0, +) == life.steps.count)
        let envelope = Envelope(payloadType: "x", payload: [])
        #expect(LedgerRecord.registered(envelope, at: Self.at).stream == "model/unreadable" && LedgerRecord.observed(envelope, at: Self.at).stream == "node/unreadable")
    }

    @Test func aRecordIsFoundByWhatItIsAbout() throws {
        let life = try LedgerLife.once.get().life
        func subjects(_ label: String) throws -> [Digest] { life.steps[try life.index(label)].record.subjects }
        let model = Digest.of(LedgerLife.models[1])
        #expect(try subjects("genesis") == [] && subjects("table 3") == [] && subjects("1 proposed") == [] && subjects("1 approved") == [])
        #expect(try subjects("version 1") == [model, Digest.of("training")])
        #expect(try subjects("evaluation 1") == [model, Digest.of("holdout")] && subjects("rehearsal 1") == [model, life.fallback.digest])
        #expect(try subjects("1 sealed") == [life.first.digest] && subjects("active 3") == [life.first.digest])
        let envelope = Envelope(payloadType: "x", payload: [])
        for record in [LedgerRecord.registered(envelope, at: Self.at), .evidence(envelope, at: Self.at), .observed(envelope, at: Self.at)] { #expect(record.subjects == []) }
    }

    @Test func aHistorysSummaryIsWhatItHasComeTo() throws {
        let (life, states) = try LedgerLife.once.get(), end = try #require(states.last)
        func summary(_ stream: String, of state: SystemState = end) -> String { String(decoding: state.summary(of: stream), as: UTF8.self) }
        #expect(summary("trust") == "{\"format\":1,\"version\":2}" && summary("routing") == "{\"format\":1,\"order\":{\"epoch\":1,\"generation\":6}}")
        #expect(summary("release/rebooking-offer-2") == "{\"format\":1,\"order\":{\"epoch\":1,\"generation\":6},\"phase\":\"rolled back\",\"spec\":\"\(life.second.digest)\"}")
        #expect(summary("release/rebooking-offer-3") == "{\"format\":1,\"phase\":\"aborted\"}")
        for other in ["release/rebooking-offer-9", "evidence", "model/flight-delay@1", "node/node-1", "", "release/"] { #expect(summary(other) == "{\"format\":1}") }
        #expect(summary("trust", of: SystemState()) == "{\"format\":1}" && summary("routing", of: SystemState()) == "{\"format\":1}")
    }
}
