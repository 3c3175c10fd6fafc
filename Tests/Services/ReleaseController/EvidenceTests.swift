// Missing, stale, bad and unmeasurable evidence, and what each leads to.
import Evidence
import Ports
import Primitives
import Registry
import ReleaseController
import Releases
import TestKit
import Testing

@Suite struct EvidenceTests {
    private func fallback() async throws -> Harness {
        let desk = try await Harness()
        try await desk.fallback()
        return desk
    }

    @Test func promise6_evidenceGrowsOld() async throws {
        let desk = try await fallback()
        try await desk.register(1)
        desk.clock.advance(by: .seconds(7 * 86_400))
        try await desk.refused(.invalid, "evidence", "there is no fresh evaluation of flight-delay@1, so 'auc at least 0.7' is not met") { try await desk.propose(1, model: 1) }
        try await desk.evaluate(1)
        try await desk.phase(.awaitingApproval, of: desk.propose(1, model: 1))
    }

    @Test func promise6_evidenceFromTheFutureDoesNotCount() async throws {
        let desk = try await fallback()
        try await desk.register(1)
        desk.clock.advance(by: .seconds(-120))
        try await desk.refused(.invalid, "evidence", "there is no fresh evaluation") { try await desk.propose(1, model: 1) }
    }

    /// People took so long that what they approved is no longer known to be true.
    @Test func promise6_evidenceThatGrowsOldBeforeExposureAborts() async throws {
        let desk = try await fallback()
        try await desk.register(1)
        let release = try await desk.propose(1, model: 1)
        desk.clock.advance(by: .seconds(7 * 86_400))
        let ended = try await desk.approve(release)
        #expect(ended.phase == .aborted)
        #expect(ended.ending == "aborted by the controller: its evidence no longer holds: auc at least 0.7 is missing")
        #expect(try await desk.route().preparing == nil)
    }

    /// Measured again with the same result, the approvals stay good.
    @Test func evidenceMayBeRenewed() async throws {
        let desk = try await fallback()
        try await desk.register(1)
        let release = try await desk.propose(1, model: 1)
        desk.clock.advance(by: .seconds(6 * 86_400))
        try await desk.evaluate(1)
        desk.clock.advance(by: .seconds(2 * 86_400))
        try await desk.phase(.preparing, of: desk.approve(release))
    }

    @Test func evidenceThatTurnsBadBeforeExposureAborts() async throws {
        let desk = try await fallback()
        try await desk.register(1)
        let release = try await desk.propose(1, model: 1)
        desk.probe.change { [artifact = Digest.of(desk.installation.artifact(1))] in $0.metrics[artifact] = ["auc": 0.69] }
        try await desk.evaluate(1)
        let ended = try await desk.approve(release)
        #expect(ended.phase == .aborted && ended.ending?.hasSuffix("auc at least 0.7 is failed") == true)
    }

    @Test(arguments: [(["auc": 0.69], "auc at least 0.7: failed"), (["log_loss": 0.1], "auc at least 0.7: errored"), ([:], "auc at least 0.7: errored")])
    func promise6_whatDoesNotMeetTheCriterionIsRefused(_ metrics: [String: Double], _ ending: String) async throws {
        let desk = try await fallback()
        desk.probe.change { [artifact = Digest.of(desk.installation.artifact(1))] in $0.metrics[artifact] = metrics }
        try await desk.register(1)
        let before = try await desk.size
        let release = try await desk.propose(1, model: 1)
        #expect(release.phase == .refused && release.ending?.hasPrefix(ending) == true, "\(release.ending ?? "")")
        #expect(try await desk.kinds(from: before) == ["release.proposed", "release.refused"])
        #expect(release.results.first?.verdict != .met && release.spec == nil)
    }

    @Test func aRehearsalThatCannotBeMadeAborts() async throws {
        let desk = try await fallback()
        try await desk.register(1)
        desk.probe.change { $0.outage = "there is no sandbox" }
        let before = try await desk.size
        let release = try await desk.propose(1, model: 1)
        #expect(release.phase == .aborted && release.ending == "aborted by the controller: the rehearsal errored: there is no sandbox")
        #expect(try await desk.kinds(from: before) == ["release.proposed", "release.aborted"])
        // It ended for that reason alone: the same change may be proposed when the probe works.
        desk.probe.change { $0.outage = nil }
        try await desk.phase(.awaitingApproval, of: desk.propose(2, model: 1))
    }

    @Test func aRehearsalWithoutATimeAborts() async throws {
        let desk = try await fallback()
        try await desk.register(1)
        desk.probe.change { $0.milliseconds = .nan }
        let release = try await desk.propose(1, model: 1)
        #expect(release.phase == .aborted && release.ending?.contains("the rehearsal errored") == true)
    }

    @Test func aSlowWayBackIsRefused() async throws {
        let desk = try await fallback()
        try await desk.register(1)
        desk.probe.change { $0.milliseconds = 1000.5 }
        let release = try await desk.propose(1, model: 1)
        #expect(release.phase == .refused && release.ending == "back within 1s: failed")
        // What was measured is kept with the artifact and the baseline, and is not measured again.
        desk.probe.change { $0.milliseconds = 1 }
        #expect(try await desk.propose(2, model: 1).phase == .refused && desk.probe.look { $0.rehearsals } == 1)
    }

    /// A rehearsal is about one predecessor: when another is live, it is made again.
    @Test func aRehearsalIsMadeForEachBaseline() async throws {
        let desk = try await fallback()
        try await desk.live(1, model: 1)
        #expect(desk.probe.look { $0.rehearsals } == 1)
        try await desk.live(2, model: 2)
        let release = try await desk.propose(3, model: 1, offering: 70)
        let spec = try ReleaseSpec.read(required(release.specBytes, "a spec").bytes)
        #expect(desk.probe.look { $0.predecessors } == [nil, Digest.of(desk.installation.artifact(1)), Digest.of(desk.installation.artifact(2))])
        #expect(try await spec.baseline == desk.route().champion && spec.criteria.last?.subjects.last == spec.baseline)
    }

    @Test func theFallbackNeedsNoEvidence() async throws {
        let desk = try await Harness()
        let release = try await desk.propose(0, model: nil)
        #expect(release.phase == .awaitingApproval && release.results.isEmpty && release.missing == "1 reviewer, 1 risk-owner")
        #expect(desk.probe.look { $0.evaluations + $0.rehearsals } == 0)
    }
}
