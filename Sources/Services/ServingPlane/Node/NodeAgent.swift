// Brings what the control plane says and what the node serves together, off the hot path.
internal import Evidence
internal import Logging
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
    private var unsent: [Envelope] = []
    private var isSettled = false
    /// A candidate answers only by a table accepted in this process: after a restart its share is zero until a newer one comes.
    private var mayExpose = false
    private static let unsentLimit = 1000

    init(
        trust: TrustRoot, node: NodeID, key: SigningKey, link: any ControlPlaneLink, loader: ReleaseLoader, file: TableFile, current: CurrentSnapshot,
        pages: StatusPages, clock: any WallClock, logger: Logger
    ) {
        self.trust = trust
        self.node = node
        self.key = key
        self.link = link
        self.loader = loader
        self.file = file
        self.current = current
        self.pages = pages
        self.clock = clock
        self.logger = logger
    }

    /// Serves again what was served, from the node's own disk and with every check made anew. Needs no control plane.
    ///
    /// A memory that was changed is no reason not to start: what of it can be verified is served, the rest waits for the control plane. A
    /// lost memory is said aloud, since until the next table this node cannot tell that it is shown an old one.
    func resume() async {
        guard let tables = recall() else { return }
        remembered = tables
        var verified: [(order: TableOrder, table: RoutingTable, envelope: Envelope)] = []
        for (service, envelope) in tables.serving.sorted(by: { $0.key < $1.key }) {
            guard let old = try? RoutingTable.open(envelope, trust: trust, after: nil), let route = old.routes.first(where: { $0.service == service }) else {
                logger.error("a remembered route is refused", metadata: ["service": "\(service)"])
                continue
            }
            verified.append((old.order, old, envelope))
            _ = await serve(route, of: old, envelope)
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
            if let envelope = try await link.routingTable(newerThan: table?.order) { try accept(envelope) }
        } catch {
            logger.debug("no newer table", metadata: ["error": "\(error)"])
        }
        if let table, let remembered, !isSettled {
            isSettled = true
            for route in table.routes where !(await serve(route, of: table, remembered.newest)) { isSettled = false }
        }
        await report()
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
        mayExpose = true
        reported = []
        rehearsed = rehearsed.filter { digest, _ in next.routes.contains { $0.specs.contains(digest) } }
        pages.show(table: next.order.description)
        logger.info("a routing table is accepted", metadata: ["order": "\(next.order)"])
    }

    /// True when there is nothing to try again.
    private func serve(_ route: ServiceRoute, of table: RoutingTable, _ envelope: Envelope) async -> Bool {
        do {
            let verified = try VerifiedRoute(verifying: route, bundles: table.bundles, trust: trust)
            try await load(verified, [route.champion, route.candidate?.spec])
            try flip(route, verified, table, envelope)
            // What answers nothing comes after the flip, so that no file which is missing holds up the way back.
            try await load(verified, [route.standby, route.preparing])
            try rehearse(route, table)
            try flip(route, verified, table, envelope)
            return true
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
        let candidate = mayExpose ? route.candidate.flatMap { arm in arms[arm.spec].map { ($0, arm.share) } } : nil
        let previous = current.value.slots[route.service]?.champion
        if remembered?.serving[route.service] != envelope, var tables = remembered {
            tables.serving[route.service] = envelope
            try file.save(tables)
            remembered = tables
        }
        let assignment = Assignment(salt: candidate?.0.release.spec.salt.bytes ?? [], share: candidate?.1 ?? 0)
        current.replace(
            route.service,
            with: ServiceSlot(
                champion: champion, candidate: candidate?.0, share: candidate?.1 ?? 0, assignment: assignment, standby: route.standby.flatMap { arms[$0] },
                rehearsedMilliseconds: rehearsed[route.champion]))
        pages.show(table: table.order.description)
        pages.show(refusal: nil, of: route.service)
        if previous !== champion {
            logger.info("a release answers", metadata: ["service": "\(route.service)", "release": "\(champion.stamp.release)"])
            observe(route.service, route.champion, .active, table)
        }
        // Arms that no route needs are freed when their last request has gone.
        let needed = current.value.slots.values.reduce(into: verified.route.specs) { needed, slot in
            needed.formUnion([slot.champion, slot.candidate, slot.standby].compactMap { $0?.release.digest })
        }
        arms = arms.filter { needed.contains($0.key) }
    }

    private func observe(
        _ service: ServiceName, _ spec: Digest, _ state: Observation.State, _ table: RoutingTable, milliseconds: Double? = nil, reason: String? = nil
    ) {
        let observation = Observation(
            system: trust.system, environment: trust.environment, node: node, order: table.order, service: service, spec: spec, state: state,
            milliseconds: milliseconds, reason: reason, at: clock.now())
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
