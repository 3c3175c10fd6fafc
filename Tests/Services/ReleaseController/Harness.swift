// A control plane without its server: people, files, a probe, a clock, and a ledger whose line can break.
import Evidence
import Logging
import MemoryStores
import Ports
import Primitives
import Registry
import ReleaseController
import Releases
import TestKit
import Testing
import YAMLDocuments

/// Every step takes a second, so that each entry has a time of its own.
struct Harness: Sendable {
    let installation: Installation
    let artifacts = MemoryArtifacts()
    let comparisons: MemoryComparisons
    let probe: KnownProbe
    let clock = ManualClock()
    let ledger = MemoryLedger()
    let line: UnreliableLedger
    let controller: ReleaseController

    init(nodes: Int = 2, expires: Instant = Instant(milliseconds: 1_900_000_000_000), isOpen: Bool = true) async throws {
        installation = try Installation(nodes: nodes, expires: expires)
        try await installation.upload(to: artifacts)
        probe = KnownProbe(artifacts)
        for number in 1...9 { probe.change { [artifact = Digest.of(installation.artifact(number))] in $0.metrics[artifact] = ["auc": 0.8] } }
        line = UnreliableLedger(ledger)
        comparisons = MemoryComparisons()
        controller = Self.controller(installation, artifacts, probe, comparisons, clock, line, seed: 1)
        if isOpen { try await controller.open(trust: installation.trustEnvelope) }
    }

    private static func controller(
        _ installation: Installation, _ artifacts: any ArtifactStore, _ probe: KnownProbe, _ comparisons: MemoryComparisons, _ clock: ManualClock, _ store: any LedgerStore,
        seed: UInt64, keys: ServiceKeys? = nil
    ) -> ReleaseController {
        ReleaseController(
            .init(
                store: store, artifacts: artifacts, parser: YAMLDocumentParser(), probe: probe, comparisons: comparisons, clock: clock, random: SeededRandom(seed: seed),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            keys: keys ?? ServiceKeys(controlPlane: installation.controlPlane, ledger: installation.ledger, validator: installation.validator))
    }

    /// Another control plane on the same ledger, not opened yet.
    func another(over store: (any LedgerStore)? = nil, artifacts: (any ArtifactStore)? = nil, keys: ServiceKeys? = nil) -> ReleaseController {
        Self.controller(installation, artifacts ?? self.artifacts, probe, comparisons, clock, store ?? ledger, seed: 2, keys: keys)
    }

    func reopened() async throws -> ReleaseController {
        let controller = another()
        try await controller.open(trust: installation.trustEnvelope)
        return controller
    }

    func now() -> Instant {
        clock.advance(by: .seconds(1))
        return clock.now()
    }

    var size: Int { get async throws { try await ledger.position().size } }

    func kinds(from index: Int = 0) async throws -> [String] { try await ledger.entries(from: index, limit: .max).map(\.entry.kind) }

    // What people do.

    func register(_ number: Int, by author: String = "dan", on desk: ReleaseController? = nil) async throws {
        let desk = desk ?? controller
        _ = try await desk.register(installation.registration(number, by: author, at: now()))
        try await evaluate(number, on: desk)
    }

    func evaluate(_ number: Int, on desk: ReleaseController? = nil) async throws {
        _ = now()
        _ = try await (desk ?? controller).evaluate(installation.version(number), dataset: Digest.of(installation.holdout))
    }

    @discardableResult func propose(
        _ number: Int, model: Int?, of service: ServiceName? = nil, offering percent: Int = 65, on desk: ReleaseController? = nil
    ) async throws -> ReleaseView {
        try await (desk ?? controller).propose(installation.proposal(number, of: service, model: model, offering: percent, at: now()))
    }

    func answer(_ release: ReleaseView, saying answer: Approval.Answer = .approve, as role: Role = .reviewer, by person: String = "ben", key: SigningKey? = nil) throws -> Envelope
    {
        try installation.answer(answer, release.id, spec: required(release.spec, "a spec"), as: role, by: person, key: key, at: now())
    }

    /// Ben reviews and Cleo takes the risk.
    @discardableResult func approve(_ release: ReleaseView, on desk: ReleaseController? = nil) async throws -> ReleaseView {
        let desk = desk ?? controller
        _ = try await desk.answer(answer(release), release: release.id)
        return try await desk.answer(answer(release, as: .riskOwner, by: "cleo"), release: release.id)
    }

    @discardableResult func stop(_ action: StopOrder.Action, _ release: ReleaseView, on desk: ReleaseController? = nil) async throws -> ReleaseView {
        try await (desk ?? controller).stop(installation.order(action, release.id, at: now()), release: release.id)
    }

    // What nodes do.

    func table(on desk: ReleaseController? = nil) async throws -> RoutingTable {
        try required(await (desk ?? controller).routingTable(), "a table").open(as: RoutingTable.payloadType, signedBy: [installation.trust.services.controlPlane])
    }

    func route(on desk: ReleaseController? = nil) async throws -> ServiceRoute {
        try required(await table(on: desk).routes.first { $0.service == installation.services[0] }, "a route")
    }

    func observation(_ state: Observation.State, _ release: ReleaseView, on node: Int = 1, milliseconds: Double? = nil, reason: String? = nil) async throws -> Envelope {
        try installation.observation(
            state, of: required(release.spec, "a spec"), service: release.proposal.service, on: name("node-\(node)"), order: await table().order,
            milliseconds: milliseconds ?? (state == .rehearsed ? 3 : nil), reason: reason, at: now())
    }

    /// All nodes say so.
    func observe(_ state: Observation.State, _ release: ReleaseView, on desk: ReleaseController? = nil) async throws {
        for node in 1...installation.nodes.count { try await (desk ?? controller).observe(observation(state, release, on: node)) }
    }

    func settle(_ desk: ReleaseController? = nil) async throws { while try await (desk ?? controller).pass() {} }

    // Whole ways.

    /// A fallback that answers on all nodes.
    @discardableResult func fallback(of service: ServiceName? = nil) async throws -> ReleaseView {
        let release = try await approve(propose(0, model: nil, of: service))
        try await observe(.active, release)
        try await settle()
        return try await phase(.live, of: release)
    }

    /// Approved, and nodes are asked to prepare it.
    func preparing(_ number: Int, model: Int, offering percent: Int = 65) async throws -> ReleaseView {
        try await register(model)
        return try await phase(.preparing, of: approve(propose(number, model: model, offering: percent)))
    }

    /// Routed to, and no node has said that it answers.
    func exposed(_ number: Int, model: Int) async throws -> ReleaseView {
        let release = try await preparing(number, model: model)
        try await observe(.rehearsed, release)
        try await settle()
        return try await phase(.exposed, of: release)
    }

    @discardableResult func live(_ number: Int, model: Int) async throws -> ReleaseView {
        let release = try await exposed(number, model: model)
        try await observe(.active, release)
        try await settle()
        return try await phase(.live, of: release)
    }

    /// Fails the test when the release is elsewhere.
    @discardableResult func phase(
        _ phase: ReleasePhase, of release: ReleaseView, on desk: ReleaseController? = nil, _ place: SourceLocation = #_sourceLocation
    ) async throws -> ReleaseView {
        let view = try await (desk ?? controller).release(release.id)
        #expect(view.phase == phase, "\(view.ending ?? "")", sourceLocation: place)
        return view
    }

    /// Expects this refusal, and a ledger as it was.
    func refused(
        _ category: DeskError.Category, _ rule: String, _ says: String = "", _ place: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async throws {
        let before = try await ledger.position()
        let error = await #expect(throws: DeskError.self, sourceLocation: place) { try await body() }
        #expect(
            error?.category == category && error?.rule == rule && (says.isEmpty || error?.message.contains(says) == true), "\(String(describing: error))", sourceLocation: place)
        #expect(try await ledger.position() == before, "a refused call left an entry", sourceLocation: place)
    }
}
