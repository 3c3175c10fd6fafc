// Two control planes on one ledger, commits of which nobody hears, and rows that somebody changed.
import Evidence
import Ports
import Primitives
import Registry
import ReleaseController
import Releases
import Synchronization
import TestKit
import Testing

@Suite struct StoreTests {
    // Two control planes.

    @Test func theSecondControlPlaneIsToldThatItIsLate() async throws {
        let desk = try await Harness()
        let old = try await desk.reopened()
        try await desk.fallback()
        // It has read none of this. What it decides by that is not written; then it knows, and decides again.
        try await desk.refused(.conflict, "phase", "rebooking-offer-0 is live, so it cannot be proposed again") { try await desk.propose(0, model: nil, on: old) }
        try await desk.phase(.live, of: desk.controller.release(name("rebooking-offer-0")), on: old)
        try await desk.register(1, on: old)
        let release = try await desk.approve(desk.propose(1, model: 1, on: old), on: old)
        try await desk.phase(.preparing, of: release, on: old)
        // And now the first is late, and goes on just so.
        try await desk.observe(.rehearsed, release, on: old)
        try await desk.settle()
        try await desk.phase(.exposed, of: release)
        #expect(try await desk.controller.keeper.state.size == desk.size)
    }

    /// Each writes to streams that the other does not touch: no conflict ever tells them of one another.
    @Test func whatAnotherWroteBetweenIsFoldedInItsPlace() async throws {
        let desk = try await Harness()
        let other = try await desk.reopened()
        try await desk.propose(0, model: nil)
        try await desk.register(1, on: other)
        try await desk.propose(0, model: nil, of: desk.installation.services[1])
        try await desk.register(2, on: other)
        let fresh = try await desk.reopened()
        for plane in [desk.controller, other] { try await plane.keeper.refresh() }
        let states = (await desk.controller.keeper.state, await other.keeper.state, await fresh.keeper.state)
        #expect(states.0 == states.2 && states.1 == states.2)
        #expect(try await states.2.size == desk.size)
    }

    /// A proposal is refused when the same change was taken back; the control plane that does not know so may not write it, since nobody could fold that.
    @Test func aProposalIsFencedAgainstARollbackElsewhere() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let release = try await desk.live(1, model: 1)
        let other = try await desk.reopened()
        try await desk.stop(.rollback, release)
        try await desk.refused(.conflict, "phase", "made the same change and was rolled back") { try await desk.propose(2, model: 1, on: other) }
        _ = try await desk.reopened()
    }

    /// A control plane that opens while another writes is not told of damage.
    @Test func openingWhileAnotherWrites() async throws {
        let desk = try await Harness()
        let line = UnreliableLedger(desk.ledger), writes = Mutex(3)
        line.change {
            $0.beforeHeads = {
                guard
                    writes.withLock({
                        $0 -= 1; return $0 >= 0
                    })
                else { return }
                _ = try? await desk.register(writes.withLock { 3 - $0 })
            }
        }
        let other = desk.another(over: line)
        try await other.open(trust: desk.installation.trustEnvelope)
        #expect(try await other.modelVersions().count == 3)
        #expect(try await desk.size == 7)
    }

    // Commits of which nobody hears.

    struct Cut: Sendable, CustomTestStringConvertible {
        var kind: String
        var fault: UnreliableLedger.Fault
        var testDescription: String { "\(kind) \(fault)" }
    }

    static let cuts = [
        "model.registered", "evidence.recorded", "release.proposed", "release.sealed", "release.approved", "release.preparing", "node.observed", "release.exposed", "release.live",
    ].flatMap { kind in [Cut(kind: kind, fault: .lost), Cut(kind: kind, fault: .unheard)] }

    /// The control plane dies around one commit. Whoever asked asks again what was not acknowledged, and the release goes live all the same.
    @Test(arguments: cuts) func killedAroundACommit(_ cut: Cut) async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let line = UnreliableLedger(desk.ledger), plane = desk.another(over: line), isDead = Mutex(false)
        try await plane.open(trust: desk.installation.trustEnvelope)
        line.change {
            $0.fault = { appends in
                guard appends.contains(where: { $0.entries.contains { $0.kind == cut.kind } }) else { return nil }
                isDead.withLock { $0 = true }
                line.change { $0.isDown = true }
                return cut.fault
            }
        }
        let before = try await desk.size
        var current = plane
        func retry(_ body: (ReleaseController) async throws -> Void) async throws {
            do {
                try await body(current)
                try await desk.settle(current)
            } catch let error as DeskError where error.category == .unavailable {
                current = try await desk.reopened()
                // Done already, or done now.
                do { try await body(current) } catch let error as DeskError where error.category == .conflict || error.rule == "four-eyes" {}
            }
            if isDead.withLock({ $0 }), current === plane { current = try await desk.reopened() }
            try await desk.settle(current)
        }
        let installation = desk.installation, registration = try installation.registration(1, at: desk.now()), proposal = try installation.proposal(1, model: 1, at: desk.now())
        try await retry { _ = try await $0.register(registration) }
        try await retry { _ = try await $0.evaluate(installation.version(1), dataset: Digest.of(installation.holdout)) }
        try await retry { _ = try await $0.propose(proposal) }
        let release = try await current.release(name("rebooking-offer-1"))
        for answer in [try desk.answer(release), try desk.answer(release, as: .riskOwner, by: "cleo")] { try await retry { _ = try await $0.answer(answer, release: release.id) } }
        for state in [Observation.State.rehearsed, .active] {
            for node in 1...2 {
                let observation = try installation.observation(
                    state, of: required(release.spec, "a spec"), on: name("node-\(node)"), order: await desk.table(on: current).order, milliseconds: 3, at: desk.now())
                try await retry { try await $0.observe(observation) }
            }
        }
        #expect(isDead.withLock { $0 }, "nobody died")
        try await desk.phase(.live, of: release, on: current)
        let kinds = try await desk.kinds(from: before)
        let isTwice = cut.kind == "evidence.recorded" && cut.fault == .unheard
        #expect(kinds.count { $0 == "evidence.recorded" } == (isTwice ? 3 : 2), "\(kinds)")
        #expect(kinds.filter { $0 != "evidence.recorded" }.count == 15, "\(kinds)")
        try await current.keeper.load()
    }

    /// The line broke, and the control plane lives on. It finds out what was written at its next pass.
    @Test func anUnheardRollbackIsServedAtTheNextPass() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let release = try await desk.live(1, model: 1)
        desk.line.change { $0.fault = { _ in .unheard } }
        await #expect(throws: DeskError.self) { try await desk.stop(.rollback, release) }
        #expect(try await desk.route().champion == release.spec)
        desk.line.change { $0.fault = { _ in nil } }
        _ = try await desk.controller.pass()
        #expect(try await desk.route().standby == release.spec)
        try await desk.phase(.rolledBack, of: release)
    }

    @Test func anUnheardCommitIsNotForgottenByTheNext() async throws {
        let desk = try await Harness()
        desk.line.change { $0.fault = { _ in .unheard } }
        await #expect(throws: DeskError.self) { try await desk.propose(0, model: nil) }
        desk.line.change { $0.fault = { _ in nil } }
        _ = try await desk.controller.register(desk.installation.registration(1))
        #expect(try await desk.controller.releases().count == 1)
        #expect(try await desk.controller.keeper.state.size == desk.size)
        _ = try await desk.reopened()
    }

    /// What was asked is in the ledger; that the next step could not be made is no refusal of it.
    @Test func anAnswerIsTakenThoughTheNextStepFails() async throws {
        let desk = try await Harness()
        let release = try await desk.propose(0, model: nil)
        _ = try await desk.controller.answer(desk.answer(release), release: release.id)
        desk.line.change { $0.fault = { appends in appends.contains { $0.stream.text == "routing" } ? .lost : nil } }
        let answered = try await desk.controller.answer(desk.answer(release, as: .riskOwner, by: "cleo"), release: release.id)
        #expect(answered.phase == .awaitingApproval && answered.approvals.count == 2)
        await #expect(throws: DeskError.self) { try await desk.controller.pass() }
        desk.line.change { $0.fault = { _ in nil } }
        try await desk.settle()
        try await desk.phase(.exposed, of: release)
    }

    // Rows that somebody changed.

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var says: String
        var behaviour: @Sendable (inout UnreliableLedger.Behaviour) -> Void

        init(_ description: String, _ says: String, _ behaviour: @escaping @Sendable (inout UnreliableLedger.Behaviour) -> Void) {
            (testDescription, self.says, self.behaviour) = (description, says, behaviour)
        }
    }

    private static func head(_ stream: String, _ change: @escaping @Sendable (StreamHead) -> StreamHead?) -> @Sendable (inout UnreliableLedger.Behaviour) -> Void {
        { $0.head = { $0.stream.text == stream ? change($0) : $0 } }
    }

    private static func entry(_ kind: String, _ change: @escaping @Sendable (inout LedgerEntry) -> Void) -> @Sendable (inout UnreliableLedger.Behaviour) -> Void {
        {
            $0.entry = { stored in
                var stored = stored
                if stored.entry.kind == kind { change(&stored.entry) }
                return stored
            }
        }
    }

    static let changes = [
        Change(
            "a phase", "the stored state of 'release/rebooking-offer-1'",
            head("release/rebooking-offer-1") { head in
                var head = head
                head.body = Array(String(decoding: head.body, as: UTF8.self).replacing("awaiting approval", with: "live").utf8)
                return head
            }),
        Change("a revision", "the stored state of 'routing'", head("routing") { StreamHead(stream: $0.stream, revision: $0.revision - 1, body: $0.body) }),
        Change("a head that is gone", "the stored state of 'routing'", head("routing") { _ in nil }),
        Change(
            "a head of nothing", "the stored state of 'release/extra-1'", head("trust") { StreamHead(stream: StreamID("release/extra-1"), revision: $0.revision, body: $0.body) }),
        Change(
            "an approval by another", "ledger entry 3 (release.approved) breaks a rule",
            entry("release.approved") {
                $0.payload = Array(String(decoding: $0.payload, as: UTF8.self).replacing("\"sig\":\"", with: "\"sig\":\"AAAA").utf8)
            }),
        Change("a kind", "breaks a rule: the release.forgotten entry lacks what its kind says", entry("release.sealed") { $0.kind = "release.forgotten" }),
        Change(
            "a table", "(routing.table) breaks a rule: the routing table is refused",
            entry("routing.table") {
                guard case .routing(var table, let at) = try? LedgerRecord.read($0) else { return }
                table.payload.append(0x20)
                $0.payload = LedgerRecord.routing(table, at: at).payload
            }),
        Change("no JSON", "cannot be read", entry("release.live") { $0.payload = [] }),
    ]

    private func filled() async throws -> Harness {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.register(1)
        try await desk.propose(1, model: 1)
        return desk
    }

    @Test(arguments: changes) func promise1_changedRowsAreDamage(_ change: Change) async throws {
        let desk = try await filled()
        let line = UnreliableLedger(desk.ledger), plane = desk.another(over: line)
        line.change(change.behaviour)
        try await desk.refused(.damaged, "ledger", change.says) { try await plane.open(trust: desk.installation.trustEnvelope) }
        // Put right, the same program opens it.
        line.change { $0 = UnreliableLedger.Behaviour() }
        try await plane.open(trust: desk.installation.trustEnvelope)
        #expect(try await plane.releases().count == 2)
    }

    /// A revision that was changed while the control plane runs stops it from writing there, and it says why.
    @Test func aRevisionChangedUnderARunningControlPlane() async throws {
        let desk = try await filled()
        let late = LateLedger(desk.ledger), plane = desk.another(over: late)
        try await plane.open(trust: desk.installation.trustEnvelope)
        late.isLate.withLock { $0 = true }
        try await desk.refused(.damaged, "ledger", "nobody has written others") { try await desk.register(2, on: plane) }
        late.isLate.withLock { $0 = false }
        try await desk.register(2, on: plane)
    }

    // The home's own files.

    @Test func anotherTrustFileIsRefused() async throws {
        let desk = try await filled()
        let other = try Installation(nodes: 3)
        try await desk.refused(.damaged, "trust", "is not the trust root that this ledger has") { try await desk.another().open(trust: other.trustEnvelope) }
        // The same root signed by other people is the same root.
        let envelope = Envelope(signing: desk.installation.trust, as: TrustRoot.payloadType, by: [try key(3), try key(4)])
        try await desk.another().open(trust: envelope)
    }

    @Test func aTrustFileThatNobodySignedBeginsNoLedger() async throws {
        let desk = try await Harness(isOpen: false)
        let envelope = Envelope(signing: desk.installation.trust, as: TrustRoot.payloadType, by: [try key(1)])
        try await desk.refused(.forbidden, "authority", "needs the signatures of 2 people") { try await desk.controller.open(trust: envelope) }
    }

    @Test(arguments: [0, 1, 2]) func aKeyThatDoesNotFitBeginsNothing(_ place: Int) async throws {
        let desk = try await Harness(isOpen: false), installation = desk.installation, wrong = try key(77)
        let keys = ServiceKeys(
            controlPlane: place == 0 ? wrong : installation.controlPlane, ledger: place == 1 ? wrong : installation.ledger, validator: place == 2 ? wrong : installation.validator)
        let says = "the \(["control plane", "ledger", "validator"][place]) key in this home is not the one"
        try await desk.refused(.damaged, "trust", says) { try await desk.another(keys: keys).open(trust: installation.trustEnvelope) }
        #expect(try await desk.size == 0)
        try await desk.controller.open(trust: installation.trustEnvelope)
        try await desk.refused(.damaged, "trust", says) { try await desk.another(keys: keys).open(trust: installation.trustEnvelope) }
    }
}

/// A ledger that calls every commit late.
private final class LateLedger: LedgerStore {
    let isLate = Mutex(false)
    private let ledger: any LedgerStore

    init(_ ledger: any LedgerStore) { self.ledger = ledger }

    func commit(_ appends: [LedgerAppend]) async throws(LedgerStoreError) -> LedgerPosition {
        guard !isLate.withLock({ $0 }) else { throw LedgerStoreError(.conflict, "it has another number of entries") }
        return try await ledger.commit(appends)
    }

    func entries(of stream: StreamID) async throws(LedgerStoreError) -> [StoredEntry] { try await ledger.entries(of: stream) }
    func entries(from index: Int, limit: Int) async throws(LedgerStoreError) -> [StoredEntry] { try await ledger.entries(from: index, limit: limit) }
    func entries(about digest: Digest) async throws(LedgerStoreError) -> [StoredEntry] { try await ledger.entries(about: digest) }
    func head(of stream: StreamID) async throws(LedgerStoreError) -> StreamHead? { try await ledger.head(of: stream) }
    func heads(prefix: String) async throws(LedgerStoreError) -> [StreamHead] { try await ledger.heads(prefix: prefix) }
    func position() async throws(LedgerStoreError) -> LedgerPosition { try await ledger.position() }
    func inclusionProof(of index: Int, in size: Int) async throws(LedgerStoreError) -> [Digest]? { try await ledger.inclusionProof(of: index, in: size) }
    func consistencyProof(from old: Int, to new: Int) async throws(LedgerStoreError) -> [Digest]? { try await ledger.consistencyProof(from: old, to: new) }
    func checkpoint() async throws(LedgerStoreError) -> [UInt8]? { try await ledger.checkpoint() }
    func save(checkpoint note: [UInt8], size: Int) async throws(LedgerStoreError) { try await ledger.save(checkpoint: note, size: size) }
}
