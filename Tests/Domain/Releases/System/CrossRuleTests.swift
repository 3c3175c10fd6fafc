// Promise 12, rules between histories: what a release's event says about others, about the tables and about the registry must be so.
import Evidence
import Primitives
import Registry
import Releases
import TestKit
import Testing

@Suite struct CrossRuleTests {
    private static func after(_ label: String) throws -> SystemState {
        let (life, states) = try LedgerLife.once.get()
        return states[try life.index(label) + 1]
    }

    /// The rule that refuses the record here; `nil` when it is taken.
    private static func refusal(_ record: LedgerRecord, after label: String) throws -> ReleaseError.Rule? {
        let before = try after(label)
        var state = before
        do throws(ReleaseError) {
            try state.apply(record)
            return nil
        } catch {
            let isUnchanged = state == before
            #expect(isUnchanged, "the refused record changed the state")
            return error.rule
        }
    }

    private static func event(_ made: MadeRelease, _ event: ReleaseEvent) -> LedgerRecord { .release(made.spec.release, event) }

    /// Rolled back is for good: no later table gives the release traffic or prepares it again. It may stand by, where it answers nothing.
    @Test func promise12_noTableBringsBackWhatWasRolledBack() throws {
        let life = try LedgerLife.once.get().life, world = life.world
        let back = [
            try world.table(7, champion: life.second, standby: life.first), try world.table(7, champion: life.first, candidate: (life.second, 0.5)),
            try world.table(7, champion: life.first, candidate: (life.second, 0)), try world.table(7, champion: life.first, preparing: life.second),
        ]
        for table in back { #expect(try Self.refusal(.routing(table, at: World.now), after: "second root") == .phase) }
        #expect(try Self.refusal(.routing(world.table(7, champion: life.first, standby: life.second), at: World.now), after: "second root") == nil)
        #expect(try Self.refusal(.routing(world.table(7, champion: life.fallback), at: World.now), after: "second root") == nil)
    }

    /// A table follows what people and the state allow: not before enough of them signed, and nothing that no release sealed.
    @Test func promise12_aTableRoutesOnlyToWhatMayAnswer() throws {
        let life = try LedgerLife.once.get().life, world = life.world
        let first = try world.table(2, champion: life.first, standby: life.fallback), preparing = try world.table(2, champion: life.fallback, preparing: life.first)
        for label in ["0 live", "1 proposed"] {
            for table in [first, preparing] { #expect(try Self.refusal(.routing(table, at: World.now), after: label) == .invalid, "after \(label)") }
        }
        for label in ["1 sealed", "1 approved", "1 approved again"] {
            for table in [first, preparing] { #expect(try Self.refusal(.routing(table, at: World.now), after: label) == .phase, "after \(label)") }
        }
        for table in [first, preparing] { #expect(try Self.refusal(.routing(table, at: World.now), after: "1 preparing") == nil) }
        let other = try world.approved(world.draft(1) { $0.plan([.canary(0.5), .live]) })
        #expect(try Self.refusal(.routing(world.table(2, champion: other), at: World.now), after: "1 preparing") == .invalid)
    }

    /// An event that names a table names the newest one, and that one routes to the release, or no longer does.
    @Test func promise12_eventsAgreeWithTheTableTheyName() throws {
        let life = try LedgerLife.once.get().life, first = life.first, second = life.second
        func exposed(_ made: MadeRelease, _ generation: Int) -> LedgerRecord { Self.event(made, .exposed(step: 0, order: LedgerLife.order(generation), at: World.now)) }
        func taken(_ made: MadeRelease, _ generation: Int) -> LedgerRecord {
            Self.event(made, .rolledBack(.controller(reason: "errors"), order: LedgerLife.order(generation), at: World.now))
        }
        func again(_ generation: Int) -> LedgerRecord { Self.event(first, .reinstated(order: LedgerLife.order(generation), at: World.now)) }
        for generation in [1, 2, 3, 99] { #expect(try Self.refusal(exposed(first, generation), after: "table 2") == .order) }
        for generation in [2, 4] { #expect(try Self.refusal(exposed(first, generation), after: "table 3") == .order) }
        #expect(try Self.refusal(exposed(first, 3), after: "table 3") == nil)
        #expect(try Self.refusal(Self.event(first, .live(at: World.now)), after: "1 exposed") == nil)
        for generation in [5, 6] {
            #expect(try Self.refusal(taken(second, generation), after: "2 live") == .order && Self.refusal(again(generation), after: "1 superseded") == .order)
        }
        for generation in [5, 7] { #expect(try Self.refusal(taken(second, generation), after: "table 6") == .order && Self.refusal(again(generation), after: "table 6") == .order) }
        #expect(try Self.refusal(taken(second, 6), after: "table 6") == nil && Self.refusal(again(6), after: "2 rolled-back") == nil)
    }

    /// A release that nodes answer with is the champion: not after the table went back to its predecessor.
    @Test func promise12_aReleaseIsLiveOnlyWhereTheTableRoutesToIt() throws {
        let life = try LedgerLife.once.get().life, world = life.world
        var state = try Self.after("1 exposed")
        try state.apply(.routing(try world.table(4, champion: life.fallback, standby: life.first), at: World.now))
        #expect(#expect(throws: ReleaseError.self) { try state.apply(Self.event(life.first, .live(at: World.now))) }?.rule == .order)
    }

    /// By a live release of the same service, and by no other.
    @Test func promise12_aReleaseIsSupersededByTheOneThatIsLive() throws {
        let life = try LedgerLife.once.get().life
        func superseded(by name: String) throws -> LedgerRecord { Self.event(life.first, .superseded(by: try TestKit.name(name), at: World.now)) }
        for name in ["pricing-7", "rebooking-offer-3", "rebooking-offer-0"] { #expect(try Self.refusal(superseded(by: name), after: "2 live") == .phase, "\(name)") }
        #expect(try Self.refusal(superseded(by: "rebooking-offer-2"), after: "2 exposed") == .phase)
        #expect(try Self.refusal(superseded(by: "rebooking-offer-2"), after: "2 live") == nil)
    }

    /// Nor by itself, nor by a predecessor that is still called live.
    @Test func promise12_onlyTheChampionSupersedes() throws {
        let life = try LedgerLife.once.get().life
        for (made, successor) in [(life.first, life.first), (life.second, life.first), (life.second, life.second)] {
            let record = Self.event(made, .superseded(by: successor.spec.release, at: World.now))
            let rule = try Self.refusal(record, after: "2 live")
            #expect(rule == .phase)
        }
    }

    /// "→ live, when its successor is rolled back", and not while the successor is called live.
    @Test func promise12_aReleaseIsReinstatedOnlyWhenItsSuccessorIsGone() throws {
        let life = try LedgerLife.once.get().life
        let rule = try Self.refusal(Self.event(life.first, .reinstated(order: LedgerLife.order(6), at: World.now)), after: "table 6")
        #expect(rule == .phase)
    }

    @Test func promise12_aProposalNamesARegisteredVersion() throws {
        let life = try LedgerLife.once.get().life
        func proposed(_ number: Int) throws -> LedgerRecord {
            let made = try life.world.draft(1) { $0.proposal.model?.number = number }
            return Self.event(made, .proposed(made.bundle.proposal, at: World.now))
        }
        #expect(try Self.refusal(proposed(2), after: "0 live") == .invalid && Self.refusal(proposed(7), after: "0 live") == .invalid)
        #expect(try Self.refusal(proposed(1), after: "0 live") == nil)
    }

    /// A predicate under subjects that are others is evidence about neither.
    @Test func promise6_evidenceIsAboutItsSubjects() throws {
        let world = try LedgerLife.once.get().life.world
        func refusal<Predicate>(_ statement: Statement<Predicate>) throws -> ReleaseError.Rule? {
            try Self.refusal(.evidence(try world.signed(statement), at: World.now), after: "genesis")
        }
        let evaluation = world.evaluation().statement, rehearsal = world.rehearsal(baseline: Digest.of("baseline")).statement
        #expect(try refusal(evaluation) == nil && refusal(rehearsal) == nil)
        for index in 0...1 {
            var (other, without) = (evaluation, evaluation)
            other.subject[index].digest["sha256"] = Digest.of("other").hex
            without.subject.remove(at: index)
            #expect(try refusal(other) == .invalid && refusal(without) == .invalid)
            var (otherRehearsal, withoutRehearsal) = (rehearsal, rehearsal)
            otherRehearsal.subject[index].digest["sha256"] = Digest.of("other").hex
            withoutRehearsal.subject.remove(at: index)
            #expect(try refusal(otherRehearsal) == .invalid && refusal(withoutRehearsal) == .invalid)
        }
        var wrongType = evaluation
        wrongType.type = "https://in-toto.io/Statement/v0.1"
        #expect(try refusal(wrongType) == .invalid)
    }
}
