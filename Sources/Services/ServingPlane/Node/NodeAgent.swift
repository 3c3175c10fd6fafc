// Brings what the control plane says and what the node serves together, off the hot path.
internal import Evidence
internal import Logging
internal import NIOCore
internal import Ports
internal import Primitives
internal import Releases

/// Accepts tables, loads and rehearses releases, flips, and reports. Every pass looks at the whole difference again, so that a pass that
/// failed or a process that died in between needs no repair.
actor NodeAgent {
    private let trust: TrustRoot
    private let node: NodeID
    private let key: SigningKey
    private let link: any ControlPlaneLink
    private let loader: ReleaseLoader
    private let file: TableFile
    private let current: CurrentSnapshot
    private let exposing: ExposingState
    private let pages: StatusPages
    private let clock: any WallClock
    private let logger: Logger

    private var remembered: RememberedTables?
    private var table: RoutingTable?
    private var arms: [Digest: ServingArm] = [:]
    /// What was said once and is not said at every pass; forgotten with the table it was about.
    private var reported: Set<String> = []
    private var rehearsed: [Digest: Double] = [:]
    private var refusedTable: Digest?
    private var reportedVetoes: Set<Digest> = []
    private var unsent: [Envelope] = []
    private var isSettled = false
    /// The newest word of the control plane about exposure, and until when it holds.
    private var lease: (order: TableOrder, until: NIODeadline)?
    private var asked: NIODeadline?
    private static let unsentLimit = 1000

    init(
        trust: TrustRoot, node: NodeID, key: SigningKey, link: any ControlPlaneLink, loader: ReleaseLoader, file: TableFile, current: CurrentSnapshot,
        exposing: ExposingState, pages: StatusPages, clock: any WallClock, logger: Logger
    ) {
        self.trust = trust
        self.node = node
        self.key = key
        self.link = link
        self.loader = loader
        self.file = file
        self.current = current
        self.exposing = exposing
        self.pages = pages
        self.clock = clock
        self.logger = logger
    }

    /// Serves again what was served, from the node's own disk and with every check made anew. Needs no control plane. Candidates come with the first pass,
    /// since callers wait for nothing but the champion.
    ///
    /// A memory that was changed is no reason not to start: what of it can be verified is served, the rest waits for the control plane. A
    /// lost memory is said aloud, since until the next table this node cannot tell that it is shown an old one.
    func resume() async {
        exposing.begin()
        guard let tables = recall() else { return }
        remembered = tables
        var verified: [(order: TableOrder, table: RoutingTable, envelope: Envelope)] = []
        for (service, envelope) in tables.serving.sorted(by: { $0.key < $1.key }) {
            do {
                let old = try RoutingTable.open(envelope, trust: trust, after: nil)
                guard let route = old.routes.first(where: { $0.service == service }) else { throw ReleaseError(.invalid, "the table has no route of it") }
                verified.append((old.order, old, envelope))
                _ = await serve(route, of: old, envelope, isStarting: true)
            } catch { logger.error("a remembered route is refused", metadata: ["service": "\(service)", "reason": "\((error as? ReleaseError)?.message ?? "\(error)")"]) }
        }
        do {
            table = try RoutingTable.open(tables.newest, trust: trust, after: nil)
        } catch {
            logger.error("the remembered table is refused; what was served is served on", metadata: ["reason": "\(error.message)"])
            let best = verified.max { $0.order < $1.order }
            table = best?.table
            remembered = best.map { RememberedTables(newest: $0.envelope, serving: tables.serving) }
        }
        table.map { pages.show(table: $0.order.description) }
    }

    private func recall() -> RememberedTables? {
        do { return try file.load() } catch {
            logger.error("the remembered tables are lost; this node waits for the control plane", metadata: ["reason": "\(error.message)"])
            file.setAside()
            return nil
        }
    }

    /// One look at the control plane and at the difference. Never throws: a node serves on.
    func pass() async {
        do {
            if let envelope = try await contact() { try accept(envelope) }
        } catch {
            logger.debug("no newer table", metadata: ["error": "\(error)"])
        }
        if let table, let remembered, !isSettled {
            isSettled = true
            for route in table.routes where !(await serve(route, of: table, remembered.newest)) { isSettled = false }
        }
        settleExposure()
        await report()
    }

    /// Keeps the lease while a pass is held up by a large model.
    func renew() async {
        guard let asked, NIODeadline.now() - asked > .milliseconds(1500), !current.value.exposures.isEmpty else { return }
        _ = try? await contact()
        settleExposure()
    }

    /// Asks with a new nonce, and takes the lease. Hands on a table, which is not looked at yet.
    private func contact() async throws -> Envelope? {
        var generator = SystemRandomNumberGenerator()
        let nonce = (0..<Lease.nonceBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        // The lease runs from here: how long the answer was under way nobody knows.
        let began = NIODeadline.now()
        asked = began
        let contact = try await link.contact(newerThan: table?.order, nonce: nonce)
        if let envelope = contact.lease {
            do {
                let order = try Lease.open(envelope, answering: nonce, trust: trust).order
                lease = (order, began + exposing.leaseSpan)
            } catch {
                if reported.insert("lease \(error.message)").inserted { logger.error("a lease is refused", metadata: ["reason": "\(error.message)"]) }
            }
        }
        return contact.table
    }

    /// A candidate answers while the lease names the table that it is here by. Whatever else holds, it does not.
    private func settleExposure() {
        for exposure in current.value.exposures {
            if let lease, let table, lease.order == table.order, exposure.order == table.order {
                exposure.keeping.gate.renew(until: lease.until)
            } else if exposure.order != table?.order || (lease.map { $0.order > exposure.order } ?? false) {
                exposure.keeping.gate.lapse()
            }
        }
        let planned = Set(table?.routes.compactMap { $0.candidate?.spec } ?? [])
        for veto in exposing.settle(current.value, planned: planned) {
            if let table { report(veto, table) }
        }
    }

    private func report(_ veto: Veto, _ table: RoutingTable) {
        guard reportedVetoes.insert(veto.spec).inserted else { return }
        observe(veto.service, veto.spec, .vetoed, table, milliseconds: veto.milliseconds, reason: veto.reason, breach: veto.breach)
    }

    private func accept(_ envelope: Envelope) throws {
        let next: RoutingTable
        do {
            next = try RoutingTable.open(envelope, trust: trust, after: table?.order)
        } catch {
            if refusedTable != envelope.digest { logger.error("a routing table is refused", metadata: ["reason": "\(error.message)"]) }
            refusedTable = envelope.digest
            throw error
        }
        guard next.order != table?.order else { return }
        let tables = RememberedTables(newest: envelope, serving: remembered?.serving ?? [:])
        try file.save(tables)
        remembered = tables
        table = next
        isSettled = false
        for (service, slot) in current.value.slots {
            // The same candidate beside the same champion goes on; any other word about it stops it until it is carried out.
            guard let exposure = slot.exposure, let route = next.routes.first(where: { $0.service == service }), route.champion == slot.champion.release.digest,
                route.candidate == .init(spec: exposure.spec, share: exposure.plannedShare, step: exposure.step)
            else {
                slot.exposure?.keeping.gate.lapse()
                continue
            }
        }
        reported = []
        rehearsed = rehearsed.filter { digest, _ in next.routes.contains { $0.specs.contains(digest) } }
        pages.show(table: next.order.description)
        logger.info("a routing table is accepted", metadata: ["order": "\(next.order)"])
    }

    /// True when there is nothing to try again.
    private func serve(_ route: ServiceRoute, of table: RoutingTable, _ envelope: Envelope, isStarting: Bool = false) async -> Bool {
        do {
            let verified = try VerifiedRoute(verifying: route, bundles: table.bundles, trust: trust)
            if let veto = exposing.veto(of: route.champion) { throw LoadFailure.refused("\(veto.release) is vetoed here: \(veto.reason)") }
            try await load(verified, [route.champion])
            // The champion waits for no candidate.
            try flip(route, verified, table, envelope)
            let objection = isStarting ? nil : try await takeCandidate(route, verified, table)
            // Asked before the flip: if it ends meanwhile, this flip or the next pass exposes it.
            let isRecalling = route.candidate.map { exposing.isRecalling($0.spec) } ?? false
            try flip(route, verified, table, envelope)
            // What answers nothing comes after the flip, so that no file which is missing holds up the way back.
            try await load(verified, [route.standby])
            guard !isStarting else {
                try flip(route, verified, table, envelope)
                return true
            }
            try await prepare(route, verified, table)
            try flip(route, verified, table, envelope)
            // A candidate whose past is still being read is loaded: its deaths count.
            let kept = isRecalling ? route.candidate?.spec : current.value.slots[route.service]?.exposure?.spec
            try exposing.keep(only: kept, of: route.service)
            if let objection { refuse(route, table, objection) }
            return !isRecalling
        } catch LoadFailure.lineDown(let reason) {
            if reported.insert("waiting \(route.service) \(reason)").inserted {
                logger.warning("a release cannot be fetched now", metadata: ["service": "\(route.service)", "reason": "\(reason)"])
            }
            pages.show(refusal: reason, of: route.service)
            return false
        } catch LoadFailure.refused(let reason) {
            refuse(route, table, reason)
        } catch let error as ServingError {
            logger.error("a route waits for the disk", metadata: ["service": "\(route.service)", "reason": "\(error)"])
            return false
        } catch {
            refuse(route, table, (error as? ReleaseError)?.message ?? "\(error)")
        }
        return true
    }

    /// Loads the candidate, where nothing stands against it. The answer is what does, for the control plane to hear.
    private func takeCandidate(_ route: ServiceRoute, _ verified: VerifiedRoute, _ table: RoutingTable) async throws -> String? {
        guard let spec = route.candidate?.spec, let release = verified.releases[spec] else { return nil }
        if let veto = exposing.veto(of: spec) {
            report(veto, table)
            pages.show(refusal: "\(veto.release) is vetoed here: \(veto.reason)", of: route.service)
            return nil
        }
        if let damage = exposing.damage { return damage }
        // On the disk before any of its code runs.
        try exposing.mark(release)
        try await load(verified, [spec])
        guard let champion = arms[route.champion], let candidate = arms[spec], let arm = route.candidate else { return nil }
        return Exposure.objection(to: candidate, beside: champion)
            ?? exposing.recall(Exposure(candidate, arm, order: table.order, keeping: exposing.keeping(of: spec, route.service)))
    }

    private func prepare(_ route: ServiceRoute, _ verified: VerifiedRoute, _ table: RoutingTable) async throws {
        guard let spec = route.preparing, let release = verified.releases[spec], rehearsed[spec] == nil else { return }
        if let veto = exposing.veto(of: spec) { throw LoadFailure.refused("\(veto.release) is vetoed here: \(veto.reason)") }
        if arms[spec] == nil { try exposing.mark(release) }
        try await load(verified, [spec])
        try rehearse(route, table)
    }

    /// What of the route's candidate may be here now.
    private func exposure(_ route: ServiceRoute, _ table: RoutingTable) -> Exposure? {
        guard let arm = route.candidate, let candidate = arms[arm.spec], let champion = arms[route.champion], exposing.mayExpose(arm.spec),
            Exposure.objection(to: candidate, beside: champion) == nil
        else { return nil }
        return Exposure(candidate, arm, order: table.order, keeping: exposing.keeping(of: arm.spec, route.service))
    }

    private func load(_ verified: VerifiedRoute, _ specs: [Digest?]) async throws(LoadFailure) {
        for digest in specs.compactMap({ $0 }) where arms[digest] == nil {
            guard let release = verified.releases[digest] else { continue }
            arms[digest] = try await loader.load(release)
        }
    }

    private func refuse(_ route: ServiceRoute, _ table: RoutingTable, _ reason: String) {
        guard reported.insert("refused \(table.order) \(route.service)").inserted else { return }
        pages.show(refusal: reason, of: route.service)
        logger.error("a route is refused; what was served is served on", metadata: ["service": "\(route.service)", "reason": "\(reason)"])
        observe(route.service, route.preparing ?? route.candidate?.spec ?? route.champion, .refused, table, reason: reason)
    }

    private func rehearse(_ route: ServiceRoute, _ table: RoutingTable) throws(LoadFailure) {
        guard let digest = route.preparing, let candidate = arms[digest], let champion = arms[route.champion], rehearsed[digest] == nil else { return }
        let milliseconds = try Rehearsal.run(candidate: candidate, champion: champion)
        rehearsed[digest] = milliseconds
        logger.info("the way back is rehearsed", metadata: ["release": "\(candidate.stamp.release)", "milliseconds": "\(milliseconds)"])
        observe(route.service, digest, .rehearsed, table, milliseconds: milliseconds)
    }

    private func flip(_ route: ServiceRoute, _ verified: VerifiedRoute, _ table: RoutingTable, _ envelope: Envelope) throws {
        guard let champion = arms[route.champion] else { return }
        let exposure = exposure(route, table)
        let previous = current.value.slots[route.service]?.champion
        if remembered?.serving[route.service] != envelope, var tables = remembered {
            tables.serving[route.service] = envelope
            try file.save(tables)
            remembered = tables
        }
        current.replace(
            route.service,
            with: ServiceSlot(
                champion: champion, exposure: exposure, standby: route.standby.flatMap { arms[$0] }, rehearsedMilliseconds: rehearsed[route.champion]))
        // A veto that was given meanwhile has looked for the candidate in the slot of before.
        if let exposure, !exposing.mayExpose(exposure.spec) { current.withdraw(exposure.spec, from: route.service) }
        pages.show(table: table.order.description)
        pages.show(refusal: nil, of: route.service)
        if previous !== champion {
            logger.info("a release answers", metadata: ["service": "\(route.service)", "release": "\(champion.stamp.release)"])
            observe(route.service, route.champion, .active, table)
        }
        // Arms that no route needs are freed when their last request has gone.
        let needed = current.value.slots.values.reduce(into: verified.route.specs) { needed, slot in
            needed.formUnion(slot.arms.map(\.release.digest))
        }
        arms = arms.filter { needed.contains($0.key) }
    }

    private func observe(
        _ service: ServiceName, _ spec: Digest, _ state: Observation.State, _ table: RoutingTable, milliseconds: Double? = nil, reason: String? = nil,
        breach: Instant? = nil
    ) {
        let observation = Observation(
            system: trust.system, environment: trust.environment, node: node, order: table.order, service: service, spec: spec, state: state,
            milliseconds: milliseconds, reason: reason, breach: breach, at: clock.now())
        unsent.append(Envelope(signing: observation, as: Observation.payloadType, by: [key]))
        if unsent.count > Self.unsentLimit {
            unsent.removeFirst(unsent.count - Self.unsentLimit)
            logger.warning("old observations are dropped; the control plane has been away for long")
        }
    }

    private func report() async {
        while let next = unsent.first {
            do { try await link.report(next) } catch {
                logger.debug("an observation waits", metadata: ["error": "\(error)"])
                return
            }
            if unsent.first == next { unsent.removeFirst() }
        }
    }
}
