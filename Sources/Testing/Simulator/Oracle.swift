// What must be true whatever happens, judged from the entries alone and by rules written down a second time.
internal import Evidence
internal import Ports
internal import Primitives
internal import Registry
internal import Releases
internal import TestKit

/// A broken promise and the sentence about it.
struct Finding: Error {
    var promise: SimulationFailure.Promise
    var message: String

    init(_ promise: SimulationFailure.Promise, _ message: String) {
        self.promise = promise
        self.message = message
    }
}

/// Follows the ledger commit by commit. It shares with the product the types that are on the wire and nothing that decides.
struct Oracle {
    struct Known {
        var service: ServiceName
        var proposer: PersonID
        var model: ModelVersionID?
        var phase = "validating"
        var spec: Digest?
        var plan: [ExposureStep] = []
        var step: Int?
        var isPaused = false
        var approvers: [PersonID: Role] = [:]
        /// The order of the table that took it back, and when that was on the nodes' monotonic clock.
        var takenBack: TableOrder?
        var takenBackAt: Int64?

        var isOnWatchedStep: Bool { step.map { plan.indices.contains($0) && plan[$0] != .live } ?? false }
    }

    /// Whoever wrote an entry about an envelope, and how often.
    struct Author: Hashable {
        var plane: Int
        var subject: String
    }

    let installation: Installation
    private(set) var releases: [ReleaseID: Known] = [:]
    private(set) var bySpec: [Digest: ReleaseID] = [:]
    private(set) var authors: [ModelVersionID: PersonID] = [:]
    private(set) var table: RoutingTable?
    private(set) var tables: [Envelope] = []
    private(set) var specs: [Digest: [UInt8]] = [:]
    private(set) var size = 0
    private(set) var heard = 0
    private(set) var unheard = 0
    private(set) var written: [Author: Int] = [:]
    private(set) var occurrences: [String: Int] = [:]
    private var judged: [ReleaseBundle: String?] = [:]
    private var now: Int64 = 0

    init(_ installation: Installation) { self.installation = installation }

    // What may follow in a release's life.
    private static let moves: [String: [String: String]] = [
        "validating": ["release.sealed": "awaiting", "release.refused": "refused", "release.aborted": "aborted"],
        "awaiting": ["release.approved": "awaiting", "release.rejected": "rejected", "release.preparing": "preparing", "release.aborted": "aborted"],
        "preparing": ["release.exposed": "exposed", "release.aborted": "aborted"],
        "exposed": [
            "release.exposed": "exposed", "release.paused": "exposed", "release.resumed": "exposed", "release.escalated": "exposed", "release.live": "live",
            "release.rolled-back": "rolled back", "release.aborted": "aborted",
        ],
        "live": ["release.superseded": "superseded", "release.rolled-back": "rolled back"],
        "superseded": ["release.reinstated": "live"],
    ]

    /// One commit that took effect. Its entries become visible together, so the promises about routes are looked at after the last.
    mutating func note(_ appends: [LedgerAppend], by plane: Int, position: LedgerPosition, heard: Bool, monotonic: Int64) throws(Finding) {
        now = monotonic
        let entries = appends.flatMap(\.entries)
        size += entries.count
        if heard { self.heard += entries.count } else { unheard += entries.count }
        guard size == position.size else { throw Finding(.ledger, "the ledger has \(position.size) entries after \(size) were written") }
        for entry in entries { try note(entry, by: plane) }
        try checkRoutes()
    }

    private mutating func note(_ entry: LedgerEntry, by plane: Int) throws(Finding) {
        let record: LedgerRecord
        do { record = try LedgerRecord.read(entry) } catch { throw Finding(.fold, "entry \(size - 1) cannot be read: \(error.message)") }
        let subject = Self.subject(of: record)
        written[Author(plane: plane, subject: subject), default: 0] += 1
        occurrences[subject, default: 0] += 1
        switch record {
        case .trustRoot: break
        case .decisions: throw Finding(.ledger, "decisions were recorded, and nobody here decides")
        case .registered(let envelope, _): try note(registration: envelope)
        case .evidence(let envelope, _): try need(envelope, by: installation.validator.verificationKey, .ledger, "evidence")
        // The simulated world trains nothing.
        case .provenance: throw Finding(.ledger, "provenance was recorded, and nobody sent any")
        case .release(let id, let event): try note(event, of: id)
        case .routing(let envelope, _): try note(table: envelope)
        case .observed(let envelope, _):
            let observation: Observation = try decode(envelope, Observation.payloadType)
            guard let key = installation.nodes[observation.node] else { throw Finding(.ledger, "an observation of the unknown node \(observation.node)") }
            try need(envelope, by: key.verificationKey, .ledger, "an observation")
        }
    }

    /// What counts an entry as the same as another: the signed bytes, or the kind where nobody outside signed.
    static func subject(of record: LedgerRecord) -> String {
        switch record {
        case .registered(let envelope, _), .observed(let envelope, _), .release(_, .proposed(let envelope, _)), .release(_, .approved(let envelope, _)),
            .release(_, .rejected(let envelope, _)), .release(_, .aborted(.order(let envelope), _, _, _)), .release(_, .rolledBack(.order(let envelope), _, _, _)),
            .release(_, .resumed(let envelope, _, _)), .release(_, .paused(.order(let envelope), _, _, _)):
            subject(of: envelope)
        case .release(_, .exposed(_, _, _, let founded)): founded.promotion.map(subject) ?? record.kind
        default: record.kind
        }
    }

    static func subject(of envelope: Envelope) -> String { Digest.of(envelope.payload + envelope.signatures.flatMap(\.sig.bytes)).short }

    private func decode<Value: Codable>(_ envelope: Envelope, _ type: String) throws(Finding) -> Value {
        do { return try envelope.decodeUnverified(as: type) } catch { throw Finding(.ledger, "an entry holds what cannot be read: \(error.message)") }
    }

    private func need(_ envelope: Envelope, by key: VerificationKey?, _ promise: SimulationFailure.Promise, _ what: String) throws(Finding) {
        guard let key, !envelope.signers(among: [key]).isEmpty else { throw Finding(promise, "\(what) in the ledger is not signed by the one it names") }
    }

    private func person(_ id: PersonID) -> Installation.Signer? { installation.people.first { $0.id == id } }

    private mutating func note(registration envelope: Envelope) throws(Finding) {
        let statement: Statement<Registration> = try decode(envelope, statementPayloadType)
        let registration = statement.predicate
        try need(envelope, by: person(registration.author)?.key.verificationKey, .ledger, "a registration")
        guard authors.updateValue(registration.author, forKey: registration.version) == nil else { throw Finding(.ledger, "\(registration.version) is registered twice") }
    }

    private mutating func note(_ event: ReleaseEvent, of id: ReleaseID) throws(Finding) {
        if case .proposed(let envelope, _) = event { return try note(proposal: envelope, of: id) }
        guard var release = releases[id] else { throw Finding(.ledger, "\(event.kind) of \(id), which nobody proposed") }
        guard let next = Self.moves[release.phase]?[event.kind] else { throw Finding(.ended, "\(event.kind) of \(id), which is \(release.phase)") }
        switch event {
        case .sealed(let spec, _):
            let digest = Digest.of(spec.bytes)
            release.spec = digest
            release.plan = (try? ReleaseSpec.read(spec.bytes))?.exposure ?? []
            (bySpec[digest], specs[digest]) = (id, spec.bytes)
        case .approved(let envelope, let at): try note(approval: envelope, at: at, of: id, &release)
        case .rejected(let envelope, _):
            let approval: Approval = try decode(envelope, Approval.payloadType)
            try need(envelope, by: person(approval.person)?.key.verificationKey, .approved, "a rejection")
        case .preparing:
            let lack = Self.lack(release.approvers)
            guard lack.isEmpty else { throw Finding(.approved, "\(id) is prepared without \(lack)") }
        case .aborted(.order(let envelope), _, _, _), .rolledBack(.order(let envelope), _, _, _), .paused(.order(let envelope), _, _, _):
            let order: StopOrder = try decode(envelope, StopOrder.payloadType)
            try need(envelope, by: person(order.person)?.key.verificationKey, .ledger, "an order to stop")
        default: break
        }
        switch event {
        case .exposed(let step, _, _, let founded): try note(step: step, founded.promotion, of: id, &release)
        case .paused: release.isPaused = true
        case .resumed(let envelope, _, _):
            try need(advance: envelope, .resume, step: release.step ?? -1, of: id, release)
            release.isPaused = false
        case .rolledBack(_, let order, _, _), .aborted(_, let order?, _, _): (release.takenBack, release.takenBackAt) = (order, now)
        default: break
        }
        release.phase = next
        releases[id] = release
    }

    /// From one step to the next, never from a pause, and further than the controller may alone only by a person's order.
    private func note(step: Int, _ promotion: Envelope?, of id: ReleaseID, _ release: inout Known) throws(Finding) {
        guard step == (release.step ?? -1) + 1, release.plan.indices.contains(step), !release.isPaused else {
            throw Finding(.share, "\(id) goes from step \(release.step.map(String.init) ?? "none")\(release.isPaused ? ", paused," : "") to step \(step)")
        }
        // The policy of this world: shadow and 5 % alone.
        if let promotion {
            try need(advance: promotion, .promote, step: step, of: id, release)
        } else if release.plan.count > 1, step > 0, release.plan[step].share > 0.05 {
            throw Finding(.share, "\(id) goes to step \(step) without a person")
        }
        release.step = step
    }

    private func need(advance envelope: Envelope, _ action: AdvanceOrder.Action, step: Int, of id: ReleaseID, _ release: Known) throws(Finding) {
        let order: AdvanceOrder = try decode(envelope, AdvanceOrder.payloadType)
        try need(envelope, by: person(order.person)?.key.verificationKey, .approved, "an order to \(action.rawValue)")
        let roles = person(order.person)?.roles ?? []
        guard order.action == action, order.step == step, order.spec == release.spec, roles.contains(.reviewer) || roles.contains(.riskOwner), order.person != release.proposer,
            order.person != release.model.flatMap({ authors[$0] })
        else { throw Finding(.approved, "\(id) got more traffic by an order of \(order.person) that does not count") }
    }

    private mutating func note(proposal envelope: Envelope, of id: ReleaseID) throws(Finding) {
        let proposal: Proposal = try decode(envelope, Proposal.payloadType)
        guard releases[id] == nil, proposal.release == id else { throw Finding(.ledger, "\(id) is proposed twice or under another name") }
        guard let proposer = person(proposal.proposer), proposer.roles.contains(.proposer) else { throw Finding(.approved, "\(proposal.proposer) proposed \(id)") }
        try need(envelope, by: proposer.key.verificationKey, .approved, "a proposal")
        releases[id] = Known(service: proposal.service, proposer: proposal.proposer, model: proposal.model)
    }

    private func note(approval envelope: Envelope, at: Instant, of id: ReleaseID, _ release: inout Known) throws(Finding) {
        let approval: Approval = try decode(envelope, Approval.payloadType)
        guard approval.spec == release.spec else { throw Finding(.approved, "\(id) took an approval of another spec") }
        if let reason = objection(to: approval, envelope, proposer: release.proposer, author: release.model.flatMap { authors[$0] }) {
            throw Finding(.approved, "\(id) took an approval that does not count: \(reason)")
        }
        guard at.since(approval.signed) <= .seconds(72 * 3600) else { throw Finding(.approved, "\(id) took an approval signed at \(approval.signed) at \(at)") }
        guard release.approvers.updateValue(approval.role, forKey: approval.person) == nil else { throw Finding(.approved, "\(approval.person) approved \(id) twice") }
    }

    /// Why an approval does not count, or nothing.
    private func objection(to approval: Approval, _ envelope: Envelope, proposer: PersonID, author: PersonID?) -> String? {
        guard let person = person(approval.person) else { return "\(approval.person) is unknown" }
        guard approval.answer == .approve else { return "\(person.id) said no" }
        guard person.roles.contains(approval.role) else { return "\(person.id) is no \(approval.role)" }
        guard person.id != proposer else { return "\(person.id) proposed it" }
        guard person.id != author else { return "\(person.id) wrote it" }
        return envelope.signers(among: [person.key.verificationKey]).isEmpty ? "\(person.id) did not sign" : nil
    }

    private static func lack(_ approvers: [PersonID: Role]) -> String {
        [Role.reviewer, .riskOwner].filter { !approvers.values.contains($0) }.map(\.text).joined(separator: ", ")
    }

    private mutating func note(table envelope: Envelope) throws(Finding) {
        let next: RoutingTable = try decode(envelope, RoutingTable.payloadType)
        try need(envelope, by: installation.controlPlane.verificationKey, .ledger, "a routing table")
        if let last = table?.order, next.order <= last { throw Finding(.order, "table \(next.order) follows table \(last)") }
        table = next
        tables.append(envelope)
    }

    /// Who may stand where in the newest table.
    private func checkRoutes() throws(Finding) {
        for route in table?.routes ?? [] {
            try check(route.champion, of: route, ["exposed", "live"], "answers")
            try check(route.candidate?.spec, of: route, ["exposed"], "takes a share")
            try check(route.standby, of: route, ["live", "superseded", "rolled back"], "stands by")
            try check(route.preparing, of: route, ["preparing"], "is prepared")
            guard let candidate = route.candidate, let id = bySpec[candidate.spec], let release = releases[id] else { continue }
            let most = release.isPaused ? 0 : release.step.map { release.plan.indices.contains($0) ? release.plan[$0].share : 0 } ?? 0
            guard candidate.step == release.step, candidate.share <= most else {
                throw Finding(.share, "\(id) gets \(candidate.share) on step \(candidate.step), and it may have \(most)\(release.isPaused ? ", being paused" : "")")
            }
        }
    }

    private func check(_ spec: Digest?, of route: ServiceRoute, _ phases: Set<String>, _ verb: String) throws(Finding) {
        guard let spec else { return }
        guard let id = bySpec[spec], let release = releases[id], release.service == route.service else {
            throw Finding(.approved, "\(spec.short) \(verb) for \(route.service), and nobody sealed it")
        }
        guard phases.contains(release.phase) else { throw Finding(.ended, "\(id) \(verb) in table \(table?.order.description ?? "none") and is \(release.phase)") }
    }
}

extension Oracle {
    /// Why a bundle may not be served, looked at without the product's verifier; nothing when it may.
    mutating func objection(toServing bundle: ReleaseBundle) -> String? {
        if let known = judged[bundle] { return known }
        let reason = examine(bundle)
        judged[bundle] = .some(reason)
        return reason
    }

    private func examine(_ bundle: ReleaseBundle) -> String? {
        guard let spec = try? ReleaseSpec.read(bundle.spec.bytes) else { return "its spec cannot be read" }
        let proposal = spec.proposal
        guard let proposer = person(proposal.proposer), !bundle.proposal.signers(among: [proposer.key.verificationKey]).isEmpty else { return "nobody proposed it" }
        if let model = spec.model {
            guard let author = person(model.author), bundle.registration?.signers(among: [author.key.verificationKey]).isEmpty == false else {
                return "nobody registered its model"
            }
        }
        var approvers: [PersonID: Role] = [:]
        for envelope in bundle.approvals {
            guard let approval: Approval = try? envelope.decodeUnverified(as: Approval.payloadType) else { return "it has an approval that cannot be read" }
            guard approval.spec == bundle.digest else { return "\(approval.person) approved another spec" }
            if let reason = objection(to: approval, envelope, proposer: proposal.proposer, author: spec.model?.author) { return reason }
            approvers[approval.person] = approval.role
        }
        let lack = Self.lack(approvers)
        return lack.isEmpty ? nil : "\(lack) did not approve"
    }

    /// Why a candidate may not have a share at this time of the nodes' monotonic clock; nothing when it may. A lease may outlive the end of a release by its span,
    /// and no longer.
    func mayBeExposed(_ spec: Digest, at monotonic: Int64) -> String? {
        guard let id = bySpec[spec], let release = releases[id] else { return "\(spec.short) is no release of this ledger" }
        if release.phase == "exposed" { return nil }
        guard let at = release.takenBackAt else { return ["live", "superseded"].contains(release.phase) ? nil : "\(id) is \(release.phase)" }
        return monotonic - at > 10_000 ? "\(id) was taken back \(monotonic - at) ms ago" : nil
    }

    /// Whether a release may answer on a node that has accepted this order: not before it was exposed, and not after it was taken back.
    func mayAnswer(_ spec: Digest, at order: TableOrder) -> String? {
        guard let id = bySpec[spec], let release = releases[id] else { return "\(spec.short) is no release of this ledger" }
        switch release.phase {
        case "exposed": return release.isOnWatchedStep ? "\(id) is on step \(release.step ?? -1) of its plan, not live" : nil
        case "live", "superseded": return nil
        case "rolled back": return (release.takenBack ?? order) <= order ? "\(id) was taken back by table \(release.takenBack?.description ?? "none")" : nil
        default: return "\(id) is \(release.phase)"
        }
    }
}
