// The line between control planes and nodes, which loses, delays, repeats and reorders, and on which an attacker sits.
internal import Evidence
internal import Ports
internal import Primitives
internal import Releases
internal import TestKit

extension Simulation {
    /// A node asks for a table, gets what the line brings, does what it can, and reports.
    func nodeTurn(_ index: Int) async {
        guard nodes[index].isUp else { return restartNode(index) }
        await ask(index)
        await askForLease(index)
        for _ in 0..<roll(3) {
            deliverTable(to: index)
            deliverLease(to: index)
        }
        let now = clock.now(), works = isQuiet || chance(90)
        nodes[index].pass(judge, at: now) { _ in works }
        report(index)
        for _ in 0...roll(4) { await deliverObservation() }
    }

    private func ask(_ index: Int) async {
        guard let plane = pick(planes), let table = try? await plane.controller.routingTable(), chance(90) else { return }
        for _ in 0..<(chance(10) ? 2 : 1) { tablesUnderWay.append((index, table)) }
        if tablesUnderWay.count > 12 { tablesUnderWay.removeFirst() }
    }

    private func deliverTable(to index: Int) {
        guard let place = tablesUnderWay.indices.filter({ tablesUnderWay[$0].node == index }).randomElement(using: &dice) else { return }
        let table = tablesUnderWay[place].table
        if chance(85) { tablesUnderWay.remove(at: place) }
        show(table, to: index)
    }

    private func show(_ table: Envelope, to index: Int) {
        guard nodes[index].isUp else { return }
        let refusal = nodes[index].accept(table, judge)
        note("\(nodes[index].id) takes a table: \(refusal ?? nodes[index].table?.order.description ?? "none")")
        count(refusal == nil ? "table taken" : "table not taken")
    }

    private func report(_ index: Int) {
        for observation in nodes[index].unsent.prefix(4) where chance(75) { observationsUnderWay.append((index, observation)) }
        while observationsUnderWay.count > 16 { observationsUnderWay.removeFirst() }
    }

    private func deliverObservation() async {
        guard let plane = pick(planes), let place = observationsUnderWay.indices.randomElement(using: &dice) else { return }
        let (index, observation) = observationsUnderWay[place]
        if chance(90) { observationsUnderWay.remove(at: place) }
        if await send(.observe(observation), to: plane) == nil, chance(90) { nodes[index].told(observation) }
    }

    func restartNode(_ index: Int) {
        let now = clock.now()
        if nodes[index].isUp {
            nodes[index].crash()
            count("node crash")
            note("\(nodes[index].id) dies")
        } else {
            nodes[index].start(judge, forgetsOrder: weaknesses.contains(.nodesForgetTheirOrder), at: now)
            note("\(nodes[index].id) starts with table \(nodes[index].table?.order.description ?? "none")")
        }
    }

    /// Shows a node what it must not take, or must not serve.
    func attack() async throws {
        let index = roll(nodes.count)
        guard let newest = oracle.table, let old = pick(oracle.tables) else { return }
        count("attack")
        switch roll(hasStolenKey ? 4 : 2) {
        case 0: show(old, to: index)
        case 1:
            var forged = newest
            forged.order.generation += 1
            show(Envelope(signing: forged, as: RoutingTable.payloadType, by: [try key(66)]), to: index)
        default:
            guard let bundle = try unapproved(), var route = newest.routes.first else { return }
            var forged = newest
            forged.order.generation = (orders[index]?.generation ?? 0) + 1
            if chance(50) { route.champion = bundle.digest } else { route.candidate = .init(spec: bundle.digest, share: 1, step: 0) }
            forged.routes = [route]
            forged.bundles.append(bundle)
            show(Envelope(signing: forged, as: RoutingTable.payloadType, by: [installation.controlPlane]), to: index)
        }
        let now = clock.now()
        nodes[index].pass(judge, at: now) { _ in true }
    }

    /// A real spec of the first service with the approvals that an insider can get: some, or their own.
    private func unapproved() throws -> ReleaseBundle? {
        let specs = oracle.specs.sorted { $0.key < $1.key }.filter { oracle.bySpec[$0.key].flatMap { oracle.releases[$0]?.service } == oracle.table?.routes.first?.service }
        guard let (digest, bytes) = pick(specs), let spec = try? ReleaseSpec.read(bytes), let model = spec.model else { return nil }
        let proposer = spec.proposal.proposer.text
        var signed = [try installation.answer(.approve, spec.release, spec: digest, as: .riskOwner, by: "cleo", at: clock.now())]
        switch roll(4) {
        case 0: signed = []
        case 1, 2: signed.append(try installation.answer(.approve, spec.release, spec: digest, as: .reviewer, by: proposer, at: clock.now()))
        default: signed.append(try installation.answer(.approve, spec.release, spec: digest, as: .reviewer, by: "ben", key: installation.signer(proposer).key, at: clock.now()))
        }
        let proposal = sent.compactMap { command -> Envelope? in
            if case .propose(let envelope) = command, let read: Proposal = try? envelope.decodeUnverified(as: Proposal.payloadType), read == spec.proposal { envelope } else { nil }
        }.first
        let registration = sent.compactMap { command -> Envelope? in
            if case .register(let envelope) = command, Oracle.registers(envelope, model.version), self.oracle.occurrences[command.subject] != nil { envelope } else { nil }
        }.first
        guard let proposal, let registration else { return nil }
        return ReleaseBundle(spec: bytes, proposal: proposal, registration: registration, approvals: signed)
    }
}
