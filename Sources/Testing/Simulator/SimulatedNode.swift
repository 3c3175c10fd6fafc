// A serving node as a value: what survives its restarts, what it accepts, and what it serves.
internal import Evidence
internal import Primitives
internal import Releases
internal import TestKit

/// Does what the serving plane's agent does, one call at a time and without files, threads or a model. Tables and routes are judged by the
/// domain's own verifier.
struct SimulatedNode {
    struct Slot {
        /// The table whose route this is.
        var order: TableOrder
        var champion: ReleaseBundle
        /// As the table has it; see `shareInForce`.
        var candidate: (bundle: ReleaseBundle, share: Double, step: Int)?
    }

    let id: NodeID
    let key: SigningKey

    // On the disk.
    private(set) var newest: Envelope?
    private var serving: [ServiceName: Envelope] = [:]
    private var files: Set<Digest> = []
    private var vetoes: Set<Digest> = []

    // In memory.
    private(set) var isUp = true
    private(set) var table: RoutingTable?
    private(set) var slots: [ServiceName: Slot] = [:]
    private(set) var unsent: [Envelope] = []
    private(set) var isSettled = false
    private var rehearsed: Set<Digest> = []
    private var reported: Set<String> = []
    /// Nonces that are not answered yet, and when they were asked with.
    private var asked: [(nonce: [UInt8], at: Int64)] = []
    private var leasedUntil: Int64?
    /// Keeps on exposing without a lease: see `Weakness`.
    var ignoresLeases = false

    init(_ id: NodeID, _ key: SigningKey) {
        self.id = id
        self.key = key
    }

    mutating func crash() {
        isUp = false
        (table, slots, unsent, isSettled, rehearsed, reported, asked, leasedUntil) = (nil, [:], [], false, [], [], [], nil)
    }

    /// Serves again what was served, from its own disk.
    mutating func start(_ judge: Judge, forgetsOrder: Bool = false, at now: Instant) {
        isUp = true
        if forgetsOrder { newest = nil }
        for (service, envelope) in serving.sorted(by: { $0.key < $1.key }) {
            guard let old = try? judge.open(envelope, after: nil), let route = old.routes.first(where: { $0.service == service }) else { continue }
            _ = serve(route, of: old, envelope, judge, { _ in false }, now)
        }
        table = newest.flatMap { try? judge.open($0, after: nil) }
    }

    /// Takes a table that is right and newer. The reason why not, otherwise.
    mutating func accept(_ envelope: Envelope, _ judge: Judge) -> String? {
        let next: RoutingTable
        do { next = try judge.open(envelope, after: table?.order) } catch { return error.message }
        guard next.order != table?.order else { return "known" }
        (newest, table, isSettled, reported) = (envelope, next, false, [])
        rehearsed = rehearsed.filter { digest in next.routes.contains { $0.specs.contains(digest) } }
        return nil
    }

    /// Brings what is served nearer to the table. `fetch` says whether a release's files can be had now.
    mutating func pass(_ judge: Judge, at now: Instant, fetch: (Digest) -> Bool) {
        guard isUp, let table, let newest, !isSettled else { return }
        isSettled = true
        for route in table.routes where !serve(route, of: table, newest, judge, fetch, now) { isSettled = false }
    }

    /// True when there is nothing to try again.
    private mutating func serve(_ route: ServiceRoute, of table: RoutingTable, _ envelope: Envelope, _ judge: Judge, _ fetch: (Digest) -> Bool, _ now: Instant) -> Bool {
        do {
            try judge.check(route, table.bundles)
        } catch {
            if reported.insert("\(table.order) \(route.service)").inserted {
                observe(.refused, route.preparing ?? route.candidate?.spec ?? route.champion, route, table, judge, reason: error.message, now)
            }
            return true
        }
        guard load([route.champion, route.candidate?.spec], fetch) else { return false }
        flip(route, of: table, envelope, judge, now)
        guard load([route.standby, route.preparing], fetch) else { return false }
        if let digest = route.preparing, rehearsed.insert(digest).inserted { observe(.rehearsed, digest, route, table, judge, milliseconds: 3, now) }
        return true
    }

    private mutating func load(_ specs: [Digest?], _ fetch: (Digest) -> Bool) -> Bool {
        for digest in specs.compactMap({ $0 }) where !files.contains(digest) {
            guard fetch(digest) else { return false }
            files.insert(digest)
        }
        return true
    }

    private mutating func flip(_ route: ServiceRoute, of table: RoutingTable, _ envelope: Envelope, _ judge: Judge, _ now: Instant) {
        func bundle(_ digest: Digest) -> ReleaseBundle? { table.bundles.first { $0.digest == digest } }
        guard let champion = bundle(route.champion) else { return }
        let previous = slots[route.service]?.champion.digest
        serving[route.service] = envelope
        let candidate = route.candidate.flatMap { arm in vetoes.contains(arm.spec) ? nil : bundle(arm.spec).map { ($0, arm.share, arm.step) } }
        slots[route.service] = Slot(order: table.order, champion: champion, candidate: candidate)
        if previous != route.champion { observe(.active, route.champion, route, table, judge, now) }
    }

    /// Whether going to this release needs nothing but a table.
    func isWarm(_ spec: Digest) -> Bool { files.contains(spec) }

    private mutating func observe(
        _ state: Observation.State, _ spec: Digest, _ route: ServiceRoute, _ table: RoutingTable, _ judge: Judge, milliseconds: Double? = nil, reason: String? = nil,
        _ now: Instant
    ) {
        let observation = Observation(
            system: judge.trust.system, environment: judge.trust.environment, node: id, order: table.order, service: route.service, spec: spec, state: state,
            milliseconds: milliseconds, reason: reason, at: now)
        unsent.append(Envelope(signing: observation, as: Observation.payloadType, by: [key]))
    }

    /// A candidate's share counts only by a lease on the table that the slot is of.
    func shareInForce(_ slot: Slot, at now: Int64) -> Double {
        guard let candidate = slot.candidate, !vetoes.contains(candidate.bundle.digest) else { return 0 }
        if ignoresLeases { return candidate.share }
        guard let leasedUntil, now < leasedUntil, slot.order == table?.order else { return 0 }
        return candidate.share
    }

    mutating func asks(_ nonce: [UInt8], at now: Int64) {
        asked.append((nonce, now))
        if asked.count > 3 { asked.removeFirst() }
    }

    /// Takes a lease that answers a question of its own about the table that it has.
    mutating func take(_ envelope: Envelope, _ judge: Judge) {
        for (place, question) in asked.enumerated() {
            guard let lease = try? Lease.open(envelope, answering: question.nonce, trust: judge.trust) else { continue }
            if lease.order == table?.order { leasedUntil = max(leasedUntil ?? 0, question.at + Int64(Lease.span / .milliseconds(1))) }
            asked.remove(at: place)
            return
        }
    }

    /// Stops a candidate for good. False when it is stopped already.
    mutating func veto(_ spec: Digest, _ service: ServiceName, _ judge: Judge, at now: Instant) -> Bool {
        guard let table, let route = table.routes.first(where: { $0.service == service }), vetoes.insert(spec).inserted else { return false }
        slots[service]?.candidate = nil
        observe(.vetoed, spec, route, table, judge, reason: "harm", now)
        return true
    }

    /// The control plane has it.
    mutating func told(_ envelope: Envelope) {
        if let place = unsent.firstIndex(of: envelope) { unsent.remove(at: place) }
    }
}

/// The domain's verifier, asked once for each table and route: its answers depend on nothing but what it is given.
final class Judge {
    let trust: TrustRoot
    /// Accepts what the trust root forbids: see `Weakness`.
    private let believed: TrustRoot
    private let takesOlder: Bool
    private var tables: [Envelope: Result<RoutingTable, ReleaseError>] = [:]
    private var routes: [Question: Result<Void, ReleaseError>] = [:]

    private struct Question: Hashable {
        var route: ServiceRoute
        var bundles: [ReleaseBundle]
    }

    init(_ trust: TrustRoot, _ weaknesses: Weakness) {
        self.trust = trust
        var believed = trust
        believed.solo = weaknesses.contains(.nodesCountProposers)
        self.believed = believed
        takesOlder = weaknesses.contains(.nodesTakeOlderTables)
    }

    func open(_ envelope: Envelope, after last: TableOrder?) throws(ReleaseError) -> RoutingTable {
        let known = tables[envelope] ?? Result { () throws(ReleaseError) in try RoutingTable.open(envelope, trust: trust, after: nil) }
        tables[envelope] = known
        let table = try known.get()
        // The signature is known to be right, and the order is judged again by the same rule.
        guard let last, table.order < last, !takesOlder else { return table }
        return try RoutingTable.open(envelope, trust: trust, after: last)
    }

    func check(_ route: ServiceRoute, _ bundles: [ReleaseBundle]) throws(ReleaseError) {
        let question = Question(route: route, bundles: bundles)
        let known = routes[question] ?? Result { () throws(ReleaseError) in _ = try VerifiedRoute(verifying: route, bundles: bundles, trust: believed) }
        routes[question] = known
        try known.get()
    }
}

/// What is broken on purpose, to show that a simulation notices.
package struct Weakness: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Every commit is taken, whatever its writer had read.
    package static let storeIgnoresRevisions = Weakness(rawValue: 1)
    package static let nodesTakeOlderTables = Weakness(rawValue: 2)
    /// A restarted node serves on and does not know any more which table it had.
    package static let nodesForgetTheirOrder = Weakness(rawValue: 4)
    /// A node believes a proposer's approval of their own.
    package static let nodesCountProposers = Weakness(rawValue: 8)
    /// A node exposes a candidate for as long as its table says so, whether or not it hears from the control plane.
    package static let nodesIgnoreLeases = Weakness(rawValue: 16)
}
