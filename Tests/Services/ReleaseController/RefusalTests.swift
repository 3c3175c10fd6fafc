// Every way in which the desk says no, each with what really causes it. None leaves an entry.
import Evidence
import Ports
import Primitives
import Registry
import ReleaseController
import Releases
import TestKit
import Testing

@Suite struct RefusalTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var category: DeskError.Category
        var rule: String
        var says: String
        var body: @Sendable (Harness) async throws -> Void

        init(_ description: String, _ category: DeskError.Category, _ rule: String, _ says: String, _ body: @escaping @Sendable (Harness) async throws -> Void) {
            (testDescription, self.category, self.rule, self.says, self.body) = (description, category, rule, says, body)
        }
    }

    static let registrations = [
        Refusal("somebody else's signature", .forbidden, "authority", "who has not signed it") {
            _ = try await $0.controller.register($0.installation.registration(1, key: key(66), at: $0.now()))
        },
        Refusal("no registration", .invalid, "invalid", "") { _ = try await $0.controller.register($0.installation.proposal(1, model: nil)) },
        Refusal("another format", .invalid, "invalid", "'onnx' are not built yet") { _ = try await $0.controller.register($0.installation.registration(1) { $0.format = "onnx" }) },
        Refusal("a model that was not uploaded", .invalid, "artifact", "upload it first") { _ = try await $0.controller.register($0.installation.registration(77)) },
        Refusal("a contract that was not uploaded", .invalid, "artifact", "not in the store") {
            _ = try await $0.controller.register($0.installation.registration(1) { $0.contract = Digest.of("nothing") })
        },
        Refusal("a contract that is none", .invalid, "document", "") { desk in
            _ = try await desk.controller.register(desk.installation.registration(1) { $0.contract = Digest.of(desk.installation.holdout) })
        },
        Refusal("a signature of other columns", .invalid, "contract", "not the one that the training contract gives") {
            _ = try await $0.controller.register($0.installation.registration(1) { $0.signature = Digest.of("other") })
        },
        Refusal("a version that leaves a gap", .conflict, "order", "the next version of flight-delay is 1") {
            _ = try await $0.controller.register($0.installation.registration(2))
        },
    ]

    static let proposals = [
        Refusal("a stranger's key", .forbidden, "authority", "whose signature it does not carry") {
            try await $0.propose(change: { _ in }, key: key(66))
        },
        Refusal("a person who is no proposer", .forbidden, "authority", "ben is not a proposer here") {
            _ = try await $0.controller.propose($0.installation.proposal(1, model: 1, by: "ben"))
        },
        Refusal("another environment", .invalid, "invalid", "and this is rebooking/production") { try await $0.propose { $0.environment = try name("staging") } },
        Refusal("a name that is not its number's", .invalid, "invalid", "release 0 is the fallback") { try await $0.propose { $0.release = try name("rebooking-offer-7") } },
        Refusal("a version that nobody registered", .notFound, "missing", "there is no model version flight-delay@8") {
            _ = try await $0.controller.propose($0.installation.proposal(1, model: 8))
        },
        Refusal("a service without a fallback", .conflict, "phase", "seat-upgrade has no live fallback yet") {
            _ = try await $0.controller.propose($0.installation.proposal(1, of: $0.installation.services[1], model: 1))
        },
        Refusal("the policy of another service", .invalid, "invalid", "give the policy of that service") { desk in
            try await desk.propose { $0.policy = Digest.of(Installation.policy(desk.installation.services[1])) }
        },
        Refusal("no reason", .invalid, "invalid", "add --reason") { try await $0.propose { $0.reason = "" } },
        Refusal("no expected change where the policy asks", .invalid, "invalid", "add --expected-change") { desk in
            let text = String(decoding: Installation.policy(desk.installation.services[0]), as: UTF8.self).replacing("[reason]", with: "[expected_change]")
            let policy = try await desk.artifacts.put(Array(text.utf8))
            try await desk.propose { $0.policy = policy }
        },
        Refusal("more approvers than there are", .invalid, "policy", "asks for 4 approvals by reviewer") { desk in
            let text = String(decoding: Installation.policy(desk.installation.services[0]), as: UTF8.self)
            let policy = try await desk.artifacts.put(Array(text.replacing("reviewer, count: 1", with: "reviewer, count: 4").utf8))
            try await desk.propose { $0.policy = policy }
        },
        Refusal("the decision file of another service", .invalid, "invalid", "decision.yaml defines 'seat-upgrade'") { desk in
            try await desk.propose { $0.decision = Digest.of(Installation.decision(desk.installation.services[1], offering: 65)) }
        },
        Refusal("an entity that is no column", .invalid, "invalid", "is no column of contracts/request.yaml") { desk in
            let decision = try await desk.artifacts.put(Installation.decision(desk.installation.services[0], offering: 65, entity: "passenger"))
            try await desk.propose { $0.decision = decision }
        },
        Refusal("a decision file about another model", .invalid, "invalid", "decides with 'weather'") { desk in
            let text = String(decoding: Installation.decision(desk.installation.services[0], offering: 65), as: UTF8.self).replacing("flight-delay", with: "weather")
            let decision = try await desk.artifacts.put(Array(text.utf8))
            try await desk.propose { $0.decision = decision }
        },
        Refusal("a request contract that promises less", .invalid, "contract", "weakens what the model was trained on") { desk in
            let request = try await desk.artifacts.put(Installation.contract("request", maximum: 9000))
            try await desk.propose { $0.request = request }
        },
        Refusal("a file that was not uploaded", .invalid, "artifact", "not in the store") { try await $0.propose { $0.request = Digest.of("nothing") } },
        Refusal("a file that is something else", .invalid, "document", "") { desk in try await desk.propose { $0.policy = Digest.of(desk.installation.holdout) } },
        Refusal("a model that was not measured", .invalid, "evidence", "there is no fresh evaluation of flight-delay@2") { desk in
            // The registration itself is an entry; it stands before the refusal is looked for.
            _ = try await desk.controller.propose(desk.installation.proposal(1, model: 2, at: desk.now()))
        },
        Refusal("a number that leaves a gap", .conflict, "order", "the next release of rebooking-offer is number 1") {
            _ = try await $0.controller.propose($0.installation.proposal(3, model: 1, at: $0.now()))
        },
        Refusal("the same again", .conflict, "phase", "so it cannot be proposed again") { _ = try await $0.controller.propose($0.installation.proposal(0, model: nil)) },
    ]

    static let answers = [
        Refusal("no answer", .invalid, "invalid", "") { desk in try await desk.answered { try desk.installation.order(.abort, $0.id) } },
        Refusal("about another release", .invalid, "invalid", "is about rebooking-offer-0, not rebooking-offer-1") { desk in
            try await desk.answered { try desk.installation.answer(.approve, name("rebooking-offer-0"), spec: required($0.spec, "a spec"), as: .reviewer, by: "ben") }
        },
        Refusal("about a release that is not there", .notFound, "missing", "there is no release rebooking-offer-9") { desk in
            let id: ReleaseID = try name("rebooking-offer-9")
            _ = try await desk.controller.answer(desk.installation.answer(.approve, id, spec: Digest.of("spec"), as: .reviewer, by: "ben", at: desk.now()), release: id)
        },
        Refusal("signed too long ago", .forbidden, "authority", "a signature counts for 3d") { desk in
            try await desk.answered {
                let envelope = try desk.answer($0)
                desk.clock.advance(by: Approval.lifetime)
                desk.clock.advance(by: .seconds(1))
                return envelope
            }
        },
        Refusal("signed in the future", .forbidden, "authority", "it was signed at") { desk in
            try await desk.answered {
                try desk.installation.answer(.approve, $0.id, spec: required($0.spec, "a spec"), as: .reviewer, by: "ben", at: desk.now().adding(.seconds(61)))
            }
        },
        Refusal("over another spec", .invalid, "invalid", "what an approval covers must not change") { desk in
            try await desk.answered { try desk.installation.answer(.approve, $0.id, spec: Digest.of("other"), as: .reviewer, by: "ben", at: desk.now()) }
        },
        Refusal("with another person's key", .forbidden, "authority", "whose valid signature it does not carry") { desk in
            try await desk.answered { try desk.answer($0, as: .riskOwner, by: "cleo", key: key(2)) }
        },
        Refusal("in a role that the person has not", .forbidden, "authority", "ben does not hold the role 'risk-owner'") { desk in
            try await desk.answered { try desk.answer($0, as: .riskOwner, by: "ben") }
        },
        Refusal("by the author of the model", .forbidden, "four-eyes", "dan registered the model") { desk in try await desk.answered { try desk.answer($0, by: "dan") } },
        Refusal("by the author, who says no", .forbidden, "four-eyes", "dan registered the model") { desk in
            try await desk.answered { try desk.answer($0, saying: .reject, by: "dan") }
        },
    ]

    static let orders = [
        Refusal("no order", .invalid, "invalid", "") { desk in try await desk.stopped { try desk.answer($0) } },
        Refusal("about a release that is not there", .notFound, "missing", "there is no release") { desk in
            let id: ReleaseID = try name("rebooking-offer-9")
            _ = try await desk.controller.stop(desk.installation.order(.abort, id, at: desk.now()), release: id)
        },
        Refusal("about another release", .invalid, "invalid", "not about rebooking-offer-1 here") { desk in
            try await desk.stopped { _ in try desk.installation.order(.abort, name("rebooking-offer-0"), at: desk.now()) }
        },
        Refusal("by a stranger", .forbidden, "authority", "whose valid signature it does not carry") { desk in
            try await desk.stopped { try desk.installation.order(.abort, $0.id, key: key(66), at: desk.now()) }
        },
        Refusal("kept for later", .forbidden, "authority", "a signature counts for 3d") { desk in
            try await desk.stopped {
                let envelope = try desk.installation.order(.abort, $0.id, at: desk.now())
                desk.clock.advance(by: .seconds(73 * 3600))
                return envelope
            }
        },
        Refusal("to take back what does not answer", .conflict, "phase", "has no warm predecessor to go back to; it answers nothing, so abort it") { desk in
            try await desk.stopped { try desk.installation.order(.rollback, $0.id, at: desk.now()) }
        },
        Refusal("to abort what answers", .conflict, "phase", "is live, so it cannot be aborted; it answers, so roll it back") { desk in
            let id: ReleaseID = try name("rebooking-offer-0")
            _ = try await desk.controller.stop(desk.installation.order(.abort, id, at: desk.now()), release: id)
        },
        Refusal("to take back the fallback", .conflict, "phase", "has no warm predecessor to go back to; propose what is to answer in its place") { desk in
            let id: ReleaseID = try name("rebooking-offer-0")
            _ = try await desk.controller.stop(desk.installation.order(.rollback, id, at: desk.now()), release: id)
        },
    ]

    static let others = [
        Refusal("an evaluation of nothing", .notFound, "missing", "see 'penstock registry list'") {
            _ = try await $0.controller.evaluate($0.installation.version(8), dataset: Digest.of($0.installation.holdout))
        },
        Refusal("an evaluation on nothing", .invalid, "artifact", "the data set") {
            _ = try await $0.controller.evaluate($0.installation.version(1), dataset: Digest.of("nothing"))
        },
        Refusal("an evaluation that breaks the child", .invalid, "evaluation", "signal 11") { desk in
            desk.probe.change { $0.metrics = [:] }
            try await desk.evaluate(1)
        },
        Refusal("an evaluation that is no number", .invalid, "evaluation", "not a number") { desk in
            desk.probe.change { [artifact = Digest.of(desk.installation.artifact(1))] in $0.metrics[artifact] = ["auc": .nan] }
            try await desk.evaluate(1)
        },
        Refusal("a version to look at", .notFound, "missing", "flight-delay@8") { _ = try await $0.controller.modelVersion($0.installation.version(8)) },
        Refusal("a release to look at", .notFound, "missing", "see 'penstock release list'") { _ = try await $0.controller.release(name("rebooking-offer-9")) },
        Refusal("an observation by another key", .forbidden, "authority", "is not signed by the key that the trust root lists for node node-1") { desk in
            try await desk.controller.observe(desk.installation.observation(.active, of: Digest.of("spec"), on: name("node-1"), order: desk.table().order, key: key(31)))
        },
        Refusal("an observation of an unknown node", .forbidden, "authority", "for node node-9") { desk in
            try await desk.controller.observe(desk.installation.observation(.active, of: Digest.of("spec"), on: name("node-9"), order: desk.table().order, key: key(31)))
        },
        Refusal("no observation", .invalid, "invalid", "") { try await $0.controller.observe($0.installation.order(.abort, name("rebooking-offer-0"))) },
    ]

    @Test(arguments: registrations) func aRegistrationIsRefused(_ refusal: Refusal) async throws {
        let desk = try await Harness()
        try await desk.refused(refusal.category, refusal.rule, refusal.says) { try await refusal.body(desk) }
    }

    /// Fallback live, version 1 measured, version 2 only registered, and release 1 awaits approval where `awaiting`.
    private func harness(awaiting: Bool) async throws -> Harness {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.register(1)
        _ = try await desk.controller.register(desk.installation.registration(2, at: desk.now()))
        if awaiting { try await desk.propose(1, model: 1) }
        return desk
    }

    @Test(arguments: proposals) func aProposalIsRefused(_ refusal: Refusal) async throws {
        let desk = try await harness(awaiting: false)
        try await desk.refused(refusal.category, refusal.rule, refusal.says) { try await refusal.body(desk) }
    }

    @Test(arguments: answers + orders + others) func anythingElseIsRefused(_ refusal: Refusal) async throws {
        let desk = try await harness(awaiting: true)
        try await desk.refused(refusal.category, refusal.rule, refusal.says) { try await refusal.body(desk) }
    }

    @Test func aProposerCannotAnswer() async throws {
        let desk = try await harness(awaiting: false)
        let release = try await desk.controller.propose(desk.installation.proposal(1, model: 1, by: "dan", at: desk.now()))
        try await desk.refused(.forbidden, "four-eyes", "dan proposed") { _ = try await desk.controller.answer(desk.answer(release, by: "dan"), release: release.id) }
    }

    @Test func nobodyAnswersTwiceAndNobodyAfterTheEnd() async throws {
        let desk = try await harness(awaiting: true), release = try await desk.controller.release(name("rebooking-offer-1"))
        _ = try await desk.controller.answer(desk.answer(release, by: "eve"), release: release.id)
        try await desk.refused(.forbidden, "four-eyes", "eve has already signed") {
            _ = try await desk.controller.answer(desk.answer(release, as: .riskOwner, by: "eve"), release: release.id)
        }
        let rejected = try await desk.controller.answer(desk.answer(release, saying: .reject, as: .riskOwner, by: "cleo"), release: release.id)
        #expect(rejected.phase == .rejected && rejected.ending == "rejected by cleo: I looked")
        try await desk.refused(.conflict, "phase", "it has ended for good") { _ = try await desk.controller.answer(desk.answer(release, by: "ben"), release: release.id) }
        try await desk.refused(.conflict, "phase", "it has ended for good") { try await desk.stop(.abort, release) }
    }

    @Test func nothingIsDoneBeforeTheLedgerIsOpen() async throws {
        let desk = try await Harness(isOpen: false), installation = desk.installation, id: ReleaseID = try name("rebooking-offer-0")
        let calls: [() async throws -> Void] = [
            { _ = try await desk.controller.register(installation.registration(1)) }, { _ = try await desk.controller.propose(installation.proposal(0, model: nil)) },
            { _ = try await desk.controller.stop(installation.order(.abort, id), release: id) },
            { try await desk.controller.observe(installation.observation(.active, of: Digest.of("spec"), on: name("node-1"), order: TableOrder(epoch: 1, generation: 1))) },
            { _ = try await desk.controller.checkpoint() },
        ]
        for call in calls { try await desk.refused(.unavailable, "trust", "has not opened its ledger yet") { try await call() } }
        #expect(try await desk.controller.pass() == false)
        #expect(try await desk.size == 0)
    }

    @Test func nothingIsProposedOnExpiredTrust() async throws {
        let desk = try await Harness(expires: World.now.adding(.seconds(600)))
        desk.clock.advance(by: .seconds(599))
        try await desk.refused(.forbidden, "trust", "the trust root expired") { try await desk.propose(0, model: nil) }
    }

    @Test func aLedgerThatIsAwayIsUnavailable() async throws {
        let desk = try await harness(awaiting: true)
        desk.line.change { $0.isDown = true }
        try await desk.refused(.unavailable, "store") { _ = try await desk.controller.checkpoint() }
        try await desk.refused(.unavailable, "store") { _ = try await desk.controller.register(desk.installation.registration(3)) }
        try await desk.refused(.unavailable, "store") { _ = try await desk.controller.pass() }
        desk.line.change { $0.isDown = false }
        let note = try await desk.controller.checkpoint(), trust = desk.installation.trust
        let read = try Checkpoint.open(note, origin: trust.ledgerOrigin, key: trust.services.ledger)
        #expect(try await read.size == desk.size)
        #expect(try await desk.ledger.checkpoint() == note)
    }
}

extension Harness {
    /// Release 1 of version 1, changed before it is signed.
    fileprivate func propose(change: (inout Proposal) throws -> Void, key: SigningKey? = nil) async throws {
        var failure: (any Error)?
        let envelope = try installation.proposal(1, model: 1, key: key, at: now()) { proposal in
            do { try change(&proposal) } catch { failure = error }
        }
        if let failure { throw failure }
        _ = try await controller.propose(envelope)
    }

    fileprivate func answered(_ envelope: (ReleaseView) throws -> Envelope) async throws {
        let release = try await controller.release(name("rebooking-offer-1"))
        _ = try await controller.answer(envelope(release), release: release.id)
    }

    fileprivate func stopped(_ envelope: (ReleaseView) throws -> Envelope) async throws {
        let release = try await controller.release(name("rebooking-offer-1"))
        _ = try await controller.stop(envelope(release), release: release.id)
    }
}
