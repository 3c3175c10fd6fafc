// Releases that meet one another, and ways back from everywhere.
import Evidence
import Ports
import Primitives
import Registry
import ReleaseController
import Releases
import TestKit
import Testing

@Suite struct LifecycleTests {
    @Test func aReleaseGoesItsWay() async throws {
        let desk = try await Harness()
        let fallback = try await desk.fallback()
        let release = try await desk.live(1, model: 1)
        try await desk.phase(.superseded, of: fallback)
        let route = try await desk.route()
        #expect(route == ServiceRoute(service: desk.installation.services[0], champion: try required(release.spec, "a spec"), standby: fallback.spec))
        #expect(
            release.history.map(\.kind) == [
                "release.proposed", "release.sealed", "release.approved", "release.approved", "release.preparing", "release.exposed", "release.live",
            ])
        #expect(release.results.map(\.verdict) == [.met, .met] && release.approvals.map(\.person.text) == ["ben", "cleo"])
        #expect(try await desk.table().order == TableOrder(epoch: 1, generation: 3))
        // Nothing is left to do, however often one looks.
        let before = try await desk.size
        #expect(try await desk.controller.pass() == false)
        #expect(try await desk.size == before)
    }

    /// Both were approved against the fallback. Only one can follow it; the other would follow what nobody approved.
    @Test func twoReleasesAgainstOneBaseline() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.register(1)
        try await desk.register(2)
        let first = try await desk.propose(1, model: 1), second = try await desk.propose(2, model: 2)
        try await desk.phase(.preparing, of: desk.approve(second))
        try await desk.phase(.awaitingApproval, of: desk.approve(first))
        #expect(try await desk.controller.pass() == false)
        try await desk.observe(.rehearsed, second)
        try await desk.settle()
        try await desk.phase(.exposed, of: second)
        try await desk.observe(.active, second)
        try await desk.settle()
        try await desk.phase(.live, of: second)
        let ended = try await desk.phase(.aborted, of: first)
        #expect(ended.ending == "aborted by the controller: another release went live after it was sealed; propose it again against that one")
        #expect(try await desk.table().bundles.count == 2)
    }

    @Test func whenOneIsAbortedTheOtherGoesOn() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.register(1)
        try await desk.register(2)
        let first = try await desk.propose(1, model: 1), second = try await desk.propose(2, model: 2)
        try await desk.approve(first)
        try await desk.approve(second)
        let ended = try await desk.stop(.abort, first)
        #expect(ended.phase == .aborted && ended.ending == "aborted by viv: too many offers")
        #expect(try await desk.route().preparing == nil)
        try await desk.settle()
        try await desk.phase(.preparing, of: second)
        #expect(try await desk.route().preparing == second.spec)
        // Its nodes answer late: nothing of the first comes back.
        try await desk.observe(.rehearsed, first)
        #expect(try await desk.controller.pass() == false)
        try await desk.phase(.aborted, of: first)
    }

    @Test func aReleaseIsAbortedInEachPhaseBeforeExposure() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.register(1)
        try await desk.phase(.aborted, of: desk.stop(.abort, desk.propose(1, model: 1)))
        let second = try await desk.propose(2, model: 1)
        try await desk.approve(second)
        try await desk.phase(.aborted, of: desk.stop(.abort, second))
        desk.clock.advance(by: .seconds(8 * 86_400))
        let before = try await desk.kinds().count
        // An evaluation that grew old between proposal and pass leaves the release where it is, and it can be aborted there.
        try await desk.evaluate(1)
        desk.line.change { $0.fault = { appends in appends.contains { $0.entries.contains { $0.kind == "release.sealed" } } ? .lost : nil } }
        let third = try await desk.propose(3, model: 1)
        #expect(third.phase == .validating)
        try await desk.phase(.aborted, of: desk.stop(.abort, third))
        #expect(try await desk.kinds(from: before) == ["evidence.recorded", "release.proposed", "release.aborted"])
    }

    @Test func rollbackBeforeAnyNodeAnswered() async throws {
        let desk = try await Harness()
        let fallback = try await desk.fallback()
        let release = try await desk.exposed(1, model: 1)
        try await desk.phase(.live, of: fallback)
        try await desk.refused(.conflict, "phase", "rebooking-offer-1 answers in its place, so roll that back") { try await desk.stop(.rollback, fallback) }
        try await desk.refused(.conflict, "phase", "is exposed, so it cannot be aborted; it answers, so roll it back") { try await desk.stop(.abort, release) }
        let back = try await desk.stop(.rollback, release)
        #expect(back.phase == .rolledBack && back.ending == "rolled back by viv: too many offers")
        try await desk.phase(.live, of: fallback)
        #expect(try await desk.route() == ServiceRoute(service: desk.installation.services[0], champion: try required(fallback.spec, "a spec"), standby: release.spec))
        // The nodes' late word that it answers changes nothing.
        try await desk.observe(.active, release)
        try await desk.settle()
        try await desk.phase(.rolledBack, of: release)
    }

    @Test func rollbackAfterEveryNodeAnswered() async throws {
        let desk = try await Harness()
        let fallback = try await desk.fallback()
        let release = try await desk.live(1, model: 1)
        let before = try await desk.size
        try await desk.stop(.rollback, release)
        #expect(try await desk.kinds(from: before) == ["routing.table", "release.rolled-back", "release.reinstated"])
        let again = try await desk.phase(.live, of: fallback)
        #expect(again.ending == nil)
        try await desk.refused(.conflict, "phase", "is rolled back and has no warm predecessor") { try await desk.stop(.rollback, release) }
        try await desk.refused(.conflict, "phase", "made the same change and was rolled back by viv") { try await desk.propose(2, model: 1) }
        // Another rule with the same model is another change.
        try await desk.phase(.awaitingApproval, of: desk.propose(2, model: 1, offering: 70))
    }

    /// The way back leads to the predecessor, and never forward again to what was taken back.
    @Test func promise8_aSecondRollbackDoesNotReturnToTheFirst() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let first = try await desk.live(1, model: 1), second = try await desk.live(2, model: 2)
        try await desk.stop(.rollback, second)
        try await desk.phase(.live, of: first)
        try await desk.refused(.conflict, "phase", "stands where rebooking-offer-2 was rolled back") { try await desk.stop(.rollback, first) }
        #expect(try await desk.route().champion == first.spec)
        // The next release has the reinstated one behind it, and can be taken back to it.
        let third = try await desk.live(3, model: 3)
        #expect(try await desk.route().standby == first.spec)
        try await desk.stop(.rollback, third)
        #expect(try await desk.route().champion == first.spec)
    }

    @Test func rollbackWhileAnotherIsPrepared() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let live = try await desk.live(1, model: 1), next = try await desk.preparing(2, model: 2)
        try await desk.register(3)
        let asked = try await desk.propose(3, model: 3)
        try await desk.stop(.rollback, live)
        #expect(try await desk.route().preparing == nil)
        try await desk.settle()
        let ended = try await desk.phase(.aborted, of: next)
        #expect(ended.ending?.contains("the release it was to follow was taken back while nodes prepared") == true)
        // What people had not yet approved is aborted when they do: its baseline is gone.
        try await desk.phase(.aborted, of: desk.approve(asked))
        try await desk.live(4, model: 4)
    }

    /// Otherwise the one before would never be seen to answer, and never end.
    @Test func theOneBeforeMustBeSeenToAnswerFirst() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let first = try await desk.exposed(1, model: 1)
        try await desk.controller.observe(desk.observation(.active, first, on: 1))
        try await desk.register(2)
        let second = try await desk.approve(desk.propose(2, model: 2))
        #expect(second.phase == .awaitingApproval)
        try await desk.controller.observe(desk.observation(.active, first, on: 2))
        try await desk.settle()
        try await desk.phase(.live, of: first)
        try await desk.phase(.preparing, of: second)
        try await desk.observe(.rehearsed, second)
        try await desk.observe(.active, second)
        try await desk.settle()
        try await desk.phase(.superseded, of: first)
        try await desk.phase(.live, of: second)
    }

    @Test func allNodesThatAnswerMustHaveRehearsed() async throws {
        let desk = try await Harness(nodes: 3)
        try await desk.fallback()
        let release = try await desk.preparing(1, model: 1)
        for node in [2, 1] {
            try await desk.controller.observe(desk.observation(.rehearsed, release, on: node))
            #expect(try await desk.controller.pass() == false)
        }
        try await desk.controller.observe(desk.observation(.rehearsed, release, on: 3))
        try await desk.settle()
        try await desk.phase(.exposed, of: release)
        for node in [3, 2] {
            try await desk.controller.observe(desk.observation(.active, release, on: node))
            #expect(try await desk.controller.pass() == false)
        }
        try await desk.controller.observe(desk.observation(.active, release, on: 1))
        try await desk.settle()
        try await desk.phase(.live, of: release)
    }

    @Test func aNodeThatRefusesAborts() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let release = try await desk.preparing(1, model: 1)
        try await desk.observe(.rehearsed, release)
        try await desk.controller.observe(desk.observation(.refused, release, on: 2, reason: "the model wants 3 features"))
        try await desk.settle()
        let ended = try await desk.phase(.aborted, of: release)
        #expect(ended.ending == "aborted by the controller: node-2 refused it: the model wants 3 features")
        #expect(try await desk.route().preparing == nil)
        #expect(try await desk.table().bundles.count == 1)
    }

    @Test(arguments: [1000.001, 1e9, nil] as [Double?]) func aWayBackThatIsSlowOrUntimedOnANodeAborts(_ milliseconds: Double?) async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let release = try await desk.preparing(1, model: 1)
        var observation: Observation = try await desk.observation(.rehearsed, release, on: 1).decodeUnverified(as: Observation.payloadType)
        observation.milliseconds = milliseconds
        try await desk.controller.observe(Envelope(signing: observation, as: Observation.payloadType, by: [key(30)]))
        try await desk.settle()
        let ended = try await desk.phase(.aborted, of: release)
        #expect(ended.ending?.contains("more than the policy allows") == true)
    }

    @Test func anObservationToldAgainIsToldOnce() async throws {
        let desk = try await Harness()
        let release = try await desk.approve(desk.propose(0, model: nil))
        let envelope = try await desk.observation(.active, release, on: 1)
        try await desk.controller.observe(envelope)
        let size = try await desk.size
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { try await desk.controller.observe(envelope) } }
            try await group.waitForAll()
        }
        #expect(try await desk.size == size)
        // Eight tellings of something new at once are one entry as well.
        let other = try await desk.observation(.active, release, on: 2)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { try await desk.controller.observe(other) } }
            try await group.waitForAll()
        }
        #expect(try await desk.kinds(from: size) == ["node.observed"])
        #expect(try await desk.controller.nodes().map { $0.observations.map(\.node.text) } == [["node-1"], ["node-2"]])
    }

    @Test func expiredTrustRaisesNothingAndTakesBack() async throws {
        let desk = try await Harness(expires: World.now.adding(.seconds(3600)))
        try await desk.fallback()
        let first = try await desk.live(1, model: 1), second = try await desk.preparing(2, model: 2)
        try await desk.register(3)
        let third = try await desk.propose(3, model: 3, of: nil)
        desk.clock.advance(by: .seconds(3600))
        try await desk.observe(.rehearsed, second)
        #expect(try await desk.controller.pass() == false)
        try await desk.phase(.preparing, of: second)
        try await desk.stop(.abort, second)
        #expect(try await desk.approve(third).phase == .awaitingApproval)
        try await desk.stop(.rollback, first)
        try await desk.phase(.rolledBack, of: first)
    }

    /// Approved in time, and held up by another until the signatures were too old to count.
    @Test func anOldSignatureAborts() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        let first = try await desk.preparing(1, model: 1)
        try await desk.register(2)
        let second = try await desk.approve(desk.propose(2, model: 2))
        #expect(second.phase == .awaitingApproval)
        desk.clock.advance(by: Approval.lifetime)
        try await desk.stop(.abort, first)
        try await desk.settle()
        let ended = try await desk.phase(.aborted, of: second)
        #expect(ended.ending?.contains("ben signed at") == true && ended.ending?.contains("a signature counts for 3d") == true)
    }

    /// One release whose policy cannot be read now waits; the others do not wait for it.
    @Test func aReleaseThatCannotGoOnHoldsUpNoOther() async throws {
        let desk = try await Harness()
        try await desk.fallback()
        try await desk.fallback(of: desk.installation.services[1])
        let stuck = try await desk.preparing(1, model: 1)
        try await desk.observe(.rehearsed, stuck)
        let policy = Digest.of(Installation.policy(desk.installation.services[0]))
        let lossy = LossyArtifacts(desk.artifacts, without: policy), other = desk.another(artifacts: lossy)
        try await other.open(trust: desk.installation.trustEnvelope)
        let release = try await desk.propose(1, model: 1, of: desk.installation.services[1], on: other)
        _ = try await desk.approve(release, on: other)
        try await desk.phase(.preparing, of: release, on: other)
        try await desk.refused(.invalid, "artifact", "is not in the store") { _ = try await other.pass() }
        try await desk.phase(.preparing, of: stuck, on: other)
    }
}

/// A store that has lost one file.
private struct LossyArtifacts: ArtifactStore {
    private let store: any ArtifactStore
    private let lost: Digest

    init(_ store: any ArtifactStore, without lost: Digest) { (self.store, self.lost) = (store, lost) }

    func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest { try await store.put(bytes) }

    func put(stream chunks: any AsyncSequence<[UInt8], any Error> & Sendable, expecting expected: Digest, limit: Int) async throws(ArtifactError) {
        try await store.put(stream: chunks, expecting: expected, limit: limit)
    }

    func contains(_ digest: Digest) async throws(ArtifactError) -> Bool { digest == lost ? false : try await store.contains(digest) }

    func read(_ digest: Digest, limit: Int) async throws(ArtifactError) -> [UInt8] {
        guard digest != lost else { throw ArtifactError(.missing, "the artifact \(digest) is not in the store", digest: digest) }
        return try await store.read(digest, limit: limit)
    }

    func verifiedFile(_ digest: Digest) async throws(ArtifactError) -> String { try await store.verifiedFile(digest) }
}
