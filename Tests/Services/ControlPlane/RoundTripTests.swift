// The real client and the real server, there and back on every route.
private import ControlPlane
private import ControlPlaneClient
private import Evidence
private import Foundation
private import MemoryStores
private import Ports
private import Primitives
private import Registry
private import Releases
private import TestKit
import Testing

@Suite(.serialized) struct RoundTripTests {
    private let key = SigningKey()
    private let now = Instant(milliseconds: 1_372_593_600_000)

    @Test func statusAndHealth() async throws {
        try await Harness.run { harness in
            try await harness.withClients { person, node in
                #expect(await node.isHealthy())
                let status = try await person.status()
                #expect(status.system.text == "test" && status.ledger.size == 0 && status.version == "1")
                let error = await #expect(throws: ClientError.self) { try await node.status() }
                #expect(error?.status == 403 && error?.rule == "token-kind")
            }
        }
    }

    @Test func artifactsGoThereAndBack() async throws {
        try await Harness.run { harness in
            try await harness.withClients { person, node in
                let bytes = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
                try Data(bytes).write(to: file)
                defer { try? FileManager.default.removeItem(at: file) }
                let digest = try await person.upload(file: file.path)
                #expect(digest == Digest.of(bytes))
                #expect(try await harness.artifacts.read(digest, limit: .max) == bytes)
                #expect(try await person.upload(file: file.path) == digest)
                #expect(try await person.upload(bytes) == digest)
                let empty = try await person.upload([UInt8]())
                let mine = MemoryArtifacts()
                for wanted in [digest, empty] { try await ControlPlaneNodeLink(node).fetch(wanted, into: mine) }
                #expect(try await mine.read(digest, limit: .max) == bytes)
                let wrong = await #expect(throws: ClientError.self) { try await person.upload(bytes, as: Digest.of("other")) }
                #expect(wrong?.status == 400 && wrong?.rule == "digest")
                #expect(try await harness.artifacts.contains(Digest.of("other")) == false)
                await #expect(throws: LinkError.self) { try await ControlPlaneNodeLink(node).fetch(Digest.of("absent"), into: mine) }
                let refused = await #expect(throws: ClientError.self) { try await node.upload(bytes, as: Digest.of("new")) }
                #expect(refused?.status == 403)
                let local = await #expect(throws: ClientError.self) { try await person.upload(file: "/nowhere/at/all") }
                #expect(local?.category == "local")
            }
        }
    }

    @Test func modelsAndReleases() async throws {
        try await Harness.run { harness in
            try await harness.withClients { person, _ in
                let version = try #require(ModelVersionID(parsing: "delay@1"))
                let ana = try #require(PersonID("ana")), ben = try #require(PersonID("ben"))
                let registration = Registration(
                    version: version, artifact: Digest.of("model"), bytes: 5, format: "lightgbm", contract: Digest.of("c"), signature: Digest.of("s"), author: ana,
                    registered: now, note: "näive \"quotes\"")
                let envelope = Envelope(signing: registration.statement, as: statementPayloadType, by: [key])
                #expect(try await person.register(envelope).registration == registration)
                let conflict = await #expect(throws: ClientError.self) { try await person.register(envelope) }
                #expect(conflict?.status == 409 && conflict?.category == "conflict" && conflict?.rule == "version")
                #expect(try await person.modelVersions().map(\.registration) == [registration])
                #expect(try await person.modelVersion(version).registration == registration)
                let missing = await #expect(throws: ClientError.self) { try await person.modelVersion(ModelVersionID(model: version.model, number: 2)) }
                #expect(missing?.status == 404)
                #expect(try await person.evaluate(version, dataset: Digest.of("d")).dataset == Digest.of("d"))
                let made = try MadeProvenance(model: Digest.of("model"))
                try await person.record(provenance: made.model.signed(by: key))
                #expect(harness.desk.state.withLock { $0.provenance } == [made.model])
                #expect(try await person.lineage(of: version).artifact == Digest.of("model"))

                let system = try #require(SystemName("test")), environment = try #require(EnvironmentName("dev"))
                let proposal = try Proposal(
                    system: system, environment: environment, service: try #require(ServiceName("delay")), number: 1, model: version, decision: Digest.of("1"),
                    request: Digest.of("2"), policy: Digest.of("3"), reason: "better", expectedChange: nil, proposer: ana, proposed: now)
                #expect(try await person.propose(Envelope(signing: proposal, as: Proposal.payloadType, by: [key])).proposal == proposal)
                #expect(try await person.releases().map(\.id) == [proposal.release])
                #expect(try await person.release(proposal.release).phase == .awaitingApproval)
                func approval(_ who: PersonID) -> Envelope {
                    Envelope(
                        signing: Approval(
                            system: system, environment: environment, release: proposal.release, spec: Digest.of("spec"), role: .proposer, person: who, answer: .approve,
                            reason: "", signed: now), as: Approval.payloadType, by: [key])
                }
                let own = await #expect(throws: ClientError.self) { try await person.answer(approval(ana), release: proposal.release) }
                #expect(own?.status == 403 && own?.rule == "four-eyes")
                #expect(try await person.answer(approval(ben), release: proposal.release).approvals.map(\.person) == [ben])
                let order = StopOrder(system: system, environment: environment, release: proposal.release, action: .abort, reason: "no", person: ben, signed: now)
                #expect(try await person.stop(Envelope(signing: order, as: StopOrder.payloadType, by: [key]), release: proposal.release).phase == .aborted)
            }
        }
    }

    @Test func ordersToGoOnAndRollouts() async throws {
        try await Harness.run { harness in
            try await harness.withClients { person, node in
                let system = try #require(SystemName("test")), environment = try #require(EnvironmentName("dev")), ana = try #require(PersonID("ana"))
                let proposal = try Proposal(
                    system: system, environment: environment, service: try #require(ServiceName("delay")), number: 1, model: ModelVersionID(parsing: "delay@1"),
                    decision: Digest.of("1"), request: Digest.of("2"), policy: Digest.of("3"), reason: "better", expectedChange: nil, expectedRates: ["offer": 0.02], proposer: ana,
                    proposed: now)
                #expect(try await person.propose(Envelope(signing: proposal, as: Proposal.payloadType, by: [key])).proposal.expectedRates == ["offer": 0.02])
                let order = AdvanceOrder(
                    system: system, environment: environment, release: proposal.release, spec: Digest.of("spec"), action: .resume, step: 1, accepting: ["decision_flips"],
                    extensionSeconds: 86_400, reason: "looked at", person: ana, signed: now)
                let envelope = Envelope(signing: order, as: AdvanceOrder.payloadType, by: [key])
                #expect(try await person.advance(envelope, release: proposal.release).id == proposal.release)
                #expect(harness.desk.state.withLock { $0.advances } == [order])
                let other = try #require(ReleaseID("delay-2"))
                let wrong = await #expect(throws: ClientError.self) { try await person.advance(envelope, release: other) }
                #expect(wrong?.status == 400 && wrong?.rule == "release")
                let stop = StopOrder(system: system, environment: environment, release: proposal.release, action: .pause, reason: "no", person: ana, signed: now)
                let mistaken = await #expect(throws: ClientError.self) {
                    try await person.advance(Envelope(signing: stop, as: StopOrder.payloadType, by: [key]), release: proposal.release)
                }
                #expect(mistaken?.status == 400)
                let refused = await #expect(throws: ClientError.self) { try await node.advance(envelope, release: proposal.release) }
                #expect(refused?.status == 403 && harness.desk.state.withLock { $0.advances.count } == 1)

                let rollout = try await person.rollout(of: proposal.release)
                #expect(rollout.release == proposal.release && rollout.step == 0 && rollout.state == "watching" && rollout.answered == 3)
                let missing = await #expect(throws: ClientError.self) { try await person.rollout(of: other) }
                #expect(missing?.status == 404)
                let hidden = await #expect(throws: ClientError.self) { try await node.rollout(of: proposal.release) }
                #expect(hidden?.status == 403)
            }
        }
    }

    @Test func nodesTablesAndTheLedger() async throws {
        try await Harness.run { harness in
            try await harness.withClients { person, node in
                let link = ControlPlaneNodeLink(node)
                let nonce = [UInt8](repeating: 7, count: Lease.nonceBytes)
                func table(newerThan order: TableOrder?) async throws -> Envelope? { try await link.contact(newerThan: order, nonce: nonce).table }
                let none = try await table(newerThan: nil)
                #expect(none == nil)
                let system = try #require(SystemName("test")), environment = try #require(EnvironmentName("dev"))
                let order = TableOrder(epoch: 1, generation: 5)
                let routed = Envelope(
                    signing: RoutingTable(system: system, environment: environment, order: order, issued: now, routes: [], bundles: []), as: RoutingTable.payloadType, by: [key])
                harness.desk.state.withLock { $0.table = routed }
                let first = try await link.contact(newerThan: nil, nonce: nonce)
                let lease: Lease = try #require(first.lease).decodeUnverified(as: Lease.payloadType)
                #expect(first.table == routed && lease.nonce.bytes == nonce && lease.order == order)
                let later = [
                    try await table(newerThan: TableOrder(epoch: 1, generation: 4)), try await table(newerThan: order),
                    try await table(newerThan: TableOrder(epoch: 2, generation: 0)),
                ]
                #expect(later == [routed, nil, nil])
                let observation = Observation(
                    system: system, environment: environment, node: try #require(NodeID("node-1")), order: order, service: try #require(ServiceName("delay")),
                    spec: Digest.of("spec"), state: .active, at: now)
                try await link.report(Envelope(signing: observation, as: Observation.payloadType, by: [key]))
                #expect(try await person.nodes().map(\.observations) == [[observation]])
                #expect(try await person.live(at: Instant(milliseconds: 0)).isEmpty)

                let entries = (0..<700).map { LedgerEntry(kind: "test.entry", salt: [UInt8](repeating: 1, count: 16), payload: Array(#"{"n":\#($0)}"#.utf8)) }
                _ = try await harness.ledger.commit([
                    LedgerAppend(stream: StreamID("statement"), expectedRevision: 0, entries: entries, subjects: entries.map { _ in [] }, head: [])
                ])
                let verifyKey = harness.desk.key.verificationKey
                #expect(try Checkpoint.open(try await person.checkpoint(), origin: "penstock/test/dev", key: verifyKey).size == 700)
                let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
                _ = FileManager.default.createFile(atPath: file.path, contents: nil)
                defer { try? FileManager.default.removeItem(at: file) }
                try await person.exportLedger { bytes in
                    let handle = try FileHandle(forWritingTo: file)
                    try handle.seekToEnd()
                    try handle.write(contentsOf: Data(bytes))
                    try handle.close()
                }
                let verified = try LedgerExportVerifier(origin: "penstock/test/dev", key: verifyKey).verify(Array(try Data(contentsOf: file)))
                #expect(verified.entries == entries)
            }
        }
    }

    @Test func nobodyAnswers() async throws {
        let client = try ControlPlaneClient(url: "http://127.0.0.1:1", token: nil)
        let error = await #expect(throws: ClientError.self) { try await client.status() }
        await client.shutdown()
        #expect(error?.status == nil && error?.category == "unreachable")
        #expect(error?.message == "no control plane answers at http://127.0.0.1:1; start one with `penstock up`, or name another with --url or PENSTOCK_URL")
    }

    @Test(arguments: ["", "ftp://127.0.0.1", "http://127.0.0.1/x", "http://evil.example", "http://a@127.0.0.1", "http://127.0.0.1?x", "127.0.0.1:80"])
    func addressesThatAreNoControlPlane(url: String) {
        #expect(throws: ClientError.self) { try ControlPlaneClient(url: url, token: "secret") }
    }
}
