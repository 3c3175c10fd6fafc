// Orders to stop: anybody here may give one, nobody else may, and the ledger keeps who it was.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct StopOrderTests {
    /// The phases in which each order is the right one.
    private static let phases: [StopOrder.Action: [ReleasePhase]] = [.abort: [.validating, .awaitingApproval, .preparing], .rollback: [.exposed, .live]]

    private static func event(_ action: StopOrder.Action, _ cause: StopCause) -> ReleaseEvent {
        switch action {
        case .abort: .aborted(cause, at: World.now)
        case .pause: .paused(cause, order: TableOrder(epoch: 1, generation: 20), at: World.now)
        case .rollback: .rolledBack(cause, order: TableOrder(epoch: 1, generation: 20), at: World.now)
        }
    }

    @Test(arguments: ["ada", "ben", "cleo", "dan", "eve", "fay"]) func anyPersonMayStopARelease(person: String) throws {
        let life = try StateMachineTests.life(), trust = life.world.trust
        for (action, phases) in Self.phases {
            let envelope = try life.world.stop(action, life.made, by: person)
            #expect(try StopOrder.open(envelope, for: life.made.spec.release, trust: trust).person.text == person)
            for phase in phases {
                let next = try StateMachineTests.taking(Self.event(action, .order(envelope)), try life.release(in: phase), trust).get()
                let verb = action == .abort ? "aborted" : "rolled back"
                #expect(next.ending == "\(verb) by \(person): too many offers" && next.phase.isTerminal)
            }
        }
    }

    @Test func theControllerStopsInItsOwnName() throws {
        let life = try StateMachineTests.life()
        for (action, phases) in Self.phases {
            for phase in phases {
                let event = Self.event(action, .controller(reason: "the evidence is stale"))
                let next = try StateMachineTests.taking(event, try life.release(in: phase), life.world.trust).get()
                #expect(next.ending == "\(action == .abort ? "aborted" : "rolled back") by the controller: the evidence is stale")
            }
        }
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var rule: ReleaseError.Rule
        var envelope: @Sendable (World, MadeRelease, StopOrder.Action) throws -> Envelope

        init(_ says: String, _ rule: ReleaseError.Rule, _ envelope: @escaping @Sendable (World, MadeRelease, StopOrder.Action) throws -> Envelope) {
            (testDescription, self.rule, self.envelope) = (says, rule, envelope)
        }
    }

    static let bad: [Bad] = [
        Bad("the other action", .invalid) { try $0.stop($2 == .abort ? .rollback : .abort, $1) },
        Bad("another release", .invalid) { try $0.stop($2, $1) { $0.release = try name("rebooking-offer-2") } },
        Bad("another system", .invalid) { try $0.stop($2, $1) { $0.system = try name("pricing") } },
        Bad("another environment", .invalid) { try $0.stop($2, $1) { $0.environment = try name("staging") } },
        Bad("a format of another program", .invalid) { try $0.stop($2, $1) { $0.format = 2 } },
        Bad("an approval in its place", .invalid) { world, made, _ in try world.answer(to: made, as: .reviewer, by: "ben") },
        Bad("a forged name", .authority) { try $0.stop($2, $1, by: "cleo", keys: [2]) },
        Bad("an unknown key", .authority) { try $0.stop($2, $1, by: "cleo", keys: [99]) },
        Bad("a stranger", .authority) { try $0.stop($2, $1, by: "zoe", keys: [99]) },
        Bad("no signature", .authority) { try $0.stop($2, $1, keys: []) },
        Bad("the control plane's key", .authority) { try $0.stop($2, $1, keys: [20]) },
        Bad("a node's key", .authority) { try $0.stop($2, $1, keys: [30]) },
        Bad("a reason changed after signing", .authority) { world, made, action in
            var order = try world.stop(action, made)
            order.payload = Array(String(decoding: order.payload, as: UTF8.self).replacing("too many", with: "too few").utf8)
            return order
        },
    ]

    @Test(arguments: bad) func aBadOrderStopsNothing(_ test: Bad) throws {
        let life = try StateMachineTests.life()
        for (action, phases) in Self.phases {
            let envelope = try test.envelope(life.world, life.made, action)
            for phase in phases {
                switch StateMachineTests.taking(Self.event(action, .order(envelope)), try life.release(in: phase), life.world.trust) {
                case .success(let next): Issue.record("\(phase) became \(next.phase)")
                case .failure(let error): #expect(error.rule == test.rule, "\(error)")
                }
            }
        }
    }
}
