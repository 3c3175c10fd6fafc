// An installation with its people, and releases that they really signed.
import Evidence
import Foundation
import Ports
import Primitives
import Registry
import Releases
import Synchronization
import Testing
import YAMLDocuments

func key(_ byte: UInt8) throws -> SigningKey { try #require(SigningKey(seed: [UInt8](repeating: byte, count: 32))) }

func name<Subject>(_ text: String) throws -> Identifier<Subject> { try #require(Identifier<Subject>(text)) }

struct MadeRelease: Sendable {
    var spec: ReleaseSpec
    var bundle: ReleaseBundle
    var files: [Digest: [UInt8]]
    var digest: Digest { bundle.digest }
}

/// Ada proposes and registers, Ben reviews, Cleo owns the risk. Keys 1 to 3, services 20 to 22, node 30.
struct World: Sendable {
    let trust: TrustRoot
    let node: NodeID
    static let now = Instant(milliseconds: 1_750_000_000_000)

    init() throws {
        func person(_ id: String, _ roles: [Role], _ number: UInt8) throws -> TrustRoot.Person {
            TrustRoot.Person(id: try name(id), name: id, roles: roles, keys: [try key(number).verificationKey])
        }
        node = try name("node-1")
        let root = TrustRoot(
            system: try name("rebooking"), environment: try name("production"), version: 1, created: Instant(milliseconds: 1_700_000_000_000),
            expires: Instant(milliseconds: 1_800_000_000_000), solo: false,
            people: [try person("ada", [.proposer], 1), try person("ben", [.reviewer], 2), try person("cleo", [.riskOwner], 3)],
            thresholds: .init(root: 2), approvals: [.reviewer: 1, .riskOwner: 1],
            services: .init(controlPlane: try key(20).verificationKey, ledger: try key(21).verificationKey, validator: try key(22).verificationKey),
            nodes: [node: try key(30).verificationKey])
        trust = try TrustRoot.openGenesis(Envelope(signing: root, as: TrustRoot.payloadType, by: [try key(1), try key(2)]))
    }

    private static func contract(_ id: String, _ maximum: Int) -> [UInt8] {
        let feature = "customProperties: [{ property: penstock.role, value: feature }]"
        return Array(
            """
            apiVersion: v3.1.0
            kind: DataContract
            id: \(id)
            version: 1.0.0
            schema:
              - name: rows
                properties:
                  - { name: tail_number, logicalType: string, customProperties: [{ property: penstock.role, value: entity }] }
                  - { name: distance, logicalType: number, required: true, logicalTypeOptions: { minimum: 0, maximum: \(maximum) }, \(feature) }
                  - { name: hour, logicalType: integer, \(feature) }
            """.utf8)
    }

    static func decision(service: String = "rebooking-offer") -> [UInt8] {
        Array(
            """
            decision: \(service)
            model: flight-delay
            input: contracts/request.yaml
            entity: tail_number
            fallback: { decide: review }
            rule:
              - { decide: offer, when: { score: { at_least: 0.65 } } }
              - { decide: none }
            """.utf8)
    }

    private static let policy = """
        policy: rebooking-offer
        evidence: {}
        approval: [{ role: reviewer, count: 1 }, { role: risk-owner, count: 1 }]
        exposure: [{ live: true }]
        """

    /// `model` is the linear engine's text: intercept and weights. Release 0 has none.
    func release(
        _ number: Int, model: String = "0.5 0 0", exposure: [ExposureStep] = [.live], approvers: [(Role, UInt8, String)] = [(.reviewer, 2, "ben"), (.riskOwner, 3, "cleo")],
        decision: [UInt8] = World.decision(), requestMaximum: Int = 5000
    ) throws -> MadeRelease {
        let training = Self.contract("training", 5000), request = Self.contract("request", requestMaximum), artifact = Array(model.utf8)
        let version = ModelVersionID(model: try name("flight-delay"), number: max(number, 1))
        let registration = Registration(
            version: version, artifact: Digest.of(artifact), bytes: artifact.count, format: "linear", contract: Digest.of(training), signature: Digest.of("signature"),
            author: try name("ada"), registered: Self.now, note: "")
        let proposal = try Proposal(
            system: trust.system, environment: trust.environment, service: try name("rebooking-offer"), number: number, model: number == 0 ? nil : version,
            decision: Digest.of(decision), request: Digest.of(request), policy: Digest.of("policy"), reason: "because", expectedChange: nil, proposer: try name("ada"),
            proposed: Self.now)
        let policy = try ReleasePolicy.read(YAMLDocumentParser().parse(Array(Self.policy.utf8), file: "policy.yaml"))
        var spec = ReleaseSpec(
            proposal: proposal, model: number == 0 ? nil : .init(registration), baseline: nil, policy: policy, criteria: [],
            salt: [UInt8](repeating: UInt8(number), count: 16))
        spec.exposure = exposure
        let approvals = try approvers.map { role, number, person in
            Envelope(signing: try approval(of: spec, role, person), as: Approval.payloadType, by: [try key(number)])
        }
        let bundle = ReleaseBundle(
            spec: spec.encoded, proposal: Envelope(signing: proposal, as: Proposal.payloadType, by: [try key(1)]),
            registration: number == 0 ? nil : Envelope(signing: registration.statement, as: statementPayloadType, by: [try key(1)]), approvals: approvals)
        let files = [training, request, artifact, decision].map { (Digest.of($0), $0) }
        return MadeRelease(spec: spec, bundle: bundle, files: Dictionary(files, uniquingKeysWith: { first, _ in first }))
    }

    private func approval(of spec: ReleaseSpec, _ role: Role, _ person: String) throws -> Approval {
        Approval(
            system: trust.system, environment: trust.environment, release: spec.release, spec: Digest.of(spec.encoded), role: role, person: try name(person), answer: .approve,
            reason: "sound", signed: Self.now)
    }

    func table(
        _ generation: Int, champion: MadeRelease, candidate: (MadeRelease, Double)? = nil, standby: MadeRelease? = nil, preparing: MadeRelease? = nil, signedBy number: UInt8 = 20
    ) throws -> Envelope {
        let route = ServiceRoute(
            service: try name("rebooking-offer"), champion: champion.digest, candidate: candidate.map { .init(spec: $0.0.digest, share: $0.1) }, standby: standby?.digest,
            preparing: preparing?.digest)
        let table = RoutingTable(
            system: trust.system, environment: trust.environment, order: TableOrder(epoch: 1, generation: generation), issued: Self.now, routes: [route],
            bundles: [champion, candidate?.0, standby, preparing].compactMap { $0?.bundle })
        return Envelope(signing: table, as: RoutingTable.payloadType, by: [try key(number)])
    }
}

/// A control plane in memory. It believes no observation that the node has not signed.
final class MemoryLink: ControlPlaneLink {
    struct State {
        var table: Envelope?
        /// Hands the table out whatever the node says it has.
        var repeatsItself = false
        var files: [Digest: [UInt8]] = [:]
        var isDead = false
        var asked = 0
        var fetched: [Digest] = []
        var observations: [Observation] = []
    }

    private let state = Mutex(State())
    private let trust: TrustRoot

    init(_ trust: TrustRoot) { self.trust = trust }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func look<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }

    func show(_ table: Envelope, _ releases: MadeRelease...) {
        change { state in
            state.table = table
            for release in releases { state.files.merge(release.files) { old, _ in old } }
        }
    }

    func routingTable(newerThan order: TableOrder?) async throws(LinkError) -> Envelope? {
        let (table, isDead, repeats) = state.withLock { state in
            state.asked += 1
            return (state.table, state.isDead, state.repeatsItself)
        }
        guard !isDead else { throw LinkError("nobody answers") }
        guard let table, let order, !repeats, let read: RoutingTable = try? table.decodeUnverified(as: RoutingTable.payloadType) else { return table }
        return read.order > order ? table : nil
    }

    func fetch(_ digest: Digest, into store: any ArtifactStore) async throws(LinkError) {
        let (bytes, isDead) = state.withLock { state in
            state.fetched.append(digest)
            return (state.files[digest], state.isDead)
        }
        guard !isDead, let bytes else { throw LinkError("\(digest.short) is not to be had") }
        let (stream, feed) = AsyncThrowingStream.makeStream(of: [UInt8].self, throwing: (any Error).self)
        feed.yield(bytes)
        feed.finish()
        do { try await store.put(stream: stream, expecting: digest, limit: Limits.envelopeBytes) } catch { throw LinkError(error.message) }
    }

    func report(_ envelope: Envelope) async throws(LinkError) {
        guard !state.withLock({ $0.isDead }) else { throw LinkError("nobody answers") }
        do {
            let observation = try Observation.open(envelope, trust: trust)
            state.withLock { $0.observations.append(observation) }
        } catch { throw LinkError(error.message) }
    }
}

/// A node's own store in memory, whose bytes a test may spoil.
final class NodeStore: ArtifactStore {
    private let contents = Mutex<[Digest: [UInt8]]>([:])

    func plant(_ bytes: [UInt8], as digest: Digest) { contents.withLock { $0[digest] = bytes } }

    func put(_ bytes: [UInt8]) async throws(ArtifactError) -> Digest {
        plant(bytes, as: Digest.of(bytes))
        return Digest.of(bytes)
    }

    func put(stream chunks: any AsyncSequence<[UInt8], any Error> & Sendable, expecting expected: Digest, limit: Int) async throws(ArtifactError) {
        var bytes: [UInt8] = []
        do { for try await chunk in chunks { bytes += chunk } } catch { throw ArtifactError(.unavailable, "\(error)") }
        guard bytes.count <= limit else { throw ArtifactError(.tooLarge, "too large") }
        guard Digest.of(bytes) == expected else { throw ArtifactError(.damaged, "what arrived has another digest", digest: expected) }
        plant(bytes, as: expected)
    }

    func contains(_ digest: Digest) async throws(ArtifactError) -> Bool { contents.withLock { $0[digest] != nil } }

    func read(_ digest: Digest, limit: Int) async throws(ArtifactError) -> [UInt8] {
        guard let bytes = contents.withLock({ $0[digest] }) else { throw ArtifactError(.missing, "missing", digest: digest) }
        guard bytes.count <= limit else { throw ArtifactError(.tooLarge, "too large", digest: digest) }
        guard Digest.of(bytes) == digest else { throw ArtifactError(.damaged, "\(digest.short) is damaged", digest: digest) }
        return bytes
    }

    func verifiedFile(_ digest: Digest) async throws(ArtifactError) -> String { throw ArtifactError(.unavailable, "there are no files here", digest: digest) }
}

/// Linear models: the text holds an intercept and one weight a feature; a missing feature counts as nothing. It fails on `nan`.
struct LinearEngine: ModelEngine {
    final class Model: LoadedModel {
        let numbers: [Double]

        init(_ numbers: [Double]) { self.numbers = numbers }

        func makeScorer() throws(ModelEngineError) -> any RowScorer { Scorer(numbers) }
    }

    final class Scorer: RowScorer {
        private let numbers: [Double]

        init(_ numbers: [Double]) { self.numbers = numbers }

        func score(_ row: UnsafeBufferPointer<Double>) throws(ModelEngineError) -> Double {
            guard row.count == numbers.count - 1 else { throw ModelEngineError(.mismatch, "a row of \(row.count) values") }
            var score = numbers[0]
            for (index, value) in row.enumerated() where !value.isNaN { score += value * numbers[index + 1] }
            return score
        }
    }

    func load(_ model: [UInt8], format: String, features: Int) throws(ModelEngineError) -> any LoadedModel {
        let numbers = String(decoding: model, as: UTF8.self).split(separator: " ").compactMap { Double($0) }
        guard format == "linear", numbers.count == features + 1 else { throw ModelEngineError(.unreadable, "it is no linear model of \(features) features") }
        return Model(numbers)
    }
}

struct FixedClock: WallClock {
    func now() -> Instant { World.now }
}
