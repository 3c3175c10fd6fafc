// Promise 1 at the table: what the control plane's key may say, and what it may not.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct RoutingTests {
    static func open(_ envelope: Envelope, _ world: World, after last: TableOrder? = nil) throws(ReleaseError) -> RoutingTable {
        try RoutingTable.open(envelope, trust: world.trust, after: last)
    }

    private static func rule(_ body: () throws -> Void) -> ReleaseError.Rule? { #expect(throws: ReleaseError.self) { try body() }?.rule }

    /// The table with one change, signed again with the control plane's key, or with another.
    private static func signed(_ table: RoutingTable, keys: [UInt8] = [20]) throws -> Envelope {
        Envelope(signing: table, as: RoutingTable.payloadType, by: try keys.map(key))
    }

    private static func table(_ world: World) throws -> RoutingTable {
        try open(try world.table(7, champion: try world.release(1), standby: try world.release(0)), world)
    }

    @Test func promise1_theControlPlanesTableIsRead() throws {
        let world = try World(), table = try Self.table(world)
        #expect(try Self.open(try Self.signed(table), world) == table && Self.open(try Self.signed(table, keys: [1, 99, 20]), world) == table)
        #expect(table.order == TableOrder(epoch: 1, generation: 7) && table.order.description == "1.7" && table.bundles.count == 2)
        for route in table.routes {
            let verified = try VerifiedRoute(verifying: route, bundles: table.bundles, trust: world.trust)
            #expect(verified.route == route && Set(verified.releases.keys) == route.specs && route.specs.count == 2)
            #expect(verified.releases.allSatisfy { $0.key == $0.value.digest && $0.value.approvals.count == 2 })
        }
    }

    /// Ada, Ben, Cleo, the ledger, the validator, the node, a stranger, nobody, all of them but the control plane.
    @Test(arguments: [[1], [2], [3], [21], [22], [30], [99], [], [1, 2, 3, 21, 22, 30]] as [[UInt8]]) func promise1_anotherKeyMakesNoTable(keys: [UInt8]) throws {
        let world = try World()
        let envelope = try Self.signed(try Self.table(world), keys: keys)
        #expect(Self.rule { _ = try Self.open(envelope, world) } == .authority)
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var rule: ReleaseError.Rule
        var change: @Sendable (inout RoutingTable) throws -> Void

        init(_ says: String, _ rule: ReleaseError.Rule, _ change: @escaping @Sendable (inout RoutingTable) throws -> Void) {
            (testDescription, self.rule, self.change) = (says, rule, change)
        }
    }

    @Test(arguments: [
        Change("format 2", .invalid) { $0.format = 2 }, Change("format 0", .invalid) { $0.format = 0 },
        Change("another system", .authority) { $0.system = try name("pricing") }, Change("another environment", .authority) { $0.environment = try name("staging") },
        Change("two routes for one service", .invalid) { $0.routes.append($0.routes[0]) },
        Change("two different routes for one service", .invalid) { $0.routes.append(ServiceRoute(service: $0.routes[0].service, champion: $0.bundles[1].digest)) },
        Change("an older generation", .order) { $0.order.generation = 6 }, Change("an older epoch", .order) { $0.order = TableOrder(epoch: 0, generation: 99) },
        Change("an order below all", .order) { $0.order = TableOrder(epoch: Int.min, generation: Int.min) },
    ]) func promise1_aSignedTableMayBeWrong(_ test: Change) throws {
        let world = try World()
        var table = try Self.table(world)
        try test.change(&table)
        #expect(Self.rule { _ = try Self.open(try Self.signed(table), world, after: TableOrder(epoch: 1, generation: 7)) } == test.rule)
    }

    @Test func promise1_anotherPayloadTypeIsNoTable() throws {
        let world = try World(), table = try Self.table(world)
        for type in [Approval.payloadType, "application/json", ""] {
            #expect(Self.rule { _ = try Self.open(Envelope(signing: table, as: type, by: [try key(20)]), world) } == .authority)
        }
        #expect(Self.rule { _ = try Self.open(Envelope(signing: table.order, as: RoutingTable.payloadType, by: [try key(20)]), world) } == .authority)
    }

    /// The newest table so far, the table that comes, and whether it may.
    @Test(
        arguments: [
            ((1, 7), (1, 7), true), ((1, 7), (1, 8), true), ((1, 7), (1, 6), false), ((1, 7), (2, 0), true), ((2, 0), (1, 99), false), ((1, Int.max), (2, Int.min), true),
            ((0, 0), (-1, Int.max), false), ((1, 7), (1, Int.max), true),
        ] as [((Int, Int), (Int, Int), Bool)]) func promise1_aNodeNeverGoesBack(last: (Int, Int), next: (Int, Int), isAccepted: Bool) throws
    {
        let world = try World(), last = TableOrder(epoch: last.0, generation: last.1)
        var table = try Self.table(world)
        table.order = TableOrder(epoch: next.0, generation: next.1)
        #expect((table.order < last) != isAccepted)
        let envelope = try Self.signed(table)
        if isAccepted {
            #expect(try Self.open(envelope, world, after: last) == table)
        } else {
            #expect(Self.rule { _ = try Self.open(envelope, world, after: last) } == .order)
        }
        #expect(try Self.open(envelope, world) == table)
    }

    private enum Place: CaseIterable { case champion, candidate, standby, preparing }

    /// A route with a good champion and, at one place, the release.
    private static func route(_ release: MadeRelease, at place: Place, champion: MadeRelease) -> ServiceRoute {
        let service = champion.spec.service
        return switch place {
        case .champion: ServiceRoute(service: service, champion: release.digest)
        case .candidate: ServiceRoute(service: service, champion: champion.digest, candidate: .init(spec: release.digest, share: 0, step: 0))
        case .standby: ServiceRoute(service: service, champion: champion.digest, standby: release.digest)
        case .preparing: ServiceRoute(service: service, champion: champion.digest, preparing: release.digest)
        }
    }

    /// Whatever place a route gives to a release, it must have been released, for this service, and come along.
    @Test func promise1_everyPlaceOfARouteIsChecked() throws {
        let world = try World(), champion = try world.release(0)
        var good = try world.release(1, exposure: [.canary(0.25), .live])
        good.bundle.promotion = try world.advance(.promote, good, step: 1)
        let unapproved = try world.release(1, exposure: [.canary(0.25), .live], approvers: [(.reviewer, 2, "ben")])
        let foreign = try world.approved(
            try world.draft(2) { spec in
                spec.proposal.service = try name("pricing")
                spec.proposal.release = try name("pricing-2")
            })
        for place in Place.allCases {
            func verify(_ release: MadeRelease, carried: Bool = true) throws -> VerifiedRoute {
                try VerifiedRoute(
                    verifying: Self.route(release, at: place, champion: champion), bundles: [champion.bundle] + (carried ? [release.bundle] : []), trust: world.trust)
            }
            #expect(try verify(good).releases[good.digest] != nil)
            #expect(Self.rule { _ = try verify(unapproved) } == .authority)
            #expect(Self.rule { _ = try verify(foreign) } == .invalid)
            #expect(Self.rule { _ = try verify(good, carried: false) } == .evidence)
        }
        #expect(Self.rule { _ = try VerifiedRoute(verifying: Self.route(good, at: .standby, champion: champion), bundles: [], trust: world.trust) } == .evidence)
    }

    /// A bundle with the right spec and a bad part beside it is found first or last: neither makes the release good.
    @Test func promise1_aSecondBundleOfOneSpecHelpsNobody() throws {
        let world = try World(), good = try world.release(1)
        var bad = good.bundle
        bad.approvals.removeLast()
        let route = ServiceRoute(service: good.spec.service, champion: good.digest)
        #expect(throws: ReleaseError.self) { try VerifiedRoute(verifying: route, bundles: [bad, good.bundle], trust: world.trust) }
        #expect(try VerifiedRoute(verifying: route, bundles: [good.bundle, bad], trust: world.trust).releases[good.digest]?.approvals.count == 2)
    }

    struct Share: Sendable, CustomTestStringConvertible {
        var plan: [ExposureStep]
        var step: Int
        var share: Double
        var isAllowed: Bool
        var testDescription: String { "\(share) on step \(step) of \(plan)" }

        init(_ plan: [ExposureStep], _ step: Int, _ share: Double, _ isAllowed: Bool) { (self.plan, self.step, self.share, self.isAllowed) = (plan, step, share, isAllowed) }
    }

    private static let canaries: [ExposureStep] = [.shadow(1), .canary(0.05), .canary(0.25), .live]
    private static let never: [Double] = [1, 1.5, -.leastNonzeroMagnitude, -0.1, -1, .nan, .signalingNaN, .infinity, -.infinity]
    static let shares: [Share] =
        [0, -0.0, Double.leastNonzeroMagnitude, 0.05].map { Share(canaries, 1, $0, true) } + [Double(0.05).nextUp, 0.25].map { Share(canaries, 1, $0, false) }
        + [0, 0.05, 0.25].map { Share(canaries, 2, $0, true) } + [Double(0.25).nextUp, 0.26].map { Share(canaries, 2, $0, false) }
        + [0, -0.0].map { Share(canaries, 0, $0, true) } + [Double.leastNonzeroMagnitude, 0.05].map { Share(canaries, 0, $0, false) }
        + (0...2).flatMap { step in never.map { Share(canaries, step, $0, false) } }
        // No step of the plan, or the live one, where it would be the champion.
        + [-1, 3, 4, Int.min, Int.max].flatMap { step in [0, 0.05, 1].map { Share(canaries, step, $0, false) } } + [0, 1].map { Share([.live], 0, $0, false) }

    @Test(arguments: shares) func promise1_aCandidateGetsNoMoreThanItsPlan(_ test: Share) throws {
        let world = try World(), champion = try world.release(0), candidate = try world.release(1, exposure: test.plan)
        let route = ServiceRoute(service: champion.spec.service, champion: champion.digest, candidate: .init(spec: candidate.digest, share: test.share, step: test.step))
        do throws(ReleaseError) {
            let verified = try VerifiedRoute(verifying: route, bundles: [champion.bundle, candidate.bundle], trust: world.trust)
            #expect(test.isAllowed && verified.releases.count == 2)
        } catch {
            #expect(!test.isAllowed && error.rule == .exposure)
        }
    }

    @Test(
        arguments: [([.live], true), ([.canary(0.25), .live], false), ([.shadow(1)], false), ([.canary(1)], false), ([.shadow(1), .canary(0.999)], false)]
            as [([ExposureStep], Bool)])
    func promise1_aChampionHasALiveStep(plan: [ExposureStep], isAllowed: Bool) throws {
        let world = try World(), release = try world.release(1, exposure: plan)
        let route = ServiceRoute(service: release.spec.service, champion: release.digest)
        if isAllowed {
            #expect(throws: Never.self) { try VerifiedRoute(verifying: route, bundles: [release.bundle], trust: world.trust) }
        } else {
            #expect(Self.rule { _ = try VerifiedRoute(verifying: route, bundles: [release.bundle], trust: world.trust) } == .exposure)
        }
    }

    /// Where the policy needs a person for the step to live, no control plane can make a champion without one.
    @Test func promise1_aChampionThatNeedsAPersonHasTheirOrder() throws {
        let world = try World(), release = try world.release(1, exposure: [.shadow(1), .canary(0.25), .live])
        func verify(_ promotion: Envelope?) -> ReleaseError.Rule? {
            var bundle = release.bundle
            bundle.promotion = promotion
            let route = ServiceRoute(service: release.spec.service, champion: release.digest)
            do throws(ReleaseError) {
                _ = try VerifiedRoute(verifying: route, bundles: [bundle], trust: world.trust)
                return nil
            } catch { return error.rule }
        }
        #expect(verify(nil) == .exposure)
        #expect(verify(try world.advance(.promote, release, step: 2)) == nil)
        #expect(verify(try world.advance(.promote, release, step: 1)) == .exposure)
        #expect(verify(try world.advance(.resume, release, step: 2)) == .exposure)
        #expect(verify(try world.advance(.promote, release, step: 2, by: "ada")) != nil, "its proposer")
        #expect(verify(try world.advance(.promote, release, step: 2, keys: [20])) == .authority, "the control plane's own key")
        #expect(verify(try world.advance(.promote, release, step: 2) { $0.spec = Digest.of("another") }) == .invalid)
        // As a candidate it needs none.
        let champion = try world.release(0)
        let route = ServiceRoute(service: champion.spec.service, champion: champion.digest, candidate: .init(spec: release.digest, share: 0.25, step: 1))
        #expect(throws: Never.self) { try VerifiedRoute(verifying: route, bundles: [champion.bundle, release.bundle], trust: world.trust) }
    }

    /// A node's own word, with the key that the root lists for it.
    @Test func anObservationIsItsNodesOwn() throws {
        let world = try World(), made = try world.release(1)
        for state in [Observation.State.rehearsed, .active, .refused] {
            let observation = try Observation.open(try world.observed(state, made, generation: 3), trust: world.trust)
            #expect(observation.node == world.node && observation.state == state && observation.spec == made.digest)
        }
        for number in [1, 20, 21, 22, 99] as [UInt8] {
            #expect(Self.rule { _ = try Observation.open(try world.observed(.active, made, generation: 3, key: number), trust: world.trust) } == .authority)
        }
        let changes: [(ReleaseError.Rule, (inout Observation) throws -> Void)] = [
            (.authority, { $0.node = try name("node-2") }), (.invalid, { $0.system = try name("pricing") }), (.invalid, { $0.environment = try name("staging") }),
            (.invalid, { $0.format = 2 }),
        ]
        for (rule, change) in changes {
            #expect(Self.rule { _ = try Observation.open(try world.observed(.active, made, generation: 3, change: change), trust: world.trust) } == rule)
        }
    }
}
