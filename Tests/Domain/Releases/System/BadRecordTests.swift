// Promise 12: records that are no part of any history, tried at every point of one. Each is refused and changes nothing.
import Evidence
import Primitives
import Registry
import Releases
import TestKit
import Testing

@Suite struct BadRecordTests {
    private typealias Bad = (says: String, entry: LedgerEntry)

    private static func entry(_ record: LedgerRecord) -> LedgerEntry { record.entry(salt: []) }

    private static func event(_ made: MadeRelease, _ event: ReleaseEvent) -> LedgerEntry { entry(.release(made.spec.release, event)) }

    private static func unreadable(_ life: LedgerLife) -> [Bad] {
        let good = life.records[1].payload, measured = life.records[2].payload
        let live = ReleaseEvent.live(at: World.now).payload(of: life.first.spec.release)
        return [
            ("a kind that nobody knows", LedgerEntry(kind: "evidence.retired", salt: [], payload: measured)), ("no kind", LedgerEntry(kind: "", salt: [], payload: measured)),
            ("a release's kind that nobody knows", LedgerEntry(kind: "release.paused", salt: [], payload: live)),
            ("a kind in other letters", LedgerEntry(kind: "Evidence.Recorded", salt: [], payload: measured)),
            ("no payload", LedgerEntry(kind: "trust.root", salt: [], payload: [])),
            ("a payload of another kind", LedgerEntry(kind: "model.registered", salt: [], payload: live)),
            ("a cut payload", LedgerEntry(kind: "model.registered", salt: [], payload: good.dropLast())),
            ("a kind that is not the payload's", LedgerEntry(kind: "node.observed", salt: [], payload: good)),
            ("an event that cannot be the next", LedgerEntry(kind: "release.live", salt: [], payload: ReleaseEvent.live(at: World.now).payload(of: life.third.spec.release))),
        ]
    }

    private static func trustAndModels(_ life: LedgerLife) throws -> [Bad] {
        let world = life.world
        func root(_ keys: [UInt8], _ change: (inout TrustRoot) throws -> Void) throws -> LedgerEntry {
            var root = world.trust
            try change(&root)
            return entry(.trustRoot(Envelope(signing: root, as: TrustRoot.payloadType, by: try keys.map(key)), at: World.now))
        }
        func registered(_ registration: Registration, keys: [UInt8]? = nil) throws -> LedgerEntry {
            entry(.registered(try world.signed(registration, keys: keys), at: World.now))
        }
        var other = world.evaluation().statement
        other.predicateType = "urn:penstock:opinion:v1"
        return [
            ("a root that one person signed", try root([1]) { _ in }), ("a root that skips versions", try root([1, 2, 3]) { $0.version = 9 }),
            ("a root of another system", try root([1, 2, 3]) { ($0.version, $0.system) = (2, try name("pricing")) }),
            ("a version that skips numbers", try registered(try world.registration(9))), ("a version 0", try registered(try world.registration(0))),
            ("a version that its author did not sign", try registered(try world.registration(4), keys: [2])),
            ("a version that the control plane signed", try registered(try world.registration(4), keys: [20])),
            ("a registration that is an evaluation", entry(.registered(try world.signed(world.evaluation().statement, key: 1), at: World.now))),
            ("evidence that the control plane signed", entry(.evidence(try world.signed(world.evaluation().statement, key: 20), at: World.now))),
            ("evidence that its author signed", entry(.evidence(try world.signed(world.evaluation().statement, key: 1), at: World.now))),
            ("evidence of no known kind", entry(.evidence(try world.signed(other), at: World.now))),
            ("a registration as evidence", entry(.evidence(try world.signed(try world.registration(1).statement), at: World.now))),
        ]
    }

    private static func routes(_ life: LedgerLife) throws -> [Bad] {
        let world = life.world
        func routing(_ envelope: Envelope) -> LedgerEntry { entry(.routing(envelope, at: World.now)) }
        func table(_ change: (inout RoutingTable) throws -> Void) throws -> LedgerEntry {
            var table: RoutingTable = try world.table(1000, champion: life.first).decodeUnverified(as: RoutingTable.payloadType)
            try change(&table)
            return routing(Envelope(signing: table, as: RoutingTable.payloadType, by: [try key(20)]))
        }
        func observed(_ key: UInt8, _ change: (inout Observation) throws -> Void = { _ in }) throws -> LedgerEntry {
            entry(.observed(try world.observed(.active, life.first, generation: 3, key: key, change: change), at: World.now))
        }
        return [
            ("a table that the ledger's key signed", routing(try world.table(1000, champion: life.first, signedBy: 21))),
            ("a table that a person signed", routing(try world.table(1000, champion: life.first, signedBy: 1))),
            ("a table with an unapproved champion", routing(try world.table(1000, champion: life.third))),
            ("a table that prepares an unapproved release", routing(try world.table(1000, champion: life.first, preparing: life.third))),
            ("a table with too great a share", routing(try world.table(1000, champion: life.first, candidate: (life.second, 1.5)))),
            ("a table of another environment", try table { $0.environment = try name("staging") }), ("a table without its bundle", try table { $0.bundles = [] }),
            ("a table with two routes for one service", try table { $0.routes += $0.routes }), ("a table of format 2", try table { $0.format = 2 }),
            ("an observation that a stranger signed", try observed(99)), ("an observation that the control plane signed", try observed(20)),
            ("an observation of an unknown node", try observed(30) { $0.node = try name("node-9") }),
            ("an observation in another system", try observed(30) { $0.system = try name("pricing") }),
        ]
    }

    private static func events(_ life: LedgerLife) throws -> [Bad] {
        let world = life.world, first = life.first, second = life.second
        func proposed(_ made: MadeRelease, keys: [UInt8]? = nil) throws -> LedgerEntry {
            event(made, .proposed(try world.signed(made.spec.proposal, keys: keys), at: World.now))
        }
        let other = try world.draft(1) { $0.plan([.canary(1), .live]) }
        let forged = try world.stop(.rollback, first, by: "cleo", keys: [2])
        return try [
            ("a proposal that skips numbers", proposed(world.draft(9))), ("a proposal that nobody signed", proposed(world.draft(4), keys: [])),
            ("a proposal of somebody who may not", proposed(world.draft(4, proposer: "ben"))),
            ("a proposal that another person signed", proposed(world.draft(4), keys: [2])),
            ("a proposal under another release's name", entry(.release(name("rebooking-offer-5"), .proposed(try world.draft(4).bundle.proposal, at: World.now)))),
            ("a spec that was not proposed", event(first, .sealed(spec: Base64Bytes(second.spec.encoded), at: World.now))),
            ("an approval by the proposer", event(first, .approved(try world.answer(to: first, as: .reviewer, by: "ada"), at: World.now))),
            ("an approval of another spec", event(first, .approved(try world.answer(to: other, as: .reviewer, by: "ben"), at: World.now))),
            ("an approval of another release", event(second, .approved(try world.answer(to: first, as: .reviewer, by: "ben"), at: World.now))),
            ("a rejection that says approve", event(first, .rejected(try world.answer(to: first, as: .reviewer, by: "ben"), at: World.now))),
            ("a step that the plan has not", event(first, .exposed(step: 1, order: LedgerLife.order(1), at: World.now))),
            ("a rollback that nobody ordered", event(first, .rolledBack(.order(forged), order: LedgerLife.order(1), at: World.now))),
            ("a rollback that was an order to abort", event(second, .rolledBack(.order(try world.stop(.abort, second, by: "ben")), order: LedgerLife.order(1), at: World.now))),
            ("an abort that was an order to roll back", event(first, .aborted(.order(try world.stop(.rollback, first, by: "ben")), at: World.now))),
            ("an abort of another release", event(second, .aborted(.order(try world.stop(.abort, first, by: "ben")), at: World.now))),
        ]
    }

    @Test func promise12_aRefusedRecordChangesNothingAtAnyPointOfTheHistory() throws {
        let (life, states) = try LedgerLife.once.get()
        let bad = try Self.unreadable(life) + Self.trustAndModels(life) + Self.routes(life) + Self.events(life)
        #expect(bad.count == 49)
        for (index, state) in states.enumerated() {
            let place = index == 0 ? "the beginning" : life.steps[index - 1].label
            for (says, entry) in bad {
                var changed = state
                #expect(throws: ReleaseError.self, "\(says), after \(place)") { try changed.apply(entry) }
                let isUnchanged = changed == state
                #expect(isUnchanged, "\(says), after \(place)")
            }
        }
    }

    /// Tables only go forward, and none is issued twice.
    @Test func promise12_theLedgersTablesOnlyGoForward() throws {
        let (life, states) = try LedgerLife.once.get(), end = try #require(states.last)
        for generation in [Int.min, 0, 1, 5, 6] {
            var state = end
            let error = #expect(throws: ReleaseError.self) {
                try state.apply(.routing(try life.world.table(generation, champion: life.first, standby: life.second), at: World.now))
            }
            let isUnchanged = state == end
            #expect(error?.rule == .order && isUnchanged)
        }
        var state = end
        try state.apply(.routing(try life.world.table(7, champion: life.first), at: World.now))
        #expect(state.table?.order == LedgerLife.order(7))
    }
}
