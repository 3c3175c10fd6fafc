// Who may give a release more traffic, and that an order is good for one step of one spec only.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct AdvanceOrderTests {
    private static func open(_ envelope: Envelope, _ made: MadeRelease, _ world: World) -> Result<AdvanceOrder, ReleaseError> {
        Result { () throws(ReleaseError) in try AdvanceOrder.open(envelope, for: made.spec, digest: made.digest, trust: world.trust) }
    }

    private static func rule(_ result: Result<AdvanceOrder, ReleaseError>) -> ReleaseError.Rule? {
        if case .failure(let error) = result { error.rule } else { nil }
    }

    @Test func whoMayApproveMayPromoteButNotTheirOwn() throws {
        let world = try World.crowd(), made = try world.draft(1, author: "dan", proposer: "ada")
        for person in ["ben", "cleo", "eve"] {
            let order = try Self.open(try world.advance(.promote, made, step: 1, by: person), made, world).get()
            #expect(order.person.text == person && order.step == 1 && order.action == .promote)
        }
        #expect(Self.rule(Self.open(try world.advance(.promote, made, step: 1, by: "fay"), made, world)) == .authority, "no role that approves")
        #expect(Self.rule(Self.open(try world.advance(.promote, made, step: 1, by: "ada"), made, world)) != nil, "the proposer")
        #expect(Self.rule(Self.open(try world.advance(.promote, made, step: 1, by: "dan"), made, world)) != nil, "the model's author")
    }

    @Test func anOrderIsBoundToItsSpecAndSystem() throws {
        let world = try World.crowd(), made = try world.draft(1), other = try world.draft(1) { $0.plan([.canary(0.5), .live]) }
        #expect(Self.rule(Self.open(try world.advance(.promote, other, step: 1), made, world)) == .invalid)
        let changes: [(ReleaseError.Rule, (inout AdvanceOrder) throws -> Void)] = [
            (.invalid, { $0.system = try name("pricing") }), (.invalid, { $0.environment = try name("staging") }), (.invalid, { $0.release = try name("rebooking-offer-2") }),
            (.invalid, { $0.format = 2 }), (.invalid, { $0.extensionSeconds = -1 }), (.invalid, { $0.extensionSeconds = .max }), (.authority, { $0.person = try name("cleo") }),
        ]
        for (rule, change) in changes { #expect(Self.rule(Self.open(try world.advance(.promote, made, step: 1, change: change), made, world)) == rule) }
        #expect(Self.rule(Self.open(try world.advance(.promote, made, step: 1, keys: [99]), made, world)) == .authority)
        #expect(Self.rule(Self.open(try world.stop(.pause, made), made, world)) == .invalid, "another kind of order")
    }

    /// The order moves exactly the release that it names, to the step that it names.
    @Test func aStepThatNeedsAPersonNeedsTheirOrder() throws {
        let life = try StateMachineTests.life(), world = life.world, made = life.made
        var release = try life.release(in: .exposed)
        for event in try life.widening.dropLast() { try release.apply(event, trust: world.trust) }
        func live(_ promotion: Envelope?) -> ReleaseError.Rule? {
            let event = ReleaseEvent.exposed(step: 3, order: TableOrder(epoch: 1, generation: 11), at: World.now, founded: .init(promotion: promotion))
            if case .failure(let error) = StateMachineTests.taking(event, release, world.trust) { return error.rule } else { return nil }
        }
        #expect(live(nil) == .authority)
        #expect(live(try world.advance(.promote, made, step: 2)) == .exposure)
        #expect(live(try world.advance(.resume, made, step: 3)) == .exposure)
        #expect(live(try world.advance(.promote, made, step: 3)) == nil)
        // The plan lets the controller expand to a quarter by itself, and no further.
        let wide = try world.draft(1) { $0.plan([.shadow(1), .canary(0.5), .live]) }
        let other = try ReleaseLife(world, wide)
        var exposed = try other.release(in: .exposed)
        let order = TableOrder(epoch: 1, generation: 9)
        #expect(throws: ReleaseError.self) { try exposed.apply(.exposed(step: 1, order: order, at: World.now), trust: world.trust) }
        try exposed.apply(.exposed(step: 1, order: order, at: World.now, founded: .init(promotion: try world.advance(.promote, wide, step: 1))), trust: world.trust)
        #expect(exposed.exposure?.step == 1 && exposed.promotion == nil)
    }

    @Test func aPausedStepIsResumedByAPersonOnly() throws {
        let life = try StateMachineTests.life(), world = life.world, made = life.made
        var release = try life.release(in: .exposed)
        let order = TableOrder(epoch: 1, generation: 9)
        try release.apply(.paused(.controller(reason: "harm: decision_flips"), order: order, at: World.now), trust: world.trust)
        #expect(release.exposure?.paused == "paused by the controller: harm: decision_flips" && release.phase == .exposed)
        // Nothing widens a paused step, and it is paused once.
        let wider = ReleaseEvent.exposed(step: 1, order: order, at: World.now)
        #expect(throws: ReleaseError.self) { try release.apply(wider, trust: world.trust) }
        #expect(throws: ReleaseError.self) { try release.apply(.paused(.controller(reason: "again"), order: order, at: World.now), trust: world.trust) }
        let wrong = [try world.advance(.resume, made, step: 1), try world.advance(.promote, made, step: 0), try world.advance(.resume, made, step: 0, by: "ada")]
        for envelope in wrong { #expect(throws: ReleaseError.self) { try release.apply(.resumed(envelope, order: order, at: World.now), trust: world.trust) } }
        let resume = try world.advance(.resume, made, step: 0) { order in
            order.accepting = ["decision_flips"]
            order.extensionSeconds = 3600
        }
        try release.apply(.escalated(to: .riskOwner, reason: "x", at: World.now), trust: world.trust)
        try release.apply(.resumed(resume, order: order, at: World.now), trust: world.trust)
        #expect(
            release.exposure == ExposureState(step: 0, since: World.now.adding(.seconds(6)), paused: nil, accepted: ["decision_flips"], extensionSeconds: 3600, escalations: []))
        try release.apply(wider, trust: world.trust)
        #expect(release.exposure?.step == 1 && release.exposure?.accepted == [])
    }
}
