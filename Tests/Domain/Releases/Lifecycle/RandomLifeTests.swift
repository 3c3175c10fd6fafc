// Random sequences of events: what holds of a release whatever happens to it.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct RandomLifeTests {
    /// Everything signed that a muddled or a wicked control plane could file under one release.
    private static func events(_ life: ReleaseLife) throws -> [ReleaseEvent] {
        let world = life.world, made = life.made
        let other = try world.draft(1) { $0.plan([.live]) }
        let at = World.now
        let answers: [Envelope] = [
            try world.answer(to: made, as: .reviewer, by: "ben"), try world.answer(to: made, as: .riskOwner, by: "cleo"),
            try world.answer(to: made, as: .reviewer, by: "cleo"), try world.answer(to: made, as: .reviewer, by: "ada"), try world.answer(to: made, as: .riskOwner, by: "ben"),
            try world.answer(to: made, as: .riskOwner, by: "cleo", keys: [2]), try world.answer(to: other, as: .riskOwner, by: "cleo"),
            try world.answer(.reject, to: made, as: .riskOwner, by: "cleo"),
        ]
        let steps = try [-1, 0, 3, 4].map { ReleaseEvent.exposed(step: $0, order: TableOrder(epoch: 1, generation: 8), at: at) } + life.widening
        return try ReleaseLife.kinds.map { try life.event($0) } + answers.map { .approved($0, at: at) } + steps
            + [
                .rejected(try world.answer(.reject, to: made, as: .reviewer, by: "ben"), at: at), .sealed(spec: other.bundle.spec, at: at),
                .rolledBack(.controller(reason: "errors"), order: TableOrder(epoch: 1, generation: 9), at: at),
            ]
    }

    /// Whether the people who approved fill every seat, counted by hand: only Ben as reviewer and Cleo as risk owner can.
    private static func isApproved(_ release: Release) throws -> Bool {
        let approvals: [Approval] = try release.approvals.map { try $0.decodeUnverified(as: Approval.payloadType) }
        let people = approvals.map(\.person.text)
        #expect(Set(people).count == people.count && !people.contains("ada"))
        #expect(approvals.allSatisfy { $0.spec == release.specDigest && $0.answer == .approve })
        return approvals.contains { $0.role == .reviewer && $0.person.text == "ben" } && approvals.contains { $0.role == .riskOwner && $0.person.text == "cleo" }
    }

    /// Every second event is of a kind that may follow, and endings are drawn seldom, so that many lives come far.
    private static func draw(
        _ events: [String: [ReleaseEvent]], _ widening: [ReleaseEvent], for release: Release, _ generator: inout SeededGenerator
    ) throws -> ReleaseEvent {
        let phase = release.phase
        // What leads on comes often enough that many lives come far.
        let onward: [ReleasePhase: String] = [.live: "release.superseded"]
        if phase == .awaitingApproval, Int.random(in: 0..<2, using: &generator) == 0 {
            // The two right answers stand behind that of somebody else.
            let right = events["release.approved"]?.dropFirst().prefix(2).randomElement(using: &generator)
            return try #require(Bool.random(using: &generator) ? right : events["release.preparing"]?.first)
        }
        if let kind = onward[phase], let next = events[kind]?.first, Int.random(in: 0..<4, using: &generator) == 0 { return next }
        if phase == .exposed, let step = release.exposure?.step, Int.random(in: 0..<3, using: &generator) == 0 {
            return widening.indices.contains(step) ? widening[step] : try #require(events["release.live"]?.first)
        }
        let fitting = StateMachineTests.moves[phase]?.keys.sorted()
        while true {
            let kinds = Bool.random(using: &generator) ? fitting ?? ReleaseLife.kinds : ReleaseLife.kinds
            let kind = try #require(kinds.randomElement(using: &generator))
            if let target = StateMachineTests.moves[phase]?[kind], target.isTerminal, Int.random(in: 0..<12, using: &generator) > 0 { continue }
            return try #require(events[kind]?.randomElement(using: &generator))
        }
    }

    /// Ada proposes, wrote the model and could review; Ben reviews; Cleo reviews or owns the risk.
    private static func life() throws -> ReleaseLife {
        let world = try World.crowd { root in
            root.people.removeLast(3)
            root.people[2].roles = [.reviewer, .riskOwner]
        }
        return try ReleaseLife(world, world.draft(1))
    }

    @Test func whateverHappensARuleHolds() throws {
        let life = try Self.life(), trust = life.world.trust, events = Dictionary(grouping: try Self.events(life), by: \.kind)
        let first = try life.release(in: .validating)
        var reached: [ReleasePhase: Int] = [:]
        let widening = try life.widening
        for seed in 0..<1000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var release = first
            var taken: [ReleaseEvent] = [try life.event("release.proposed")]
            for _ in 0..<45 {
                let event = try Self.draw(events, widening, for: release, &generator)
                let before = release
                guard (try? release.apply(event, trust: trust)) != nil else {
                    let isUnchanged = release == before
                    #expect(isUnchanged, "seed \(seed): a refused \(event.kind) changed the release")
                    continue
                }
                taken.append(event)
                // Wider steps and live come after the first.
                let isLater = before.phase == .exposed && ["release.exposed", "release.live", "release.resumed"].contains(event.kind)
                let isMove = StateMachineTests.moves[before.phase]?[event.kind] == release.phase || isLater
                #expect(isMove && !before.phase.isTerminal, "seed \(seed): \(event.kind) led from \(before.phase) to \(release.phase)")
            }
            reached[release.phase, default: 0] += 1
            let wasReleased = taken.contains { $0.kind == "release.preparing" }
            if wasReleased { #expect(try Self.isApproved(release), "seed \(seed): exposed without its approvals") }
            if taken.contains(where: { $0.kind == "release.exposed" }) { #expect(wasReleased, "seed \(seed)") }
            if seed.isMultiple(of: 20) { #expect(try Release.fold(taken, trust: trust) == release, "seed \(seed): the fold gives another release") }
        }
        #expect(ReleasePhase.allCases.allSatisfy { $0 == .validating || reached[$0] ?? 0 > 5 }, "\(reached)")
    }
}
