// Everything that is true now, as the fold over the ledger from its first entry.
package import Decisions
package import Evidence
package import Primitives
package import Registry

/// The whole installation's state. Only entries change it, and an entry that breaks a rule is refused: so the same type keeps the
/// control plane's state, checks a proposed change before it is written, and audits a history that somebody else wrote.
package struct SystemState: Hashable, Sendable {
    package struct Version: Hashable, Sendable {
        package var registration: Registration
        package var envelope: Envelope
    }

    package struct HistoryEntry: Hashable, Sendable {
        package var index: Int
        package var kind: String
        package var at: Instant
        /// What of it people want to read.
        package var detail: String?
        /// What a person signed that it came from.
        package var signed: SignedDeed?
    }

    package struct TableAt: Hashable, Sendable {
        package var table: RoutingTable
        package var at: Instant
    }

    package struct RecordedBatch: Hashable, Sendable {
        package var batch: DecisionBatch
        /// The ledger entry that says so.
        package var index: Int
        package var at: Instant
    }

    /// Entries folded so far: the index of the next one.
    package private(set) var size = 0
    package private(set) var trust: TrustRoot?
    package private(set) var trustEnvelope: Envelope?
    package private(set) var versions: [ModelVersionID: Version] = [:]
    /// By the artifact's digest, oldest first.
    package private(set) var evaluations: [Digest: [Evaluation]] = [:]
    /// By the digest of the output, oldest first.
    package internal(set) var provenance: [Digest: [RecordedProvenance]] = [:]
    package private(set) var rehearsals: [Digest: [Reversibility]] = [:]
    package private(set) var releases: [ReleaseID: Release] = [:]
    package private(set) var histories: [ReleaseID: [HistoryEntry]] = [:]
    package private(set) var tables: [TableAt] = []
    package private(set) var tableEnvelope: Envelope?
    package private(set) var observations: [Observation] = []
    /// Each node's, in the order of its log, without a gap.
    package private(set) var batches: [NodeID: [RecordedBatch]] = [:]
    /// How many entries each history has.
    package private(set) var revisions: [String: Int] = [:]

    package init() {}

    package var table: RoutingTable? { tables.last?.table }

    package func route(of service: ServiceName) -> ServiceRoute? { table?.routes.first { $0.service == service } }

    /// Takes the next entry, or throws and changes nothing.
    package mutating func apply(_ entry: LedgerEntry) throws(ReleaseError) {
        try apply(LedgerRecord.read(entry))
    }

    package mutating func apply(_ record: LedgerRecord) throws(ReleaseError) {
        // Each `take` throws before it changes anything: a copy for every entry would make the fold quadratic.
        if case .trustRoot(let envelope, _) = record {
            try take(trust: envelope)
        } else {
            guard let trust else { throw ReleaseError(.authority, "the ledger does not begin with a trust root") }
            try take(record, trust: trust)
        }
        revisions[record.stream, default: 0] += 1
        size += 1
    }

    private mutating func take(_ record: LedgerRecord, trust: TrustRoot) throws(ReleaseError) {
        switch record {
        case .trustRoot: break
        case .registered(let envelope, _): try take(registration: envelope, trust: trust)
        case .evidence(let envelope, _): try take(evidence: envelope, trust: trust)
        case .provenance(let envelope, _): try take(provenance: envelope, trust: trust)
        case .release(let id, let event): try take(event, of: id, trust: trust)
        case .routing(let envelope, let at): try take(table: envelope, at: at, trust: trust)
        case .observed(let envelope, _): observations.append(try Observation.open(envelope, trust: trust))
        case .decisions(let batch, let at): try take(batch, at: at, trust: trust)
        }
    }

    private mutating func take(trust envelope: Envelope) throws(ReleaseError) {
        do {
            if let trust {
                self.trust = try trust.openSuccessor(envelope)
            } else {
                trust = try TrustRoot.openGenesis(envelope)
            }
        } catch {
            throw ReleaseError(.authority, "the trust root is refused: \(error.message)")
        }
        trustEnvelope = envelope
    }

    private mutating func take(registration envelope: Envelope, trust: TrustRoot) throws(ReleaseError) {
        let registration: Registration
        do { registration = try Registration.open(envelope, trust: trust) } catch { throw ReleaseError(.authority, error.message) }
        let next = (versions.keys.filter { $0.model == registration.version.model }.map(\.number).max() ?? 0) + 1
        guard registration.version.number == next else {
            throw ReleaseError(.order, "\(registration.version) cannot be registered: the next version of \(registration.version.model) is \(next)")
        }
        versions[registration.version] = Version(registration: registration, envelope: envelope)
    }

    private mutating func take(evidence envelope: Envelope, trust: TrustRoot) throws(ReleaseError) {
        guard !envelope.signers(among: [trust.services.validator]).isEmpty else {
            throw ReleaseError(.authority, "a statement is accepted only with the signature of this system's validator")
        }
        if let statement: Statement<Evaluation> = try? envelope.decodeUnverified(as: statementPayloadType), statement.isStatement(Evaluation.predicateType) {
            try check(statement, isAbout: [statement.predicate.artifact, statement.predicate.dataset])
            evaluations[statement.predicate.artifact, default: []].append(statement.predicate)
        } else if let statement: Statement<Reversibility> = try? envelope.decodeUnverified(as: statementPayloadType),
            statement.isStatement(Reversibility.predicateType)
        {
            try check(statement, isAbout: [statement.predicate.artifact, statement.predicate.baseline])
            rehearsals[statement.predicate.artifact, default: []].append(statement.predicate)
        } else {
            throw ReleaseError(.invalid, "the statement is of no kind that this program knows")
        }
    }

    private func check<Predicate>(_ statement: Statement<Predicate>, isAbout digests: [Digest]) throws(ReleaseError) {
        for digest in digests where !statement.isAbout(digest) {
            throw ReleaseError(.invalid, "the statement's predicate is about \(digest.short), and its subjects are not")
        }
    }

    private mutating func take(_ event: ReleaseEvent, of id: ReleaseID, trust: TrustRoot) throws(ReleaseError) {
        if var release = releases[id] {
            try release.apply(event, trust: trust)
            try check(event, of: release)
            releases[id] = release
        } else {
            let release = try Release(event, trust: trust)
            guard release.id == id else { throw ReleaseError(.invalid, "the proposal of \(release.id) was filed under \(id)") }
            let next = (releases.values.filter { $0.proposal.service == release.proposal.service }.map(\.proposal.number).max() ?? -1) + 1
            guard release.proposal.number == next else {
                throw ReleaseError(.order, "\(id) cannot be proposed: the next release of \(release.proposal.service) is number \(next)")
            }
            if let model = release.proposal.model, versions[model] == nil {
                throw ReleaseError(.invalid, "\(id) proposes \(model), which is not registered")
            }
            try checkNovelty(release.proposal)
            releases[id] = release
        }
        let now = releases[id]
        histories[id, default: []].append(
            HistoryEntry(index: size, kind: event.kind, at: event.at, detail: now.flatMap { event.detail(of: $0) }, signed: now.flatMap { event.signed(of: $0) }))
    }

    /// What an event says about other releases and about the routing must be so.
    private func check(_ event: ReleaseEvent, of release: Release) throws(ReleaseError) {
        let route = route(of: release.proposal.service)
        switch event {
        case .superseded(let successor, _):
            guard successor != release.id, let other = releases[successor], other.phase == .live, route?.champion == other.specDigest else {
                throw ReleaseError(.phase, "\(release.id) cannot be superseded by \(successor), which is not live in its place")
            }
        case .exposed(let step, let order, _, _):
            let plan = release.sealed?.exposure ?? []
            let isRouted =
                plan.indices.contains(step) && plan[step] != .live
                ? route?.candidate == ServiceRoute.Arm(optional: release.specDigest, share: plan[step].share, step: step)
                : route?.champion == release.specDigest
            guard table?.order == order, isRouted else { throw ReleaseError(.order, "\(release.id) cannot be on step \(step) by table \(order), which does not route to it so") }
        case .paused(_, let order, _, _):
            guard table?.order == order, let arm = route?.candidate, arm.spec == release.specDigest, arm.share == 0 else {
                throw ReleaseError(.order, "\(release.id) cannot be paused by table \(order), which does not take its share")
            }
        case .resumed(_, let order, _):
            guard table?.order == order, let arm = route?.candidate, arm.spec == release.specDigest, arm.step == release.exposure?.step else {
                throw ReleaseError(.order, "\(release.id) cannot be resumed by table \(order), which does not route to it")
            }
        case .reinstated(let order, _):
            guard table?.order == order, route?.champion == release.specDigest else {
                throw ReleaseError(.order, "\(release.id) cannot answer by table \(order), which does not route to it")
            }
            if let other = answering(besides: release) {
                throw ReleaseError(.phase, "\(release.id) cannot be reinstated while \(other.id) is \(other.phase.rawValue)")
            }
        case .rolledBack(_, let order, _, _), .aborted(_, let order?, _, _):
            guard table?.order == order, route?.champion != release.specDigest, route?.candidate?.spec != release.specDigest else {
                throw ReleaseError(.order, "\(release.id) cannot be \(event.deed) by table \(order), which still routes to it")
            }
        case .live:
            guard route?.champion == release.specDigest else { throw ReleaseError(.order, "\(release.id) cannot be live while the table does not route to it") }
        case .proposed, .sealed, .refused, .approved, .rejected, .preparing, .escalated, .aborted: break
        }
    }

    private func answering(besides release: Release) -> Release? {
        releases.values.first { $0.id != release.id && $0.proposal.service == release.proposal.service && ($0.phase == .live || $0.phase == .exposed && $0.isChampion(of: table)) }
    }

    /// Traffic goes to what was approved and has not ended: ended is for good. A standby answers nothing.
    private func check(_ route: ServiceRoute) throws(ReleaseError) {
        for digest in [route.champion, route.candidate?.spec, route.preparing].compactMap({ $0 }) {
            guard let release = releases.values.first(where: { $0.specDigest == digest && $0.proposal.service == route.service }) else {
                throw ReleaseError(.invalid, "the routing table names spec \(digest.short), which is of no release of \(route.service)")
            }
            switch release.phase {
            case .preparing, .exposed, .live, .superseded: break
            case .validating, .awaitingApproval, .refused, .rejected, .aborted, .rolledBack:
                throw ReleaseError(.phase, "the routing table routes to \(release.id), which is \(release.phase.rawValue)")
            }
            try checkStep(of: release, in: route)
        }
    }

    /// Step by step: a table may lead to the next step of a plan, never past it.
    private func checkStep(of release: Release, in route: ServiceRoute) throws(ReleaseError) {
        guard release.phase == .preparing || release.phase == .exposed, let plan = release.sealed?.exposure else { return }
        let now = release.exposure?.step ?? -1
        let asked = route.champion == release.specDigest ? plan.count - 1 : route.candidate.flatMap { $0.spec == release.specDigest ? $0.step : nil }
        guard let asked, asked != now, asked != now + 1 else { return }
        throw ReleaseError(.exposure, "the routing table gives \(release.id) step \(asked) of its plan, and it is on step \(now)")
    }

    /// A release that was rolled back stays rolled back: the very same change is not proposed again.
    private func checkNovelty(_ proposal: Proposal) throws(ReleaseError) {
        let same = releases.values.first {
            $0.phase == .rolledBack && $0.proposal.service == proposal.service && $0.proposal.model == proposal.model
                && $0.proposal.decision == proposal.decision && $0.proposal.request == proposal.request
        }
        if let same {
            throw ReleaseError(.phase, "\(same.id) made the same change and was \(same.ending ?? "rolled back"); change what was wrong and propose that")
        }
    }

    private mutating func take(_ batch: DecisionBatch, at: Instant, trust: TrustRoot) throws(ReleaseError) {
        guard trust.nodes[batch.node] != nil else { throw ReleaseError(.authority, "'\(batch.node)' is no node of this system, so it records no decisions") }
        let last = recordedThrough(batch.node)
        guard batch.first == last + 1, batch.last >= batch.first else {
            throw ReleaseError(.order, "decisions \(batch.first) to \(batch.last) of \(batch.node) cannot be recorded: the next is \(last + 1)")
        }
        batches[batch.node, default: []].append(RecordedBatch(batch: batch, index: size, at: at))
    }

    /// The last entry of a node's log that the ledger commits to.
    package func recordedThrough(_ node: NodeID) -> UInt64 { batches[node]?.last?.batch.last ?? 0 }

    /// The batch with a node's entry.
    package func batch(of node: NodeID, with sequence: UInt64) -> RecordedBatch? {
        guard let all = batches[node] else { return nil }
        // Dense and in order: the first batch that does not end before the entry.
        var low = 0, high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle].batch.last < sequence { low = middle + 1 } else { high = middle }
        }
        return low < all.count && all[low].batch.first <= sequence ? all[low] : nil
    }

    private mutating func take(table envelope: Envelope, at: Instant, trust: TrustRoot) throws(ReleaseError) {
        let next = try RoutingTable.open(envelope, trust: trust, after: table?.order)
        guard next.order != table?.order else { throw ReleaseError(.order, "routing table \(next.order) was issued already") }
        for route in next.routes {
            try check(route)
            _ = try VerifiedRoute(verifying: route, bundles: next.bundles, trust: trust)
        }
        tables.append(TableAt(table: next, at: at))
        tableEnvelope = envelope
    }
}

/// What a history has come to, as the store keeps it beside the entries for reading. The entries decide; a head that differs was changed by hand.
package struct StreamSummary: Codable, Hashable, Sendable {
    package var format = 1
    package var phase: String?
    package var spec: Digest?
    package var order: TableOrder?
    package var version: Int?
    /// The last recorded entry of a node's log.
    package var through: UInt64?
}

extension SystemState {
    package func summary(of stream: String) -> [UInt8] {
        var summary = StreamSummary()
        if stream == "trust" {
            summary.version = trust?.version
        } else if stream == "routing" {
            summary.order = table?.order
        } else if stream.hasPrefix("decisions/"), let node = NodeID(stream.dropFirst("decisions/".count)) {
            summary.through = recordedThrough(node)
        } else if let id = ReleaseID(stream.dropFirst("release/".count)), stream.hasPrefix("release/"), let release = releases[id] {
            summary.phase = release.phase.rawValue
            summary.spec = release.specDigest
            summary.order = release.order
        }
        return StrictJSON.encode(summary)
    }
}

extension ServiceRoute.Arm {
    fileprivate init?(optional spec: Digest?, share: Double, step: Int) {
        guard let spec else { return nil }
        self.init(spec: spec, share: share, step: step)
    }
}

extension Release {
    fileprivate func isChampion(of table: RoutingTable?) -> Bool {
        table?.routes.contains { $0.service == proposal.service && $0.champion == specDigest } ?? false
    }
}

extension SystemState {
    /// Whether no release with a model answers for its service, so that there is nothing to compare it with.
    package func isFirst(_ release: Release) -> Bool { isFirst(release.proposal.service) }

    package func isFirst(_ service: ServiceName) -> Bool {
        guard let champion = route(of: service)?.champion, let bundle = table?.bundles.first(where: { $0.digest == champion }) else { return true }
        return (try? ReleaseSpec.read(bundle.spec.bytes).model) == nil
    }
}
