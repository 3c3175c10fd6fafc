// Requests under exposure: what nodes compare, leases and vetoes, and measurements that lie.
internal import Decisions
internal import Evidence
internal import Inference
internal import Ports
internal import Primitives
internal import Releases
internal import TestKit

extension Simulation {
    /// How a stretch of traffic looks. Nothing says that it is what the candidate deserves.
    private enum Look { case calm, harmful, missing, contradicted }

    /// A node with a candidate compares some requests, and may stop it by itself.
    func traffic() async throws {
        let exposing = nodes.indices.filter { nodes[$0].isUp && nodes[$0].slots.values.contains { $0.candidate != nil } }
        guard let index = pick(exposing), let slot = nodes[index].slots.sorted(by: { $0.key < $1.key }).compactMap({ $0.value.candidate == nil ? nil : $0.value }).first,
            let candidate = slot.candidate, let spec = try? ReleaseSpec.read(candidate.bundle.spec.bytes)
        else { return }
        let look: Look = chance(60) ? .calm : pick([.harmful, .harmful, .missing, .contradicted]) ?? .calm
        let share = nodes[index].shareInForce(slot, at: monotonic)
        // Some come again, some name a step that is over.
        let step = chance(95) ? candidate.step : max(0, candidate.step - 1)
        for _ in 0..<(1 + roll(40)) {
            let record = try comparison(spec, candidate.bundle.digest, step, share, look)
            comparisons.add(record)
            if chance(5) { comparisons.add(record) }
            guard record.pair != nil, chance(90) else { continue }
            comparisons.add(record, look == .contradicted ? .contradicted : .truth(false))
        }
        count("comparison \(look)")
        note("\(nodes[index].id) compares \(spec.release) on step \(step), \(look)")
        if chance(3), nodes[index].veto(candidate.bundle.digest, spec.service, judge, at: clock.now()) {
            count("veto")
            note("\(nodes[index].id) vetoes \(spec.release)")
        }
    }

    private func comparison(_ spec: ReleaseSpec, _ digest: Digest, _ step: Int, _ share: Double, _ look: Look) throws -> ComparisonRecord {
        let none: ComparisonRecord.Side = .init(outcome: try name("none"), score: 0.4)
        let other: ComparisonRecord.Side = look == .harmful ? .init(outcome: try name("offer"), score: chance(50) ? nil : 0.9) : none
        return ComparisonRecord(
            decision: DecisionID(high: dice.next(), low: dice.next()), candidate: spec.release, spec: digest, step: step, share: share,
            arm: share > 0 && chance(50) ? .candidate : .champion, entity: dice.next(), failed: false, latencyMicroseconds: 300, answered: clock.now(), clock: clock.now(),
            sampled: true, pair: look == .missing ? nil : .init(champion: none, candidate: other))
    }

    /// Calm traffic until the release may leave a step of its plan, and the order that it needs for that.
    func pass(step: Int, of service: ServiceName, _ plane: Plane) async throws {
        guard let release = try await plane.controller.releases().last(where: { $0.proposal.service == service }), let bytes = release.specBytes?.bytes,
            let digest = release.spec
        else { return }
        let spec = try ReleaseSpec.read(bytes), share = spec.exposure.indices.contains(step) ? spec.exposure[step].share : 0
        for _ in 0..<45 {
            var record = try comparison(spec, digest, step, share, .calm)
            record.arm = share > 0 ? .candidate : .champion
            comparisons.add(record)
            comparisons.add(record, .truth(false))
        }
        clock.advance(by: .seconds(3700))
        monotonic += 3_700_000
        if step > 0 { await send(.advance(try installation.advance(.promote, release.id, spec: digest, step: step + 1, by: "ben", at: clock.now()), release.id), to: plane) }
        try await round(plane)
        for index in nodes.indices {
            await askForLease(index)
            deliverLease(to: index)
        }
    }

    /// Nobody can read what was compared, for a while.
    func breakComparisons() {
        let isBroken = chance(30)
        comparisons.fail(with: isBroken ? DecisionStoreError(.unavailable, "the disk is gone") : nil)
        note("comparisons are \(isBroken ? "gone" : "there")")
    }

    // Leases

    /// The node asks with a fresh nonce. The answer comes soon, late, twice or never.
    func askForLease(_ index: Int) async {
        guard let plane = pick(planes) else { return }
        let nonce = (0..<Lease.nonceBytes).map { _ in UInt8.random(in: .min ... .max, using: &dice) }
        nodes[index].asks(nonce, at: monotonic)
        guard chance(85), let lease = try? await plane.controller.lease(answering: nonce) else { return }
        for _ in 0..<(chance(10) ? 2 : 1) { leasesUnderWay.append((index, lease)) }
        if leasesUnderWay.count > 12 { leasesUnderWay.removeFirst() }
    }

    /// One of those under way reaches a node, mostly the one that asked; one that came stays for whoever plays it again.
    func deliverLease(to index: Int) {
        let own = leasesUnderWay.indices.filter { leasesUnderWay[$0].node == index }
        guard let place = chance(90) ? own.last : leasesUnderWay.indices.randomElement(using: &dice) else { return }
        let lease = leasesUnderWay[place].lease
        if chance(70) { leasesUnderWay.remove(at: place) }
        nodes[index].take(lease, judge)
    }

    // Orders that give more

    /// Whoever watches a rollout promotes or resumes it, whether or not they may and it is time.
    func advance(_ release: ReleaseView, _ plane: Plane) async throws {
        guard let spec = release.spec, let person = pick(installation.people), let now = (try? await plane.controller.rollout(of: release.id)) else { return }
        let isPaused = now.paused != nil
        let action: AdvanceOrder.Action = chance(90) == isPaused ? .resume : .promote
        let step = (now.step ?? 0) + (action == .promote ? 1 : 0) + (chance(5) ? 1 : 0)
        let accepting = chance(80) ? ["decision_flips", "rate.offer", "outcome.accuracy"] : []
        let key = chance(95) ? nil : try key(UInt8(60 + roll(3)))
        let envelope = try installation.advance(
            action, release.id, spec: chance(95) ? spec : Digest.of("another"), step: step, accepting: accepting, extensionSeconds: chance(50) ? 3 * 86_400 : 0,
            by: chance(85) ? (pick(["ben", "cleo", "eve"]) ?? "ben") : person.id.text, key: key, at: clock.now())
        await send(.advance(envelope, release.id), to: plane)
    }
}
