// The JSON of everything that people and services sign, frozen: readers of later programs must still open it.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct FrozenFormatTests {
    private static func text(_ value: some Encodable) -> String { String(decoding: StrictJSON.encode(value), as: UTF8.self) }

    private static func hex(_ text: String) -> String { Digest.of(text).description }

    private static func expect<Value: Codable & Equatable>(_ value: Value, _ json: String) throws {
        #expect(text(value) == json)
        #expect(try StrictJSON.decode(from: Array(json.utf8)) == value)
    }

    private static let proposal = """
        {"decision":"\(hex("decision 1"))","environment":"production","expectedChange":"rate.offer falls by 0.02","format":1,\
        "model":{"model":"flight-delay","number":1},"number":1,"policy":"\(hex("policy"))","proposed":"2025-06-15T15:06:40.000Z","proposer":"ada",\
        "reason":"fewer wrong offers","release":"rebooking-offer-1","request":"\(hex("request"))","service":"rebooking-offer","system":"rebooking"}
        """

    private static let spec = """
        {"approvals":[{"count":1,"role":"reviewer"},{"count":1,"role":"risk-owner"}],"baseline":"\(hex("baseline"))","criteria":[\
        {"criterion":"auc at least 0.7","subjects":["\(hex("0.5 0 0"))","\(hex("holdout"))"],"validator":"evaluation","verdict":"met"},\
        {"criterion":"back within 1s","subjects":["\(hex("0.5 0 0"))","\(hex("baseline"))"],"validator":"reversibility","verdict":"met"}],\
        "exposure":[{"shadow":{"_0":1}},{"canary":{"_0":0.05}},{"canary":{"_0":0.25}},{"live":{}}],"format":1,\
        "model":{"artifact":"\(hex("0.5 0 0"))","author":"ada","bytes":7,"contract":"\(hex("training"))","format":"linear",\
        "version":{"model":"flight-delay","number":1}},"proposal":\(proposal),"salt":"AQEBAQEBAQEBAQEBAQEBAQ=="}
        """

    @Test func aSpecIsFrozen() throws {
        let made = try World().draft(1)
        try Self.expect(made.spec, Self.spec)
        #expect(made.digest == Digest.of(Self.spec) && made.spec.release.text == "rebooking-offer-1" && made.spec.service.text == "rebooking-offer")
        #expect(try ReleaseSpec.read(Array(Self.spec.utf8)) == made.spec)
    }

    @Test func aProposalIsFrozen() throws {
        try Self.expect(try World().draft(1).spec.proposal, Self.proposal)
        #expect(Proposal.payloadType == "application/vnd.penstock.proposal+json")
        let fallback = try World().draft(0).spec
        let text = Self.text(fallback)
        #expect(fallback.model == nil && fallback.baseline == nil && !text.contains("\"model\"") && !text.contains("\"baseline\"") && !text.contains("null"))
    }

    @Test func anApprovalIsFrozen() throws {
        let world = try World(), made = try world.draft(1)
        let envelope = try world.answer(.reject, to: made, as: .riskOwner, by: "cleo")
        #expect(envelope.payloadType == "application/vnd.penstock.approval+json")
        #expect(
            String(decoding: envelope.payload, as: UTF8.self) == """
                {"answer":"reject","environment":"production","format":1,"person":"cleo","reason":"sound","release":"rebooking-offer-1","role":"risk-owner",\
                "signed":"2025-06-15T15:06:40.000Z","spec":"\(made.digest)","system":"rebooking"}
                """)
    }

    @Test func aStopOrderIsFrozen() throws {
        let world = try World(), made = try world.draft(1)
        for (action, word) in [(StopOrder.Action.abort, "abort"), (.rollback, "rollback")] {
            let envelope = try world.stop(action, made, by: "ben")
            #expect(envelope.payloadType == "application/vnd.penstock.stop+json")
            #expect(
                String(decoding: envelope.payload, as: UTF8.self) == """
                    {"action":"\(word)","environment":"production","format":1,"person":"ben","reason":"too many offers","release":"rebooking-offer-1",\
                    "signed":"2025-06-15T15:06:40.000Z","system":"rebooking"}
                    """)
        }
    }

    @Test func anObservationIsFrozen() throws {
        let world = try World(), made = try world.draft(1)
        func payload(_ state: Observation.State) throws -> String { String(decoding: try world.observed(state, made, generation: 3).payload, as: UTF8.self) }
        func json(_ front: String, _ state: String) -> String {
            """
            {"at":"2025-06-15T15:06:40.000Z","environment":"production","format":1,\(front)"service":"rebooking-offer","spec":"\(made.digest)","state":"\(state)",\
            "system":"rebooking"}
            """
        }
        let order = "\"node\":\"node-1\",\"order\":{\"epoch\":1,\"generation\":3},"
        #expect(try payload(.active) == json(order, "active"))
        #expect(try payload(.rehearsed) == json("\"milliseconds\":8.25," + order, "rehearsed"))
        #expect(try payload(.refused) == json(order + "\"reason\":\"damaged\",", "refused"))
        #expect(try world.observed(.active, made, generation: 3).payloadType == "application/vnd.penstock.observation+json")
    }

    @Test func aTableIsFrozen() throws {
        let world = try World(), first = try world.release(1), second = try world.release(2, exposure: [.canary(0.5)])
        let envelope = try world.table(7, champion: first, candidate: (second, 0.5), standby: first, preparing: second)
        let bundles = [first, second, first, second].map { Self.text($0.bundle) }.joined(separator: ",")
        #expect(envelope.payloadType == "application/vnd.penstock.routing+json")
        #expect(
            String(decoding: envelope.payload, as: UTF8.self) == """
                {"bundles":[\(bundles)],"environment":"production","format":1,"issued":"2025-06-15T15:06:40.000Z","order":{"epoch":1,"generation":7},\
                "routes":[{"candidate":{"share":0.5,"spec":"\(second.digest)"},"champion":"\(first.digest)","preparing":"\(second.digest)",\
                "service":"rebooking-offer","standby":"\(first.digest)"}],"system":"rebooking"}
                """)
        let parts = first.bundle
        #expect(
            Self.text(parts) == """
                {"approvals":[\(Self.text(parts.approvals[0])),\(Self.text(parts.approvals[1]))],"proposal":\(Self.text(parts.proposal)),\
                "registration":\(Self.text(try #require(parts.registration))),"spec":"\(parts.spec.bytes.base64)"}
                """)
    }

    @Test func theWordsOfVerdictsAndPhasesAreFrozen() {
        #expect([Verdict.met, .failed, .inconclusive, .errored, .missing].map(\.rawValue) == ["met", "failed", "inconclusive", "errored", "missing"])
        #expect(
            ReleasePhase.allCases.map(\.rawValue) == [
                "validating", "awaiting approval", "preparing", "exposed", "live", "superseded", "refused", "rejected", "aborted", "rolled back",
            ])
    }

    @Test func aReleasesNameIsItsServiceAndNumber() throws {
        #expect(try Proposal.releaseID(try name("offer"), 0).text == "offer-0" && Proposal.releaseID(try name("offer"), 12).text == "offer-12")
        #expect(try Proposal.releaseID(try name(String(repeating: "a", count: 61)), 7).text.utf8.count == 63)
        for (service, number) in [("offer", -1), ("offer", Int.min), (String(repeating: "a", count: 62), 0), (String(repeating: "a", count: 50), Int.max)] {
            let error = #expect(throws: ReleaseError.self) { _ = try Proposal.releaseID(try name(service), number) }
            #expect(error?.rule == .invalid)
        }
    }
}
