// Control planes that die and come back, and what is asked of them.
internal import Evidence
internal import Logging
internal import Ports
internal import Primitives
internal import Registry
internal import ReleaseController
internal import Releases
internal import TestKit
internal import YAMLDocuments

/// One running control plane with its own line to the ledger.
struct Plane: Sendable {
    var id: Int
    var controller: ReleaseController
    var store: UnreliableLedger
}

/// What can be asked of a control plane from outside.
enum Command: Sendable {
    case register(Envelope)
    case evaluate(ModelVersionID, dataset: Digest)
    case propose(Envelope)
    case answer(Envelope, ReleaseID)
    case stop(Envelope, ReleaseID)
    case advance(Envelope, ReleaseID)
    case observe(Envelope)

    var envelope: Envelope? {
        switch self {
        case .register(let envelope), .propose(let envelope), .answer(let envelope, _), .stop(let envelope, _), .advance(let envelope, _),
            .observe(let envelope):
            envelope
        case .evaluate: nil
        }
    }

    var word: String {
        switch self {
        case .register: "register"
        case .evaluate: "evaluate"
        case .propose: "propose"
        case .answer: "answer"
        case .stop: "stop"
        case .advance: "advance"
        case .observe: "observe"
        }
    }

    /// What the oracle counts the command's entry under.
    var subject: String { envelope.map { Oracle.subject(of: $0) } ?? "evidence.recorded" }

    func carryOut(on desk: ReleaseController) async throws(DeskError) {
        switch self {
        case .register(let envelope): _ = try await desk.register(envelope)
        case .evaluate(let version, let dataset): _ = try await desk.evaluate(version, dataset: dataset)
        case .propose(let envelope): _ = try await desk.propose(envelope)
        case .answer(let envelope, let release): _ = try await desk.answer(envelope, release: release)
        case .stop(let envelope, let release): _ = try await desk.stop(envelope, release: release)
        case .advance(let envelope, let release): _ = try await desk.advance(envelope, release: release)
        case .observe(let envelope): try await desk.observe(envelope)
        }
    }
}

extension Simulation {
    /// Starts a control plane on the ledger. It may find another one alive there.
    func openPlane() async {
        planesMade += 1
        let id = planesMade
        let store = UnreliableLedger(ledger)
        store.change { behaviour in
            behaviour.fault = { [weak self] _ in await self?.fault(of: id) }
            behaviour.committed = { [weak self] appends, position, heard in await self?.committed(appends, by: id, position, heard: heard) }
        }
        let plane = Plane(id: id, controller: controller(on: store), store: store)
        // It counts as alive while it opens, so that it can die then.
        planes.append(plane)
        do {
            try await plane.controller.open(trust: installation.trustEnvelope)
            note("plane \(id) opens")
        } catch {
            planes.removeAll { $0.id == id }
            note("plane \(id) does not open: \(error.category.rawValue)")
            if error.category == .damaged { fail(.fold, "a control plane cannot open its own ledger: \(error.message)") }
        }
    }

    func controller(on store: UnreliableLedger) -> ReleaseController {
        ReleaseController(
            .init(
                store: store, artifacts: artifacts, parser: YAMLDocumentParser(), probe: probe, comparisons: comparisons, clock: clock, random: SeededRandom(seed: dice.next()),
                logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }),
            keys: ServiceKeys(controlPlane: installation.controlPlane, ledger: installation.ledger, validator: installation.validator))
    }

    /// The old one dies, or lives on beside the new one and knows nothing of it.
    func replacePlane() async {
        if planes.count > 1 || chance(50), let old = pick(planes) { die(old.id) }
        await openPlane()
    }

    private func die(_ id: Int) {
        planes.first { $0.id == id }?.store.change { $0.isDown = true }
        planes.removeAll { $0.id == id }
        count("death")
        note("plane \(id) dies")
    }

    /// What happens to a commit on its way. Between the decision and the write the other control plane may act.
    private func fault(of id: Int) async -> UnreliableLedger.Fault? {
        guard !isQuiet else { return weaknesses.contains(.storeIgnoresRevisions) ? .unchecked : nil }
        if !isActingMeanwhile, chance(12), let other = planes.first(where: { $0.id != id }) {
            isActingMeanwhile = true
            note("meanwhile")
            await attempt { try await self.actThrough(other) }
            isActingMeanwhile = false
        }
        switch roll(100) {
        case ..<2:
            die(id)
            return .lost
        case ..<4:
            die(id)
            return .unheard
        case ..<6: return .lost
        case ..<9:
            count("unheard commit")
            return .unheard
        default: return weaknesses.contains(.storeIgnoresRevisions) ? .unchecked : nil
        }
    }

    private func committed(_ appends: [LedgerAppend], by id: Int, _ position: LedgerPosition, heard: Bool) {
        note("plane \(id) wrote \(appends.flatMap { $0.entries.map(\.kind) }.joined(separator: " "))\(heard ? "" : ", unheard")")
        for append in appends { for entry in append.entries { count(entry.kind) } }
        do { try oracle.note(appends, by: id, position: position, heard: heard, monotonic: monotonic) } catch { fail(error.promise, error.message) }
    }

    /// Asks, and looks whether the ledger has exactly what the answer says.
    @discardableResult func send(_ command: Command, to plane: Plane) async -> DeskError? {
        let author = Oracle.Author(plane: plane.id, subject: command.subject)
        let before = oracle.written[author] ?? 0
        sent.append(command)
        var refusal: DeskError?
        do { try await command.carryOut(on: plane.controller) } catch { refusal = error }
        note("\(command.word) \(command.subject) at plane \(plane.id): \(refusal.map { "\($0.category.rawValue) \($0.rule): \($0.message)" } ?? "done")")
        count(refusal.map { "\(command.word) \($0.category.rawValue)" } ?? "\(command.word) done")
        judge(refusal, of: command, written: (oracle.written[author] ?? 0) - before)
        return refusal
    }

    private func judge(_ refusal: DeskError?, of command: Command, written: Int) {
        if let refusal {
            if refusal.category == .damaged, !isTampered { fail(.fold, "\(command.word) found damage where there is none: \(refusal.message)") }
            // Who hears that the ledger cannot be reached does not know whether it took the entry.
            if written > 0, refusal.category != .unavailable {
                fail(.acknowledged, "\(command.word) was refused as \(refusal.category.rawValue) (\(refusal.message)) and left an entry")
            }
            return
        }
        if case .observe = command {
            let all = oracle.occurrences[command.subject] ?? 0
            if all != 1 { fail(.acknowledged, "an observation that was taken stands \(all) times in the ledger") }
        } else if written != 1 {
            fail(.acknowledged, "\(command.word) was done and left \(written) entries")
        }
    }

    func pass() async {
        guard let plane = pick(planes) else { return }
        await pass(of: plane)
    }

    @discardableResult func pass(of plane: Plane) async -> Bool {
        do {
            let moved = try await plane.controller.pass()
            note("a pass of plane \(plane.id) \(moved ? "moved something" : "found nothing to do")")
            return moved
        } catch {
            note("a pass of plane \(plane.id): \(error.category.rawValue) \(error.message)")
            if error.category == .damaged, !isTampered { fail(.fold, "a pass found damage where there is none: \(error.message)") }
            return true
        }
    }

    /// Somebody with access to the database changes what is read from it: nothing may start on that, and nothing may be written.
    func tamper() async {
        guard let table = oracle.tables.last, oracle.size > 0 else { return }
        let store = UnreliableLedger(ledger), way = roll(4), size = oracle.size
        let forged = Envelope(payloadType: table.payloadType, payload: table.payload + [0x20], signatures: table.signatures)
        store.change { behaviour in
            switch way {
            case 0:
                behaviour.entry = { stored in
                    guard stored.entry.kind == "routing.table" else { return stored }
                    var stored = stored
                    stored.entry.payload = LedgerRecord.routing(forged, at: World.now).payload
                    return stored
                }
            case 1: behaviour.head = { $0.stream.text == "routing" ? StreamHead(stream: $0.stream, revision: $0.revision, body: Array("{}".utf8)) : $0 }
            case 2: behaviour.head = { $0.stream.text == "routing" ? StreamHead(stream: $0.stream, revision: $0.revision + 1, body: $0.body) : $0 }
            default: behaviour.head = { $0.stream.text == "routing" ? nil : $0 }
            }
        }
        let controller = controller(on: store)
        do {
            try await controller.open(trust: installation.trustEnvelope)
            fail(.fold, "a control plane opened a ledger whose rows were changed (way \(way))")
        } catch {
            note("a changed ledger (way \(way)) is refused: \(error.category.rawValue)")
            if error.category != .damaged { fail(.fold, "a changed ledger is called \(error.category.rawValue)") }
        }
        if (try? await ledger.position().size) != size { fail(.ledger, "a control plane wrote to a ledger whose rows were changed") }
        count("tampering")
    }
}
