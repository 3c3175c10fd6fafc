// Every pair of a phase and a kind of event: where it leads, or that it is refused and changes nothing.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct StateMachineTests {
    /// Every legal pair. The pairs that are not here are refused.
    static let moves: [ReleasePhase: [String: ReleasePhase]] = [
        .validating: ["release.sealed": .awaitingApproval, "release.refused": .refused, "release.aborted": .aborted],
        .awaitingApproval: [
            "release.approved": .awaitingApproval, "release.preparing": .preparing, "release.rejected": .rejected, "release.aborted": .aborted,
        ],
        .preparing: ["release.exposed": .exposed, "release.aborted": .aborted],
        // On the first of four steps, and not paused.
        .exposed: ["release.paused": .exposed, "release.escalated": .exposed, "release.rolled-back": .rolledBack],
        .live: ["release.superseded": .superseded, "release.rolled-back": .rolledBack],
        .superseded: ["release.reinstated": .live],
    ]

    /// The arrows in the comments of `ReleasePhase`, copied out.
    static let arrows: [ReleasePhase: Set<ReleasePhase>] = [
        .validating: [.awaitingApproval, .refused, .aborted], .awaitingApproval: [.preparing, .rejected, .aborted], .preparing: [.exposed, .aborted],
        .exposed: [.exposed, .live, .rolledBack, .aborted], .live: [.superseded, .rolledBack], .superseded: [.live],
    ]

    private static let made = Result {
        let world = try World.crowd()
        return try ReleaseLife(world, world.draft(1))
    }

    static func life() throws -> ReleaseLife { try made.get() }

    /// The release after the event, or the refusal.
    static func taking(_ event: ReleaseEvent, _ release: Release, _ trust: TrustRoot) -> Result<Release, ReleaseError> {
        var next = release
        do throws(ReleaseError) {
            try next.apply(event, trust: trust)
            return .success(next)
        } catch {
            return next == release ? .failure(error) : .failure(ReleaseError(.invalid, "the refused event changed the release"))
        }
    }

    @Test(arguments: ReleasePhase.allCases, ReleaseLife.kinds) func anEventMovesWhereTheTableSaysOrIsRefused(phase: ReleasePhase, kind: String) throws {
        let life = try Self.life()
        let release = try life.release(in: phase), event = try life.event(kind)
        #expect(release.phase == phase)
        switch (Self.taking(event, release, life.world.trust), Self.moves[phase]?[kind]) {
        case (.success(let next), let target?):
            #expect(next.phase == target)
            #expect(next.changed == event.at && next != release)
            #expect(next.proposal == release.proposal && next.proposalEnvelope == release.proposalEnvelope)
        case (.failure(let error), nil):
            // The first step again is no step of the wrong phase, but not the next.
            let isFirstStepAgain = phase == .exposed && kind == "release.exposed"
            #expect(error.rule == (isFirstStepAgain ? .exposure : .phase), "\(error)")
            #expect(isFirstStepAgain || error.message.hasPrefix("rebooking-offer-1 is \(phase.rawValue), so it cannot be "))
            #expect(error.message.contains("it has ended for good") == phase.isTerminal)
        case (.success(let next), nil): Issue.record("\(kind) led from \(phase) to \(next.phase)")
        case (.failure(let error), _?): Issue.record("\(kind) was refused in \(phase): \(error)")
        }
    }

    @Test func theLegalMovesAreExactlyTheArrowsOfThePhases() throws {
        let life = try Self.life()
        var found: [ReleasePhase: Set<ReleasePhase>] = [:]
        for phase in ReleasePhase.allCases {
            let release = try life.release(in: phase)
            for kind in ReleaseLife.kinds {
                if case .success(let next) = Self.taking(try life.event(kind), release, life.world.trust), next.phase != phase {
                    found[phase, default: []].insert(next.phase)
                }
            }
        }
        // What a step before live leads to: the next step, and an end by a table that takes its share.
        var exposed = try life.release(in: .exposed)
        let order = TableOrder(epoch: 1, generation: 9)
        let aborted = try Self.taking(.aborted(.controller(reason: "undecided"), order: order, at: World.now), exposed, life.world.trust).get()
        found[.exposed, default: []].insert(aborted.phase)
        for event in try life.widening {
            try exposed.apply(event, trust: life.world.trust)
            found[.exposed, default: []].insert(exposed.phase)
        }
        #expect(exposed.exposure?.step == 3)
        found[.exposed, default: []].insert(try Self.taking(try life.event("release.live"), exposed, life.world.trust).get().phase)
        #expect(found == Self.arrows)
        #expect(ReleasePhase.allCases.count == 10 && Set(ReleaseLife.kinds).count == 15)
        #expect(Set(ReleasePhase.allCases.filter(\.isTerminal)) == [.refused, .rejected, .aborted, .rolledBack])
        #expect(ReleasePhase.allCases.allSatisfy { !$0.isTerminal || Self.arrows[$0] == nil })
    }

    @Test(arguments: ReleaseLife.kinds) func onlyAProposalBeginsARelease(kind: String) throws {
        let life = try Self.life()
        let event = try life.event(kind)
        if kind == "release.proposed" {
            let release = try Release(event, trust: life.world.trust)
            #expect(release.id.text == "rebooking-offer-1" && release.phase == .validating && release.specDigest == nil && release.ending == nil)
        } else {
            #expect(#expect(throws: ReleaseError.self) { try Release(event, trust: life.world.trust) }?.rule == .phase)
        }
    }

    @Test func whatIsTrueInEachPhaseIsKept() throws {
        let life = try Self.life()
        func release(_ phase: ReleasePhase) throws -> Release { try life.release(in: phase) }
        let sealed = try release(.awaitingApproval)
        #expect(sealed.specDigest == life.made.digest && sealed.results == life.made.spec.criteria && sealed.approvals.count == 2 && sealed.order == nil)
        #expect(try release(.preparing).order == TableOrder(epoch: 1, generation: 7))
        #expect(try release(.exposed).order == TableOrder(epoch: 1, generation: 8))
        #expect(try release(.live).ending == nil)
        #expect(try release(.superseded).ending == "superseded by rebooking-offer-99")
        #expect(try release(.refused).ending == "auc at least 0.7: failed" && release(.refused).results.map(\.verdict) == [.failed])
        #expect(try release(.rejected).ending == "rejected by eve: sound")
        #expect(try release(.aborted).ending == "aborted by ben: too many offers")
        let rolledBack = try release(.rolledBack)
        #expect(rolledBack.ending == "rolled back by ben: too many offers" && rolledBack.order == TableOrder(epoch: 1, generation: 10))
        var again = try release(.superseded)
        try again.apply(try life.event("release.reinstated"), trust: life.world.trust)
        #expect(again.ending == nil && again.order == TableOrder(epoch: 1, generation: 9) && again.phase == .live)
        #expect(try Release.fold([], trust: life.world.trust) == nil)
    }

    /// The spec must be the one that was proposed, and readable.
    @Test func aSpecOfAnotherProposalIsNotSealed() throws {
        let life = try Self.life(), trust = life.world.trust
        let release = try life.release(in: .validating)
        let others: [(ReleaseError.Rule, [UInt8])] = [
            (.invalid, try life.world.draft(2).spec.encoded),
            (.invalid, try life.world.draft(1) { $0.proposal.reason = "another reason" }.spec.encoded),
            (.invalid, try life.world.draft(1) { $0.model = nil }.spec.encoded),
            (.invalid, try life.world.draft(1) { $0.salt = Base64Bytes([1]) }.spec.encoded),
            (.invalid, try life.world.draft(1) { $0.plan([]) }.spec.encoded),
            (.invalid, try life.world.draft(1) { $0.approvals = [] }.spec.encoded),
            (.invalid, try life.world.draft(1) { $0.format = 2 }.spec.encoded),
            (.invalid, Array("{}".utf8)), (.invalid, []),
        ]
        for (rule, bytes) in others {
            guard case .failure(let error) = Self.taking(.sealed(spec: Base64Bytes(bytes), at: World.now), release, trust) else {
                Issue.record("sealed \(String(decoding: bytes, as: UTF8.self))")
                continue
            }
            #expect(error.rule == rule, "\(error)")
        }
    }

    @Test(arguments: [-1, 1, 3, 4, Int.min, Int.max]) func aReleaseBeginsWithTheFirstStep(step: Int) throws {
        let life = try Self.life()
        let event = ReleaseEvent.exposed(step: step, order: TableOrder(epoch: 1, generation: 8), at: World.now)
        guard case .failure(let error) = Self.taking(event, try life.release(in: .preparing), life.world.trust) else {
            Issue.record("exposed at step \(step)")
            return
        }
        #expect(error.rule == .exposure)
    }
}
