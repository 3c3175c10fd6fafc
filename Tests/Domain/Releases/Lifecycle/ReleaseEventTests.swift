// The JSON of every kind of event, frozen, and what is refused on reading it.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct ReleaseEventTests {
    /// An envelope whose bytes are the same on every machine. Writing and reading an event looks at no signature.
    private static let envelope = Envelope(
        payloadType: "application/x", payload: Array("{}".utf8), signatures: [.init(keyid: KeyID(digest: Digest.of("key")), sig: Base64Bytes([1, 2, 255]))])
    private static let signed = """
        {"payload":"e30=","payloadType":"application/x","signatures":[{"keyid":"sha256:\(Digest.of("key").hex)","sig":"AQL/"}]}
        """
    private static let at = Instant(milliseconds: 1_750_000_000_123)
    private static let stamp = "\"at\":\"2025-06-15T15:06:40.123Z\""
    private static let instant = "\"2025-06-15T15:06:40.123Z\""
    private static let order = TableOrder(epoch: 1, generation: 7)
    private static let found = "{\"answer\":\"no worse\",\"count\":812,\"estimate\":0.03125,\"lower\":0.0125,\"missing\":1,\"signal\":\"decision_flips\",\"upper\":0.0625}"
    private static let findings = [try? StrictJSON.decode(Finding.self, from: Array(found.utf8))].compactMap { $0 }

    struct Frozen: Sendable, CustomTestStringConvertible {
        var kind: String
        var event: ReleaseEvent
        var json: String
        var testDescription: String { "\(kind) \(json.count)" }
    }

    /// The bytes that ledgers hold for ever. A change here breaks every ledger that was ever written.
    static let frozen: [Frozen] = [
        Frozen(kind: "release.proposed", event: .proposed(envelope, at: at), json: "{\(stamp),\"envelope\":\(signed),\"format\":1,\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.sealed", event: .sealed(spec: Base64Bytes(Array("spec?>".utf8)), at: at),
            json: "{\(stamp),\"format\":1,\"release\":\"offer-1\",\"spec\":\"c3BlYz8+\"}"),
        Frozen(
            kind: "release.refused",
            event: .refused(
                results: [
                    CriterionResult(validator: "evaluation", criterion: "auc at least 0.7", subjects: [Digest.of("model")], verdict: .failed),
                    CriterionResult(validator: "reversibility", criterion: "back within 1s", subjects: [], verdict: .inconclusive),
                ], at: at),
            json: "{\(stamp),\"format\":1,\"release\":\"offer-1\",\"results\":["
                + "{\"criterion\":\"auc at least 0.7\",\"subjects\":[\"sha256:\(Digest.of("model").hex)\"],\"validator\":\"evaluation\",\"verdict\":\"failed\"},"
                + "{\"criterion\":\"back within 1s\",\"subjects\":[],\"validator\":\"reversibility\",\"verdict\":\"inconclusive\"}]}"),
        Frozen(kind: "release.approved", event: .approved(envelope, at: at), json: "{\(stamp),\"envelope\":\(signed),\"format\":1,\"release\":\"offer-1\"}"),
        Frozen(kind: "release.rejected", event: .rejected(envelope, at: at), json: "{\(stamp),\"envelope\":\(signed),\"format\":1,\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.preparing", event: .preparing(order: order, at: at),
            json: "{\(stamp),\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.exposed", event: .exposed(step: 2, order: order, at: at),
            json: "{\(stamp),\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"release\":\"offer-1\",\"step\":2}"),
        Frozen(
            kind: "release.exposed", event: .exposed(step: 3, order: order, at: at, founded: .init(promotion: envelope, findings: findings)),
            json: "{\(stamp),\"envelope\":\(signed),\"findings\":[\(found)],\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"release\":\"offer-1\",\"step\":3}"),
        Frozen(
            kind: "release.paused", event: .paused(.controller(reason: "harm"), order: order, at: at, findings: findings),
            json: "{\(stamp),\"findings\":[\(found)],\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"reason\":\"harm\",\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.resumed", event: .resumed(envelope, order: order, at: at),
            json: "{\(stamp),\"envelope\":\(signed),\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.escalated", event: .escalated(to: .riskOwner, reason: "undecided", at: at),
            json: "{\(stamp),\"format\":1,\"reason\":\"undecided\",\"release\":\"offer-1\",\"to\":\"risk-owner\"}"),
        Frozen(kind: "release.live", event: .live(at: at), json: "{\(stamp),\"format\":1,\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.superseded", event: .superseded(by: TestNames.successor, at: at),
            json: "{\(stamp),\"by\":\"offer-2\",\"format\":1,\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.reinstated", event: .reinstated(order: order, at: at),
            json: "{\(stamp),\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.rolled-back", event: .rolledBack(.order(envelope), order: order, at: at),
            json: "{\(stamp),\"envelope\":\(signed),\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.rolled-back", event: .rolledBack(.controller(reason: "errors / \"x\""), order: order, at: at),
            json: "{\(stamp),\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"reason\":\"errors / \\\"x\\\"\",\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.rolled-back", event: .rolledBack(.controller(reason: "harm"), order: order, at: at, harm: .init(breach: at, findings: findings)),
            json: "{\(stamp),\"breach\":\(instant),\"findings\":[\(found)],\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"reason\":\"harm\",\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.aborted", event: .aborted(.controller(reason: "undecided"), order: order, at: at),
            json: "{\(stamp),\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"reason\":\"undecided\",\"release\":\"offer-1\"}"),
        Frozen(kind: "release.aborted", event: .aborted(.order(envelope), at: at), json: "{\(stamp),\"envelope\":\(signed),\"format\":1,\"release\":\"offer-1\"}"),
        Frozen(
            kind: "release.aborted", event: .aborted(.controller(reason: "stale"), at: at),
            json: "{\(stamp),\"format\":1,\"reason\":\"stale\",\"release\":\"offer-1\"}"),
    ]

    @Test func everyKindIsFrozen() { #expect(Set(Self.frozen.map(\.kind)) == Set(ReleaseLife.kinds)) }

    @Test(arguments: frozen) func theBytesAreTheFrozenOnesAndReadBack(_ test: Frozen) throws {
        #expect(test.event.kind == test.kind && test.event.at == Self.at)
        let payload = test.event.payload(of: TestNames.release)
        #expect(String(decoding: payload, as: UTF8.self) == test.json)
        let read = try #require(try ReleaseEvent.read(kind: test.kind, payload: Array(test.json.utf8)))
        #expect(read.release == TestNames.release && read.event == test.event)
        #expect(read.event.payload(of: read.release) == payload)
    }

    /// Keys that the kind does not have say nothing; the kind alone decides what is read.
    @Test(arguments: frozen) func anExtraKeyIsIgnored(_ test: Frozen) throws {
        for extra in ["\"note\":\"hello\"", "\"zeta\":{\"a\":[1]}"] {
            let read = try #require(try ReleaseEvent.read(kind: test.kind, payload: Array(("{\(extra)," + test.json.dropFirst()).utf8)))
            #expect(read.event == test.event)
        }
    }

    /// What an event has only where there is something to say: what guardrails said, a person's promotion, the table that took a share.
    private static let optional: [String: Set<String>] = [
        "release.exposed": ["findings", "envelope"], "release.paused": ["findings"], "release.rolled-back": ["findings", "breach"], "release.aborted": ["findings", "order"],
    ]

    /// Each other key of the event's JSON is needed, in every kind that has it.
    @Test(arguments: frozen) func aMissingKeyIsRefused(_ test: Frozen) throws {
        guard case .object(let members) = try JSONTree(parsing: Array(test.json.utf8)) else { return }
        for index in members.indices where Self.optional[test.kind]?.contains(members[index].key) != true {
            var rest = members
            rest.remove(at: index)
            let error = #expect(throws: ReleaseError.self, "without \(members[index].key)") {
                _ = try ReleaseEvent.read(kind: test.kind, payload: JSONTree.object(rest).bytes)
            }
            #expect(error?.rule == .invalid && error?.message.contains(test.kind) == true)
        }
    }

    @Test(arguments: ["release.rolled-back", "release.aborted"]) func aStopHasExactlyOneCause(kind: String) {
        let both = "{\(Self.stamp),\"format\":1,\"envelope\":\(Self.signed),\"order\":{\"epoch\":1,\"generation\":7},\"reason\":\"x\",\"release\":\"offer-1\"}"
        let none = "{\(Self.stamp),\"format\":1,\"order\":{\"epoch\":1,\"generation\":7},\"release\":\"offer-1\"}"
        for json in [both, none] {
            #expect(throws: ReleaseError.self) { _ = try ReleaseEvent.read(kind: kind, payload: Array(json.utf8)) }
        }
    }

    @Test(arguments: ["release.", "release.frozen", "release.Live", "release.live ", "release.rolledBack"]) func anUnknownKindOfReleaseIsRefused(kind: String) {
        let full = "{\(Self.stamp),\"format\":1,\"by\":\"offer-2\",\"order\":{\"epoch\":1,\"generation\":7},\"reason\":\"x\",\"release\":\"offer-1\",\"step\":0}"
        let error = #expect(throws: ReleaseError.self) { _ = try ReleaseEvent.read(kind: kind, payload: Array(full.utf8)) }
        #expect(error?.rule == .invalid && error?.message.contains("newer than this program") == true)
    }

    @Test(arguments: ["trust.root", "releases.live", "release", "", "model.registered"]) func anotherHistorysKindIsNotARelease(kind: String) throws {
        #expect(try ReleaseEvent.read(kind: kind, payload: Array("nonsense".utf8)) == nil)
    }

    @Test(arguments: [
        "", "null", "[]", "{", "{\"format\":1,\"release\":\"offer-1\"}", "{\"format\":1,\"at\":\"yesterday\",\"release\":\"offer-1\"}",
        "{\"format\":1,\"at\":1,\"release\":\"offer-1\"}",
        "{\"format\":1,\"at\":\"2025-06-15T15:06:40.123Z\",\"release\":\"../offer\"}", "{\"format\":1,\"at\":\"2025-06-15T15:06:40.123Z\",\"release\":\"\"}",
        "{\"format\":1,\"at\":\"2025-06-15T15:06:40.123Z\",\"release\":\"offer-1\",\"order\":{\"epoch\":1.5,\"generation\":1}}",
        "{\"format\":1,\"at\":\"2025-06-15T15:06:40.123Z\",\"release\":\"offer-1\",\"order\":{\"epoch\":9223372036854775808,\"generation\":1}}",
        "{\"format\":1,\"at\":\"2025-06-15T15:06:40.123Z\",\"release\":\"offer-1\",\"spec\":\"not base64\"}",
        "{\"format\":1,\"at\":\"2025-06-15T15:06:40.123Z\",\"release\":\"offer-1\",\"results\":[{\"verdict\":\"fine\"}]}",
    ]) func unreadablePayloadsAreRefused(json: String) {
        let error = #expect(throws: ReleaseError.self) { _ = try ReleaseEvent.read(kind: "release.live", payload: Array(json.utf8)) }
        #expect(error?.rule == .invalid && error?.message.hasPrefix("the release.live entry cannot be read: ") == true)
    }

    @Test(arguments: frozen, [0, 2, -1]) func aLaterFormatIsRefused(test: Frozen, format: Int) {
        let error = #expect(throws: ReleaseError.self) {
            _ = try ReleaseEvent.read(kind: test.kind, payload: Array(test.json.replacing("\"format\":1", with: "\"format\":\(format)").utf8))
        }
        #expect(error?.rule == .invalid && error?.message == "the \(test.kind) entry has format \(format), which is newer than this program; update penstock")
    }

    @Test func aSuccessorsNameMustBeAName() {
        #expect(throws: ReleaseError.self) {
            _ = try ReleaseEvent.read(kind: "release.superseded", payload: Array("{\(Self.stamp),\"format\":1,\"by\":\"../x\",\"release\":\"offer-1\"}".utf8))
        }
    }
}

/// Names for tables that stand outside any test, where nothing may throw.
private enum TestNames {
    static let release = named("offer-1")
    static let successor = named("offer-2")

    private static func named(_ text: String) -> ReleaseID {
        guard let id = ReleaseID(text) else { preconditionFailure("'\(text)' is a name") }
        return id
    }
}
