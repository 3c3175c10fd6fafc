// A seeded world in which everything happens that may happen, one thing after another.
internal import Evidence
internal import MemoryStores
internal import Ports
package import Primitives
internal import ReleaseController
internal import Releases
internal import TestKit

/// People, one or two control planes on one ledger, nodes, a bad line between them, and an attacker. The seed decides all of it.
///
/// Nothing runs by itself: each step calls one thing and awaits it, so that a run depends on the seed and on the program alone. Control planes
/// are the real `ReleaseController`; nodes judge by the real verifier; the ledger is the one in memory. The promises are looked at after
/// every step, by an oracle that shares no deciding code with them.
package actor Simulation {
    package nonisolated let seed: UInt64
    let weaknesses: Weakness
    /// Who holds the stolen key can keep nodes from taking tables; then only safety is promised.
    let hasStolenKey: Bool

    var dice: SeededGenerator
    let installation: Installation
    let clock = ManualClock()
    let ledger = MemoryLedger()
    let artifacts = MemoryArtifacts()
    let comparisons = MemoryComparisons()
    let probe: KnownProbe
    let judge: Judge
    var oracle: Oracle

    /// The living control planes.
    var planes: [Plane] = []
    var planesMade = 0
    var nodes: [SimulatedNode]
    /// The greatest order that each node ever accepted.
    var orders: [TableOrder?]
    var tablesUnderWay: [(node: Int, table: Envelope)] = []
    var leasesUnderWay: [(node: Int, lease: Envelope)] = []
    /// What nodes measure leases with, in milliseconds: it never goes back, whatever the clock does.
    var monotonic: Int64 = 0
    var observationsUnderWay: [(node: Int, observation: Envelope)] = []
    /// What people and nodes ever sent, for who repeats it later.
    var sent: [Command] = []

    var step = 0
    var isQuiet = false
    var isActingMeanwhile = false
    /// Somebody shows the control planes other rows than there are.
    var isTampered = false
    var failure: SimulationFailure?
    var trace = Trace()
    var events: [String: Int] = [:]

    private static let world: Installation = {
        do { return try Installation(nodes: 2) } catch { preconditionFailure("the installation of the simulation is well-formed: \(error)") }
    }()

    package init(seed: UInt64, weaknesses: Weakness = []) {
        self.seed = seed
        self.weaknesses = weaknesses
        hasStolenKey = seed % 5 == 4
        dice = SeededGenerator(seed: seed)
        installation = Self.world
        probe = KnownProbe(artifacts)
        judge = Judge(Self.world.trust, weaknesses)
        oracle = Oracle(Self.world)
        nodes = Self.world.nodes.sorted { $0.key < $1.key }.map { SimulatedNode($0.key, $0.value) }
        orders = nodes.map { _ in nil }
        for index in nodes.indices { nodes[index].ignoresLeases = weaknesses.contains(.nodesIgnoreLeases) }
    }

    /// Runs the steps, ends all faults, and lets everything come to rest.
    package func run(steps: Int) async throws(SimulationFailure) -> SimulationReport {
        await begin()
        for number in 1...max(1, steps) {
            step = number
            // Seconds lie between two things that people and nodes do, and a lease lasts ten.
            monotonic += 2500
            await attempt { try await self.act() }
            try check()
        }
        try await rest()
        note("the end at \(oracle.size) entries")
        do {
            let root = try await ledger.position().root
            note("root \(root)")
        } catch { note("no root") }
        return SimulationReport(seed: seed, steps: step, trace: trace.digest, events: events)
    }

    private func begin() async {
        await attempt { try await self.prepareFiles() }
        // Most worlds begin with a service that answers, so that their steps go into what comes after.
        isQuiet = chance(70)
        await openPlane()
        if isQuiet { await attempt { try await self.beginLive(upToRollout: self.chance(60)) } }
        isQuiet = false
    }

    private func prepareFiles() async throws {
        try await installation.upload(to: artifacts, versions: Self.versions)
        for number in 1...Self.versions {
            let metrics: [String: Double] =
                switch roll(100) {
                case ..<80: ["auc": 0.8]
                case ..<88: ["auc": 0.6]
                case ..<94: ["log_loss": 0.3]
                default: [:]
                }
            let artifact = Digest.of(installation.artifact(number))
            probe.change { $0.metrics[artifact] = metrics }
        }
    }

    static let versions = 12

    /// What cannot be done is the simulation's own mistake; what the program refuses is no error here.
    func attempt(_ body: () async throws -> Void) async {
        do { try await body() } catch { fail(.simulation, "\(error)") }
    }

    func check() throws(SimulationFailure) {
        checkNodes()
        if let failure { throw failure }
    }

    func fail(_ promise: SimulationFailure.Promise, _ message: String) {
        guard failure == nil else { return }
        failure = SimulationFailure(seed: seed, step: step, promise: promise, message: message, trace: trace.newest)
    }

    func note(_ event: String) { trace.note("\(step) \(event)") }

    func count(_ event: String) { events[event, default: 0] += 1 }

    // The dice.

    /// 0 to `sides` - 1.
    func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &dice) }

    func chance(_ percent: Int) -> Bool { roll(100) < percent }

    func pick<Value>(_ values: [Value]) -> Value? { values.randomElement(using: &dice) }

    private func act() async throws {
        switch hasStolenKey && chance(8) ? 94 : roll(100) {
        case ..<28: for _ in 0...roll(2) { try await goOn() }
        case ..<40: try await traffic()
        case ..<43: try await actAtRandom()
        case ..<51: try await stop()
        case ..<54: await repeatSomething()
        case ..<57: try await forge()
        case ..<58: breakComparisons()
        case ..<62: await pass()
        case ..<90: for index in nodes.indices.shuffled(using: &dice) { await nodeTurn(index) }
        case ..<92: await replacePlane()
        case ..<94: restartNode(roll(nodes.count))
        case ..<97: try await attack()
        case ..<99: moveClock()
        default: await tamper()
        }
        if planes.isEmpty { await openPlane() }
    }

    private func moveClock() {
        let span: Duration = pick([.milliseconds(1), .seconds(1), .seconds(600), .seconds(-30), .seconds(7200), .seconds(40 * 3600)]) ?? .zero
        clock.advance(by: span)
        monotonic += max(0, Int64(span / .milliseconds(1)))
        note("the clock moves by \(span.spelled)")
    }

    private func checkNodes() {
        for (index, node) in nodes.enumerated() {
            guard node.isUp else { continue }
            if let order = node.table?.order {
                if let last = orders[index], order < last { fail(.order, "\(node.id) went from table \(last) back to \(order)") }
                orders[index] = max(order, orders[index] ?? order)
            }
            for (service, slot) in node.slots.sorted(by: { $0.key < $1.key }) { check(slot, of: service, on: node) }
        }
    }

    private func check(_ slot: SimulatedNode.Slot, of service: ServiceName, on node: SimulatedNode) {
        for bundle in [slot.champion] + [slot.candidate?.bundle].compactMap({ $0 }) {
            if let reason = oracle.objection(toServing: bundle) { fail(.approved, "\(node.id) answers for \(service) with what may not be served: \(reason)") }
        }
        if let candidate = slot.candidate {
            let share = node.shareInForce(slot, at: monotonic)
            let plan = (try? ReleaseSpec.read(candidate.bundle.spec.bytes))?.exposure ?? []
            let most = plan.indices.contains(candidate.step) ? plan[candidate.step].share : 0
            if share > most { fail(.share, "\(node.id) gives a candidate \(share), and step \(candidate.step) of its plan allows \(most)") }
            if !hasStolenKey, share > 0, let reason = oracle.mayBeExposed(candidate.bundle.digest, at: monotonic) {
                fail(.ended, "\(node.id) exposes a candidate for \(service), and \(reason)")
            }
        }
        // A stolen key can route to what was approved once: it is trusted for order and timing.
        guard !hasStolenKey, let order = node.table?.order else { return }
        // Until the files of the next champion are there, a node serves on what it has.
        let next = node.table?.routes.first { $0.service == service }?.champion
        if let next, next != slot.champion.digest, !node.isSettled, !node.isWarm(next) { return }
        if let reason = oracle.mayAnswer(slot.champion.digest, at: order) { fail(.ended, "\(node.id) answers for \(service) by table \(order), and \(reason)") }
    }
}

/// What a run did, for tests that ask whether anything happened.
package struct SimulationReport: Hashable, Sendable {
    package var seed: UInt64
    package var steps: Int
    /// Over everything that happened, in order, and the root of the ledger.
    package var trace: Digest
    package var events: [String: Int]
}

/// What happened, as a running digest and as the newest lines.
struct Trace {
    private(set) var digest = Digest.of("")
    private(set) var newest: [String] = []
    private static let kept = 60

    mutating func note(_ line: String) {
        digest = Digest.of(digest.bytes + Array(line.utf8))
        newest.append(line)
        if newest.count > Self.kept { newest.removeFirst() }
    }
}
