// What people do: what is next, something at random, stopping, repeating, and forging.
internal import Evidence
internal import Ports
internal import Primitives
internal import Registry
internal import Releases
internal import TestKit

extension Simulation {
    private func people(in role: Role) -> [Installation.Signer] { installation.people.filter { $0.roles.contains(role) } }

    private func service() -> ServiceName { installation.services[chance(75) ? 0 : 1] }

    /// Somebody who means well looks at one control plane and does what comes next there.
    func goOn() async throws {
        guard let plane = pick(planes) else { return }
        try await actThrough(plane)
    }

    /// The first service's fallback, proposed, approved and seen on all nodes; then its first model, and a second one on the first step of a plan.
    func beginLive(upToRollout: Bool) async throws {
        guard let plane = planes.first, let service = installation.services.first else { return }
        try await begin(0, of: service, isStepped: false, plane)
        guard upToRollout else { return }
        for number in 1...2 {
            probe.change { $0.metrics[Digest.of(self.installation.artifact(number))] = ["auc": 0.8] }
            await send(.register(try installation.registration(number, by: "dan", at: clock.now())), to: plane)
            await send(.evaluate(installation.version(number), dataset: Digest.of(installation.holdout)), to: plane)
            try await begin(number, of: service, isStepped: number == 2, plane)
        }
        for step in 0..<roll(3) { try await pass(step: step, of: service, plane) }
    }

    private func begin(_ number: Int, of service: ServiceName, isStepped: Bool, _ plane: Plane) async throws {
        let model = number == 0 ? nil : number
        await send(.propose(try installation.proposal(number, of: service, model: model, isStepped: isStepped, at: clock.now())), to: plane)
        guard let release = try await plane.controller.releases().last(where: { $0.proposal.service == service }), let spec = release.spec else { return }
        for (role, person) in [(Role.reviewer, "ben"), (.riskOwner, "cleo")] {
            await send(.answer(try installation.answer(.approve, release.id, spec: spec, as: role, by: person, at: clock.now()), release.id), to: plane)
        }
        for _ in 0..<3 { try await round(plane) }
    }

    func actThrough(_ plane: Plane) async throws {
        let service = service()
        let releases = ((try? await plane.controller.releases()) ?? []).filter { $0.proposal.service == service }
        guard let newest = releases.last else { return try await propose(0, of: service, model: nil, plane) }
        switch newest.phase {
        case .validating:
            if let model = newest.proposal.model { await send(.evaluate(model, dataset: Digest.of(installation.holdout)), to: plane) }
        case .awaitingApproval: try await answer(chance(94) ? .approve : .reject, newest, plane)
        case .exposed where chance(30): try await advance(newest, plane)
        case .preparing, .exposed:
            if chance(70) { await pass(of: plane) } else { try await change(service, after: newest, plane) }
        case .live, .superseded, .refused, .rejected, .aborted, .rolledBack: try await change(service, after: newest, plane)
        }
    }

    /// The next change of a service: of its model, registered and measured where needed, or of its rule.
    private func change(_ service: ServiceName, after newest: ReleaseView, _ plane: Plane) async throws {
        let versions = (try? await plane.controller.modelVersions()) ?? []
        let count = versions.count
        if count < Self.versions, count == 0 || chance(45) {
            guard let author = pick(["ada", "dan", "eve"]) else { return }
            await send(.register(try installation.registration(count + 1, by: author, at: clock.now())), to: plane)
            await send(.evaluate(installation.version(count + 1), dataset: Digest.of(installation.holdout)), to: plane)
            return
        }
        let version = chance(70) ? count : roll(count) + 1
        try await propose(newest.proposal.number + 1, of: service, model: version, plane)
    }

    private func propose(_ number: Int, of service: ServiceName, model: Int?, _ plane: Plane) async throws {
        let envelope = try installation.proposal(
            number, of: service, model: model, by: chance(60) ? "ada" : "dan", offering: chance(75) ? 65 : 70, isStepped: model != nil && chance(60), at: clock.now())
        await send(.propose(envelope), to: plane)
    }

    private func answer(_ answer: Approval.Answer, _ release: ReleaseView, _ plane: Plane) async throws {
        let missing = [Role.reviewer, .riskOwner].filter { role in !release.approvals.contains { $0.role == role } }
        guard let spec = release.spec, let role = pick(missing.isEmpty ? [.reviewer, .riskOwner] : missing), let person = pick(people(in: role)) else { return }
        let age: Duration = chance(90) ? .zero : .seconds(-40 * 3600)
        let envelope = try installation.answer(answer, release.id, spec: spec, as: role, by: person.id.text, at: clock.now().adding(age))
        await send(.answer(envelope, release.id), to: plane)
    }

    /// Well-formed, and mostly wrong.
    func actAtRandom() async throws {
        guard let plane = pick(planes) else { return }
        let service = service(), releases = (try? await plane.controller.releases()) ?? []
        switch roll(6) {
        case 0: await send(.register(try installation.registration(roll(Self.versions) + 1, by: pick(["ada", "dan", "viv"]) ?? "ada", at: clock.now())), to: plane)
        case 1: await send(.evaluate(installation.version(roll(Self.versions) + 1), dataset: Digest.of(chance(80) ? installation.holdout : [])), to: plane)
        case 2: try await propose(roll(8), of: service, model: chance(80) ? roll(Self.versions) + 1 : nil, plane)
        case 3:
            if let release = pick(releases) { try await answer(chance(70) ? .approve : .reject, release, plane) }
        case 4:
            let isOut = chance(40)
            probe.change { $0.outage = isOut ? "there is no sandbox" : nil }
            note("the probe is \(isOut ? "out of order" : "in order")")
        default:
            let slow = chance(30)
            probe.change { $0.milliseconds = slow ? 5000 : 4 }
            note("going back takes \(slow ? "long" : "a moment")")
        }
    }

    func stop() async throws {
        guard let plane = pick(planes) else { return }
        let releases = (try? await plane.controller.releases()) ?? []
        // Whoever stops something mostly means what answers, and a service without its fallback has no further life.
        let answering = releases.filter { $0.proposal.number > 0 && [.exposed, .live].contains($0.phase) }
        guard let release = pick(chance(80) ? answering : releases), let person = pick(installation.people) else { return }
        let action: StopOrder.Action =
            switch release.phase {
            case .exposed: pick([.rollback, .abort, .pause]) ?? .rollback
            case .live, .superseded: chance(85) ? .rollback : .abort
            default: chance(85) ? .abort : .rollback
            }
        await send(.stop(try installation.order(action, release.id, by: person.id.text, at: clock.now()), release.id), to: plane)
    }

    /// Something that was sent before comes again, as it was or to another address.
    func repeatSomething() async {
        guard let plane = pick(planes), let old = pick(sent) else { return }
        count("repetition")
        let elsewhere = chance(30) ? pick((try? await plane.controller.releases()) ?? [])?.id : nil
        switch (old, elsewhere) {
        case (.answer(let envelope, _), let id?): await send(.answer(envelope, id), to: plane)
        case (.stop(let envelope, _), let id?): await send(.stop(envelope, id), to: plane)
        case (.advance(let envelope, _), let id?): await send(.advance(envelope, id), to: plane)
        default: await send(old, to: plane)
        }
    }

    /// Signed by somebody else than it says.
    func forge() async throws {
        guard let plane = pick(planes) else { return }
        let stranger = try key(UInt8(60 + roll(3))), now = clock.now()
        let release = pick((try? await plane.controller.releases()) ?? [])
        let number = ((try? await plane.controller.modelVersions()) ?? []).count + 1
        let other = pick(installation.people)?.key ?? stranger
        count("forgery")
        switch (roll(6), release, release?.spec) {
        case (0, _, _): await send(.register(try installation.registration(min(number, Self.versions), by: "dan", key: stranger, at: now)), to: plane)
        case (1, let release?, _):
            let next = try installation.proposal(release.proposal.number + 1, of: release.proposal.service, model: 1, by: "viv", key: chance(50) ? stranger : nil, at: now)
            await send(.propose(next), to: plane)
        case (2, let release?, let spec?):
            await send(
                .answer(try installation.answer(.approve, release.id, spec: spec, as: .riskOwner, by: "cleo", key: chance(50) ? stranger : other, at: now), release.id), to: plane)
        case (5, let release?, _):
            // Rightly signed, and over something else than what is to be released.
            await send(.answer(try installation.answer(.approve, release.id, spec: Digest.of("another"), as: .reviewer, by: "ben", at: now), release.id), to: plane)
        case (3, let release?, _): await send(.stop(try installation.order(.rollback, release.id, key: stranger, at: now), release.id), to: plane)
        case (4, let release?, let spec?):
            let observation = try installation.observation(
                chance(50) ? .active : .refused, of: spec, service: release.proposal.service, on: nodes[0].id, order: TableOrder(epoch: 1, generation: 1),
                key: chance(50) ? stranger : nodes.last?.key, at: now)
            // The last node's own word about itself is no forgery; here it speaks for the first.
            await send(.observe(observation), to: plane)
        default: return
        }
    }
}
