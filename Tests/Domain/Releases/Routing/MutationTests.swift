// Promise 1: every part of a bundle and of a table is changed at every place, and nothing of it gets through.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct MutationTests {
    /// What a signature does not cover in its own envelope: a hint about the key, a signature that stands twice; and, where the JSON around
    /// it is nobody's, keys that stand twice or say nothing.
    private static func free(inEnvelopeAt path: String, isSigned: Bool = false) -> [String] {
        let prefix = path.isEmpty ? "" : path + "."
        let hints = ["signatures[0] repeated", "signatures[0].keyid changed"].map { prefix + $0 }
        if isSigned { return hints }
        let twice = ["payload", "payloadType", "signatures", "signatures[0].keyid", "signatures[0].sig"].map { "\(prefix)\($0) repeated" }
        return hints + twice + ["\(path) added", "\(prefix)signatures[0] added"]
    }

    /// The same in one bundle. The order of approvals says nothing, and one that stands twice counts once.
    private static func free(inBundleAt path: String, isSigned: Bool = false) -> [String] {
        let parts = ["proposal", "registration", "approvals[0]", "approvals[1]"]
        let prefix = path.isEmpty ? "" : path + "."
        let order = ["approvals changed", "approvals[0] repeated", "approvals[1] repeated"].map { prefix + $0 }
        let twice = isSigned ? [] : ["\(path) added"] + ["spec", "approvals", "proposal", "registration"].map { "\(prefix)\($0) repeated" }
        return order + twice + parts.flatMap { free(inEnvelopeAt: prefix + $0, isSigned: isSigned) }
    }

    @Test func promise1_everyPlaceOfABundleIsBound() throws {
        let world = try World(), made = try world.approved(world.draft(1))
        let original = try VerifiedRelease(verifying: made.bundle, trust: world.trust)
        let tree = try JSONTree(parsing: StrictJSON.encode(made.bundle)), mutations = tree.mutations()
        #expect(tree.leaves().count > 100, "the JSON inside the envelopes was not found")
        var accepted: [String] = []
        for mutation in mutations {
            guard let bundle: ReleaseBundle = try? StrictJSON.decode(from: mutation.tree.bytes),
                let verified = try? VerifiedRelease(verifying: bundle, trust: world.trust)
            else { continue }
            accepted.append(mutation.name)
            let isSame = verified.spec == original.spec && verified.digest == original.digest && Set(verified.approvals) == Set(original.approvals)
            #expect(isSame, "\(mutation.name) was accepted as another release")
        }
        #expect(mutations.count > 700, "\(mutations.count)")
        Self.expect(accepted, are: Self.free(inBundleAt: ""))
    }

    private static func expect(_ accepted: [String], are free: [String]) {
        #expect(Set(accepted).subtracting(free).sorted() == [], "accepted, and not free")
        #expect(Set(free).subtracting(accepted).sorted() == [], "listed as free, and refused")
        // One of the several changes of a place is the free one.
        #expect(accepted.count == free.count, "\(accepted.count) accepted, \(free.count) free")
    }

    /// Spec, proposal, registration and approvals of two good releases, mixed in every way.
    @Test func promise1_partsOfTwoReleasesDoNotMix() throws {
        let world = try World(), releases = [try world.approved(world.draft(1)).bundle, try world.approved(world.draft(2)).bundle]
        for choice in 0..<16 {
            let parts = (0..<4).map { releases[choice >> $0 & 1] }
            let bundle = ReleaseBundle(spec: parts[0].spec.bytes, proposal: parts[1].proposal, registration: parts[2].registration, approvals: parts[3].approvals)
            let verified = try? VerifiedRelease(verifying: bundle, trust: world.trust)
            #expect((verified != nil) == (choice == 0 || choice == 15), "\(choice)")
        }
        let both = ReleaseBundle(
            spec: releases[0].spec.bytes, proposal: releases[0].proposal, registration: releases[0].registration, approvals: releases.flatMap(\.approvals))
        #expect(throws: ReleaseError.self) { try VerifiedRelease(verifying: both, trust: world.trust) }
    }

    @Test func promise1_aModelComesWithItsRegistration() throws {
        let world = try World(), made = try world.approved(world.draft(1))
        func rule(_ registration: Envelope?) throws -> ReleaseError.Rule? {
            var bundle = made.bundle
            bundle.registration = registration
            return #expect(throws: ReleaseError.self) { try VerifiedRelease(verifying: bundle, trust: world.trust) }?.rule
        }
        #expect(try rule(nil) == .evidence)
        #expect(try rule(try world.signed(try world.registration(2))) == .invalid)
        #expect(try rule(try world.signed(try world.registration(1, model: "1 0 0"))) == .invalid)
        #expect(try rule(try world.signed(try world.registration(1), keys: [20])) == .authority)
        #expect(try rule(try world.signed(world.evaluation().statement)) == .authority)
    }

    /// A champion, and a candidate whose plan ends at 5 % and that stands by as well.
    private static func table(_ world: World) throws -> Envelope {
        let candidate = try world.release(2, exposure: [.canary(0.05)])
        var table: RoutingTable = try world.table(7, champion: try world.release(1), candidate: (candidate, 0.05)).decodeUnverified(as: RoutingTable.payloadType)
        table.routes[0].standby = candidate.digest
        return Envelope(signing: table, as: RoutingTable.payloadType, by: [try key(20)])
    }

    /// What a node makes of a table: nothing, or its verified routes.
    private static func judge(_ envelope: Envelope, _ world: World) -> [VerifiedRoute]? {
        guard let table = try? RoutingTable.open(envelope, trust: world.trust, after: TableOrder(epoch: 1, generation: 7)) else { return nil }
        return try? table.routes.map { try VerifiedRoute(verifying: $0, bundles: table.bundles, trust: world.trust) }
    }

    @Test func promise1_everyPlaceOfASignedTableIsBound() throws {
        let world = try World(), envelope = try Self.table(world), original = try #require(Self.judge(envelope, world))
        var accepted: [String] = [], count = 0
        for mutation in try JSONTree(parsing: StrictJSON.encode(envelope)).mutations() {
            count += 1
            guard let changed = try? Envelope.read(mutation.tree.bytes), let routes = Self.judge(changed, world) else { continue }
            accepted.append(mutation.name)
            #expect(routes == original)
        }
        #expect(count > 1000, "\(count)")
        Self.expect(accepted, are: Self.free(inEnvelopeAt: ""))
    }

    /// The same with a control plane that lies: it signs each changed table. It may lower exposure, order and repeat, and nothing else.
    @Test func promise1_theControlPlanesKeyRaisesNothing() throws {
        let world = try World(), envelope = try Self.table(world), original = try #require(Self.judge(envelope, world)?.first)
        let service = original.route.service
        var accepted: [String] = []
        for mutation in try JSONTree(parsing: envelope.payload).mutations() {
            var changed = Envelope(payloadType: RoutingTable.payloadType, payload: mutation.tree.bytes)
            changed.sign(with: try key(20))
            guard let routes = Self.judge(changed, world) else { continue }
            accepted.append(mutation.name)
            for verified in routes {
                #expect(verified.route.service == service && verified.route.champion == original.route.champion, "\(mutation.name)")
                #expect(verified.route.candidate.map { $0 == original.route.candidate } ?? true && verified.route.standby.map { $0 == original.route.standby } ?? true)
                #expect(verified.releases.allSatisfy { original.releases[$0.key]?.spec == $0.value.spec }, "\(mutation.name)")
            }
        }
        let lower = ["routes changed", "routes[0] deleted", "routes[0].candidate deleted", "routes[0].standby deleted"]
        let later = ["issued changed", "order.epoch changed", "order.generation changed", "bundles changed", "bundles[0] repeated", "bundles[1] repeated"]
        let inBundles = (0...1).flatMap { Self.free(inBundleAt: "bundles[\($0)]", isSigned: true) }
        Self.expect(accepted, are: lower + later + inBundles)
    }
}
