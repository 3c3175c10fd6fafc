// Records have these very bytes, and are read back as what was written.
import Contracts
import Decisions
import Inference
import Primitives
import Testing

@Suite struct RecordTests {
    static let spec = Digest.of("spec")

    static func decision(_ reason: Decision.Reason = .rule, score: Double? = 0.625, version: String? = "flight-delay@3") throws -> Decision {
        let stamp = ReleaseStamp(
            service: try #require(ServiceName("rebooking-offer")), release: try #require(ReleaseID("rebooking-offer-2")), version: version, spec: spec)
        return Decision(id: DecisionID(high: 1, low: 0xabc), stamp: stamp, outcome: try #require(Outcome("offer")), score: score, reason: reason)
    }

    static func record(_ decision: Decision, entity: KeyedHash? = nil, fields: String = "{}") throws -> DecisionRecord {
        DecisionRecord(
            decision: decision, time: Instant(milliseconds: 1_372_593_600_123), latencyMicroseconds: 85, key: try knownKey().id, entity: entity,
            fields: Array(fields.utf8))
    }

    static func bytes(of record: DecisionRecord) -> [UInt8] {
        var bytes: [UInt8] = []
        record.append(to: &bytes)
        return bytes
    }

    @Test func aRecordHasTheseBytes() throws {
        let record = try Self.record(Self.decision(), entity: knownKey().hash(entity: "N12345"), fields: #"{"carrier":"AA"}"#)
        #expect(
            String(decoding: Self.bytes(of: record), as: UTF8.self)
                == #"{"format":1,"service":"rebooking-offer","release":"rebooking-offer-2","version":"flight-delay@3","spec":"\#(Self.spec)","key":"630dcd2966c43366","#
                + #""decision_id":"00000000000000010000000000000abc","outcome":"offer","score":0.625,"reason":"rule","time":"2013-06-30T12:00:00.123Z","#
                + #""latency_us":85,"fields":{"carrier":"AA"},"entity":"b824e29984e9b75d28c4e88754b5d2ba25702b9114bc5bffc4a12153113cdd13"}"#)
    }

    @Test func everyRecordIsReadBack() throws {
        let reasons: [Decision.Reason] = [
            .rule, .noModel, .errored, .outsideContract("'a' is a \"string\" \\ outside\u{1}\n its list; 😀"), .rateLimit(try #require(Outcome("offer"))),
        ]
        for reason in reasons {
            for (score, version) in [(0.1, "m@1"), (nil, nil), (1e-300, "m@1"), (.leastNonzeroMagnitude, nil)] as [(Double?, String?)] {
                var record = try Self.record(Self.decision(reason, score: score, version: version), fields: #"{"a":1}"#)
                #expect(try DecisionRecord(parsing: Self.bytes(of: record)) == record)
                record.entity = try knownKey().hash(entity: "x")
                record.latencyMicroseconds = 9_007_199_254_740_992
                #expect(try DecisionRecord(parsing: Self.bytes(of: record)) == record)
            }
        }
    }

    @Test func aScoreThatIsNoNumberIsNull() throws {
        for score in [Double.nan, .infinity, -.infinity] {
            #expect(try DecisionRecord(parsing: Self.bytes(of: Self.record(Self.decision(score: score)))).decision.score == nil)
        }
    }

    @Test func theWriterWritesTheSameBytes() throws {
        let contract = try contract(RecordProjectionTests.properties)
        let decision = try Self.decision(.outsideContract("'city' is outside"))
        let writer = RecordWriter(stamp: decision.stamp, contract: contract, key: try knownKey())
        let request = Array(#"{"id":"N12345","city":"A","plan":"gold","name":"Ann"}"#.utf8)
        var written = Array("before".utf8)
        let entity = try request.withUnsafeBytes {
            try writer.append(decision, at: Instant(milliseconds: 1_372_593_600_123), latencyMicroseconds: 85, request: $0, to: &written)
        }
        let read = try DecisionRecord(parsing: Array(written.dropFirst(6)))
        #expect(Array("before".utf8) + Self.bytes(of: read) == written)
        #expect(read.entity == (try knownKey()).hash(entity: "N12345") && entity == read.entity && read.decision == decision)
        let values = try read.values()
        #expect(values.map(\.column) == ["city", "plan"] && values[0].value == .text("A"))
        guard case .hash = values[1].value else {
            Issue.record("\(values[1].value)")
            return
        }
        let error = #expect(throws: MalformedRow.self) {
            try Array("{".utf8).withUnsafeBytes { _ = try writer.append(decision, at: Instant(milliseconds: 0), latencyMicroseconds: 0, request: $0, to: &written) }
        }
        #expect(error != nil && Array("before".utf8) + Self.bytes(of: read) == written)
    }

    @Test func valuesAreReadByTheirTypes() throws {
        let record = try Self.record(Self.decision(), fields: #"{"a":"x\n","b":2.5e1,"c":null,"d":true,"e":false,"f":{"hash":"\#(String(repeating: "ab", count: 32))"}}"#)
        #expect(
            try record.values().map(\.value) == [
                .text("x\n"), .number(25), .null, .truth(true), .truth(false), .hash(#require(KeyedHash(parsing: String(repeating: "ab", count: 32)))),
            ])
        for fields in ["", "[]", #"{"a":[1]}"#, #"{"a":{}}"#, #"{"a":{"hash":"x"}}"#, #"{"a":{"hash":5}}"#, #"{"a":1}x"#] {
            #expect(throws: RecordError.self) { try Self.record(Self.decision(), fields: fields).values() }
        }
    }

    @Test(arguments: [
        ("\"format\":1", "\"format\":2", "format 2.0"), ("\"format\":1,", "", "no format"), ("\"format\":1,", "\"format\":1,\"more\":1,", "unknown"),
        ("\"format\":1,", "\"format\":7,\"more\":[],", "format 7.0"),
        ("\"outcome\":\"offer\"", "\"outcome\":\"O!\"", "'outcome'"), ("\"outcome\":\"offer\",", "", "'outcome'"), ("\"score\":0.625,", "", "'score'"),
        ("\"score\":0.625", "\"score\":\"x\"", "'score'"), ("\"reason\":\"rule\"", "\"reason\":\"other\"", "'reason'"),
        ("\"reason\":\"rule\"", "\"reason\":\"rule\",\"detail\":\"x\"", "'reason'"), ("\"reason\":\"rule\"", "\"reason\":\"rate_limit\"", "'reason'"),
        ("\"reason\":\"rule\"", "\"reason\":\"rate_limit\",\"detail\":\"O!\"", "'detail'"), ("2013-06-30", "2013-06-31", "'time'"), (":85", ":-1", "'latency_us'"),
        (":85", ":8.5", "'latency_us'"), ("\"fields\":{},", "", "'fields'"), ("{},", "[],", "wrong type"), ("sha256:", "sha257:", "'spec'"), ("null}", "\"x\"}", "'entity'"),
        ("00000abc", "00000abx", "'decision_id'"), ("null}", "null,\"entity\":null}", "twice"), ("null}", "null", "not valid JSON"), ("null}", "null}}", "not valid JSON"),
        ("\"version\":\"flight-delay@3\",", "", "'version'"),
    ]) func whatIsNoRecordIsRefused(_ old: String, _ new: String, _ says: String) throws {
        let text = String(decoding: Self.bytes(of: try Self.record(Self.decision())), as: UTF8.self)
        try #require(text.contains(old))
        let error = #expect(throws: RecordError.self) { try DecisionRecord(parsing: Array(text.replacing(old, with: new).utf8)) }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test func everyCutRecordIsRefused() throws {
        let bytes = Self.bytes(of: try Self.record(Self.decision(), entity: knownKey().hash(entity: "x"), fields: #"{"a":{"hash":"\#(String(repeating: "ab", count: 32))"}}"#))
        for size in 0..<bytes.count { #expect(throws: RecordError.self) { try DecisionRecord(parsing: Array(bytes[..<size])) } }
    }

    static func outcome(_ value: OutcomeRecord.Value) throws -> OutcomeRecord? {
        OutcomeRecord(
            decision: DecisionID(high: 1, low: 2), name: try #require(OutcomeName("late")), value: value, at: Instant(milliseconds: 0), received: Instant(milliseconds: 5))
    }

    @Test func anOutcomeHasTheseBytesAndIsReadBack() throws {
        let record = try #require(try Self.outcome(.truth(true)))
        #expect(
            String(decoding: record.encoded, as: UTF8.self) == #"{"at":"1970-01-01T00:00:00.000Z","decision_id":"00000000000000010000000000000002","format":1,"#
                + #""name":"late","received":"1970-01-01T00:00:00.005Z","value":true}"#)
        for value in [OutcomeRecord.Value.truth(true), .truth(false), .number(0), .number(1), .number(-2.5)] {
            let record = try #require(try Self.outcome(value))
            #expect(try OutcomeRecord(parsing: record.encoded) == record)
        }
        for number in [Double.nan, .infinity] { #expect(try Self.outcome(.number(number)) == nil) }
    }

    @Test(arguments: [
        ("\"format\":1", "\"format\":2", "format 2"), ("0002\"", "000x\"", "decision_id"), ("true", "\"true\"", "value"), ("true", "null", "value"), ("late", "L", "name"),
        ("1970-01-01T00:00:00.000Z", "now", "at"), ("}", "", "not valid JSON"), ("\"received\"", "\"got\"", "received"),
    ]) func whatIsNoOutcomeIsRefused(_ old: String, _ new: String, _ says: String) throws {
        let text = String(decoding: try #require(try Self.outcome(.truth(true))).encoded, as: UTF8.self)
        let error = #expect(throws: RecordError.self) { try OutcomeRecord(parsing: Array(text.replacing(old, with: new).utf8)) }
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }
}
