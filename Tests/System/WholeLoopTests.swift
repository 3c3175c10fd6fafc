// The life of a version, a release and a request, through every room that has a part in it.
import ControlPlaneClient
import Evidence
import Foundation
import Ports
import Primitives
import Registry
import Releases
import TestKit
import Testing

@Suite(.serialized) struct WholeLoopTests {
    private let service: ServiceName
    private let model: ModelName

    init() throws {
        service = try name("rebooking-offer")
        model = try name("flight-delay")
    }

    @Test func aModelGoesLiveWithApprovalServesOnAndIsTakenBack() async throws {
        let flights = try SmallFlights.shared.get()
        let folder = NSTemporaryDirectory() + "/penstock-system-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let system = try WholeSystem(folder: folder)
        let ports = Ports()
        try await system.withControlPlane { control, client, _ in
            ports.control = control
            try await system.withNode(control: control) { node in
                try await register(flights, system, client)
                try await release(0, nil, system, client)
                let first = try await WholeSystem.decide(flights.rows[0], at: node)
                #expect(first.status == 200 && first.decision == "review" && first.score == nil)
                try await release(1, ModelVersionID(model: model, number: 1), system, client)
                for (row, score) in zip(flights.rows, flights.scores) {
                    let answer = try await WholeSystem.decide(row, at: node)
                    #expect(answer.release == "rebooking-offer-1" && answer.score == score && answer.decision == (score >= 0.5 ? "offer" : "none"))
                }
            }
        }
        try await servesOn(system, ports.control, flights)
        try await isTakenBack(system, ports.control, flights)
    }

    /// The control plane is gone, and the node was restarted meanwhile.
    private func servesOn(_ system: WholeSystem, _ control: Int, _ flights: SmallFlights) async throws {
        try await system.withNode(control: control) { node in
            let answer = try await WholeSystem.decide(flights.rows[3], at: node)
            #expect(answer.release == "rebooking-offer-1" && answer.score == flights.scores[3])
        }
    }

    private func isTakenBack(_ system: WholeSystem, _ control: Int, _ flights: SmallFlights) async throws {
        try await system.withControlPlane(port: control) { control, client, _ in
            try await system.withNode(control: control) { node in
                let id: ReleaseID = try name("rebooking-offer-1")
                #expect(try await client.release(id).phase == .live)
                let saved = try Checkpoint.open(try await client.checkpoint(), origin: system.trust.ledgerOrigin, key: system.trust.services.ledger)
                let order = StopOrder(
                    system: system.trust.system, environment: system.trust.environment, release: id, action: .rollback, reason: "too many offers", person: try name("ben"),
                    signed: RealClock().now())
                #expect(try await client.stop(Envelope(signing: order, as: StopOrder.payloadType, by: [try key(2)]), release: id).phase == .rolledBack)
                try await WholeSystem.until("the fallback answers again") { try await WholeSystem.decide(flights.rows[0], at: node).release == "rebooking-offer-0" }
                #expect(try await client.release(try name("rebooking-offer-0")).phase == .live)
                let again = try proposal(2, ModelVersionID(model: model, number: 1), system)
                let refused = await #expect(throws: ClientError.self) { try await client.propose(again) }
                #expect(refused?.message.contains("made the same change") == true)
                try await isProved(client, system, since: saved)
            }
        }
    }

    /// Offline, with nothing but the trust root and an earlier checkpoint.
    private func isProved(_ client: ControlPlaneClient, _ system: WholeSystem, since saved: Checkpoint) async throws {
        let export = Collected()
        try await client.exportLedger { await export.add($0) }
        let bytes = await export.bytes
        let verified = try LedgerExportVerifier(origin: system.trust.ledgerOrigin, key: system.trust.services.ledger, saved: saved).verify(bytes)
        var state = SystemState()
        for entry in verified.entries { try state.apply(entry) }
        #expect(state.trust == system.trust && state.size == verified.entries.count && verified.entries.count > saved.size)
        #expect(state.releases[try name("rebooking-offer-1")]?.ending == "rolled back by ben: too many offers")
    }

    private func register(_ flights: SmallFlights, _ system: WholeSystem, _ client: ControlPlaneClient) async throws {
        for bytes in [SmallFlights.training, SmallFlights.request, SmallFlights.decision, SmallFlights.policy, flights.model, flights.holdout] {
            _ = try await client.upload(bytes)
        }
        let registration = Registration(
            version: ModelVersionID(model: model, number: 1), artifact: Digest.of(flights.model), bytes: flights.model.count, format: "lightgbm",
            contract: Digest.of(SmallFlights.training), signature: try SmallFlights.signature(), author: try name("ada"), registered: RealClock().now(), note: "")
        _ = try await client.register(Envelope(signing: registration.statement, as: statementPayloadType, by: [try key(1)]))
        let evaluation = try await client.evaluate(registration.version, dataset: Digest.of(flights.holdout))
        #expect(evaluation.rows > 15_000 && evaluation.sandbox.first == "bubblewrap" && (evaluation.metrics["auc"] ?? 0) > 0.8, "\(evaluation)")
    }

    private func proposal(_ number: Int, _ version: ModelVersionID?, _ system: WholeSystem) throws -> Envelope {
        let proposal = try Proposal(
            system: system.trust.system, environment: system.trust.environment, service: service, number: number, model: version,
            decision: Digest.of(SmallFlights.decision), request: Digest.of(SmallFlights.request), policy: Digest.of(SmallFlights.policy), reason: "it is better",
            expectedChange: nil, proposer: try name("ada"), proposed: RealClock().now())
        return Envelope(signing: proposal, as: Proposal.payloadType, by: [try key(1)])
    }

    private func release(_ number: Int, _ version: ModelVersionID?, _ system: WholeSystem, _ client: ControlPlaneClient) async throws {
        let view = try await client.propose(proposal(number, version, system))
        let spec = try required(view.spec, "a sealed spec of \(view.id): \(view.results)")
        func approve(_ role: Role, _ person: String, _ number: UInt8) async throws {
            let approval = Approval(
                system: system.trust.system, environment: system.trust.environment, release: view.id, spec: spec, role: role, person: try name(person), answer: .approve,
                reason: "sound", signed: RealClock().now())
            _ = try await client.answer(Envelope(signing: approval, as: Approval.payloadType, by: [try key(number)]), release: view.id)
        }
        let own = await #expect(throws: ClientError.self) { try await approve(.reviewer, "ada", 1) }
        #expect(own?.rule == "four-eyes")
        try await approve(.reviewer, "ben", 2)
        try await approve(.riskOwner, "cleo", 3)
        try await WholeSystem.until("\(view.id) is live") { try await client.release(view.id).phase == .live }
    }
}

/// What one part of a test leaves for the next. Unchecked: the parts of the test run one after another.
private final class Ports: @unchecked Sendable {
    var control = 0
}

private actor Collected {
    private(set) var bytes: [UInt8] = []
    func add(_ more: [UInt8]) { bytes += more }
}
