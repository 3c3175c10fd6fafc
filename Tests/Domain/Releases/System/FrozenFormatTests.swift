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
        "exposure":[{"kind":"shadow","needs":{"deadlineSeconds":86400,"decisions":1},"share":1},\
        {"kind":"canary","needs":{"deadlineSeconds":86400,"decisions":1},"share":0.05},\
        {"kind":"canary","needs":{"deadlineSeconds":86400,"decisions":1},"share":0.25},{"kind":"live"}],"format":1,\
        "model":{"artifact":"\(hex("0.5 0 0"))","author":"ada","bytes":7,"contract":"\(hex("training"))","format":"linear",\
        "version":{"model":"flight-delay","number":1}},"proposal":\(proposal),"rollout":\
        {"autonomy":{"alone":["pause","rollback","expand"],"expandUpTo":0.25,"needsPerson":["promote"]},"clock":"wall",\
        "escalation":{"afterSeconds":1800,"to":"risk-owner"},"expectedRates":{},"guardrails":[\
        {"alpha":0.05,"bound":0.1,"harm":"more_than","prove":false,"signal":"decision_flips","then":"rollback"},\
        {"alpha":0.05,"bound":0.05,"harm":"less_by","prove":true,"signal":"outcome.accuracy","then":"rollback"},\
        {"alpha":0.001,"harm":"uneven","prove":false,"signal":"sample_ratio","then":"pause"}],"maturesAfterSeconds":0,\
        "undecided":["pause","ask","abort"]},"salt":"AQEBAQEBAQEBAQEBAQEBAQ=="}
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
        for (action, word) in [(StopOrder.Action.abort, "abort"), (.pause, "pause"), (.rollback, "rollback")] {
            let envelope = try world.stop(action, made, by: "ben")
            #expect(envelope.payloadType == "application/vnd.penstock.stop+json")
            #expect(
                String(decoding: envelope.payload, as: UTF8.self) == """
                    {"action":"\(word)","environment":"production","format":1,"person":"ben","reason":"too many offers","release":"rebooking-offer-1",\
                    "signed":"2025-06-15T15:06:40.000Z","system":"rebooking"}
                    """)
        }
    }

    @Test func anAdvanceOrderIsFrozen() throws {
        let world = try World(), made = try world.draft(1)
        for (action, word) in [(AdvanceOrder.Action.promote, "promote"), (.resume, "resume")] {
            let envelope = try world.advance(action, made, step: 2) { ($0.accepting, $0.extensionSeconds) = (["decision_flips"], 3600) }
            #expect(envelope.payloadType == "application/vnd.penstock.advance+json")
            #expect(
                String(decoding: envelope.payload, as: UTF8.self) == """
                    {"accepting":["decision_flips"],"action":"\(word)","environment":"production","extensionSeconds":3600,"format":1,"person":"ben",\
                    "reason":"all is well","release":"rebooking-offer-1","signed":"2025-06-15T15:06:40.000Z","spec":"\(made.digest)","step":2,"system":"rebooking"}
                    """)
        }
    }

    @Test func aLeaseIsFrozen() throws {
        let world = try World()
        let lease = Lease(system: world.trust.system, environment: world.trust.environment, order: TableOrder(epoch: 1, generation: 7), nonce: [UInt8](repeating: 255, count: 16))
        #expect(Lease.payloadType == "application/vnd.penstock.lease+json" && Lease.span == .seconds(10))
        try Self.expect(
            lease,
            """
            {"environment":"production","format":1,"nonce":"/////////////////////w==","order":{"epoch":1,"generation":7},"system":"rebooking"}
            """)
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
        #expect(try payload(.vetoed) == json(order, "vetoed"))
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
                "routes":[{"candidate":{"share":0.5,"spec":"\(second.digest)","step":0},"champion":"\(first.digest)","preparing":"\(second.digest)",\
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
