// The end of a run: faults stop, and everything must come to rest and agree.
internal import Evidence
internal import Ports
internal import Primitives
internal import Registry
internal import ReleaseController
internal import Releases
internal import TestKit

extension Simulation {
    private static let rounds = 40

    func rest() async throws(SimulationFailure) {
        isQuiet = true
        note("faults end")
        probe.change { ($0.outage, $0.milliseconds) = (nil, 4) }
        comparisons.fail(with: nil)
        clock.advance(by: .seconds(60))
        monotonic += 60_000
        // One control plane is left: it knows what it knew, and learns the rest from the ledger.
        for extra in planes.dropFirst() { extra.store.change { $0.isDown = true } }
        planes.removeLast(max(0, planes.count - 1))
        if planes.isEmpty { await openPlane() }
        for index in nodes.indices where !nodes[index].isUp { restartNode(index) }
        try check()
        guard let plane = planes.first else { return }
        var before = -1
        for _ in 0..<Self.rounds where before != oracle.size || !isSettled {
            before = oracle.size
            step += 1
            try await round(plane)
        }
        await checkRest(plane)
        try check()
    }

    private var isSettled: Bool { nodes.allSatisfy { ($0.isSettled || $0.table == nil) && $0.unsent.isEmpty } }

    func round(_ plane: Plane) async throws(SimulationFailure) {
        for _ in 0..<Self.rounds { if !(await pass(of: plane)) { break } }
        try check()
        for index in nodes.indices {
            if let table = try? await plane.controller.routingTable() { tablesUnderWay = [(index, table)] }
            await nodeRound(index, plane)
            try check()
        }
    }

    private func nodeRound(_ index: Int, _ plane: Plane) async {
        if let table = tablesUnderWay.first?.table { _ = nodes[index].accept(table, judge) }
        tablesUnderWay = []
        let now = clock.now()
        nodes[index].pass(judge, at: now) { _ in true }
        for observation in nodes[index].unsent {
            if await send(.observe(observation), to: plane) == nil { nodes[index].told(observation) }
        }
    }

    private func checkRest(_ plane: Plane) async {
        await attempt {
            try await self.checkLedger()
            try await self.checkFold(plane)
        }
        guard !hasStolenKey else { return }
        for (id, release) in oracle.releases.sorted(by: { $0.key < $1.key }) { checkRests(id, release) }
        for node in nodes {
            for route in oracle.table?.routes ?? [] where node.slots[route.service]?.champion.digest != route.champion {
                fail(.rest, "\(node.id) does not serve what table \(oracle.table?.order.description ?? "none") routes \(route.service) to")
            }
        }
    }

    /// Where a release may stay without somebody acting: it has ended, it answers or did, or people are asked.
    private func checkRests(_ id: ReleaseID, _ release: Oracle.Known) {
        switch release.phase {
        // A step before live waits for traffic, or for a person.
        case "exposed" where release.isOnWatchedStep: break
        case "preparing", "exposed": fail(.rest, "\(id) stays \(release.phase) though all nodes answer")
        case "awaiting":
            let roles = Set(release.approvers.values)
            // One candidate at a time: the next waits until the one before it has ended or is live.
            let isNext = oracle.releases.values.contains { $0.service == release.service && $0.phase == "exposed" && $0.isOnWatchedStep }
            if roles.isSuperset(of: [.reviewer, .riskOwner]), !isNext { fail(.rest, "\(id) is approved and stays where it is") }
        default: break
        }
    }

    private func checkLedger() async throws {
        let position = try await ledger.position()
        guard position.size == oracle.heard + oracle.unheard else {
            return fail(.ledger, "the ledger has \(position.size) entries; \(oracle.heard) were acknowledged and \(oracle.unheard) written unheard")
        }
    }

    /// What a new control plane folds from entry 0 is what the one that lived on believes.
    private func checkFold(_ plane: Plane) async throws {
        let fresh = controller(on: UnreliableLedger(ledger))
        do { try await fresh.open(trust: installation.trustEnvelope) } catch { return fail(.fold, "a control plane cannot open its own ledger: \(error.message)") }
        let state = await fresh.keeper.state
        guard await plane.controller.keeper.state == state else { return fail(.fold, "the control plane that lived on believes other than what the ledger folds to") }
        guard state.size == oracle.size, state.table == oracle.table else { return fail(.fold, "the ledger folds to a state of \(state.size) entries and another table") }
        note("at rest: \(Digest.of(StrictJSON.encode(try await fresh.releases())))")
    }
}

extension Oracle {
    static func registers(_ envelope: Envelope, _ version: ModelVersionID) -> Bool {
        let statement: Statement<Registration>? = try? envelope.decodeUnverified(as: statementPayloadType)
        return statement?.predicate.version == version
    }
}
