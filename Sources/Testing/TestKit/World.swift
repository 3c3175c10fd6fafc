// An installation with its people, and releases that they really signed.
package import Evidence
package import Primitives
internal import Registry
package import Releases
private import YAMLDocuments

/// A fixture that cannot be made is the test's own mistake.
package struct FixtureError: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) { self.description = description }
}

/// The value, or an error that names what is missing: tests do not trap.
package func required<Value>(_ value: Value?, _ what: String) throws -> Value {
    guard let value else { throw FixtureError(description: "the fixture lacks \(what)") }
    return value
}

/// The key whose seed is this byte 32 times.
package func key(_ byte: UInt8) throws -> SigningKey { try required(SigningKey(seed: [UInt8](repeating: byte, count: 32)), "a seed of 32 bytes") }

package func name<Subject>(_ text: String) throws -> Identifier<Subject> { try required(Identifier<Subject>(text), "the name '\(text)'") }

package struct MadeRelease: Sendable {
    package var spec: ReleaseSpec
    package var bundle: ReleaseBundle
    package var files: [Digest: [UInt8]]
    package var digest: Digest { bundle.digest }
}

/// Ada proposes and registers, Ben reviews, Cleo owns the risk. Keys 1 to 3, services 20 to 22, node 30.
package struct World: Sendable {
    package let trust: TrustRoot
    package let trustEnvelope: Envelope
    package let node: NodeID
    package static let now = Instant(milliseconds: 1_750_000_000_000)

    package init() throws {
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
        trustEnvelope = Envelope(signing: root, as: TrustRoot.payloadType, by: [try key(1), try key(2)])
        trust = try TrustRoot.openGenesis(trustEnvelope)
    }

    private static func contract(_ id: String, _ maximum: Int, hasTime: Bool = false) -> [UInt8] {
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
                \(hasTime ? "  - { name: departs, logicalType: timestamp, customProperties: [{ property: penstock.role, value: time }] }" : "")
            """.utf8)
    }

    package static func decision(service: String = "rebooking-offer") -> [UInt8] {
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
    package func release(
        _ number: Int, model: String = "0.5 0 0", exposure: [ExposureStep] = [.live], approvers: [(Role, UInt8, String)] = [(.reviewer, 2, "ben"), (.riskOwner, 3, "cleo")],
        decision: [UInt8] = World.decision(), requestMaximum: Int = 5000, terms: RolloutTerms = .usual, hasTime: Bool = false
    ) throws -> MadeRelease {
        let training = Self.contract("training", 5000), request = Self.contract("request", requestMaximum, hasTime: hasTime), artifact = Array(model.utf8)
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
            proposal: proposal, model: number == 0 ? nil : .init(registration), baseline: nil, policy: policy, isFirst: false, maturesAfter: .zero,
            criteria: [], salt: [UInt8](repeating: UInt8(number), count: 16))
        spec.plan(exposure, terms)
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

    package func table(
        _ generation: Int, champion: MadeRelease, candidate: (MadeRelease, Double)? = nil, step: Int = 0, standby: MadeRelease? = nil, preparing: MadeRelease? = nil,
        signedBy number: UInt8 = 20
    ) throws -> Envelope {
        let route = ServiceRoute(
            service: try name("rebooking-offer"), champion: champion.digest, candidate: candidate.map { .init(spec: $0.0.digest, share: $0.1, step: step) },
            standby: standby?.digest,
            preparing: preparing?.digest)
        let table = RoutingTable(
            system: trust.system, environment: trust.environment, order: TableOrder(epoch: 1, generation: generation), issued: Self.now, routes: [route],
            bundles: [champion, candidate?.0, standby, preparing].compactMap { $0?.bundle })
        return Envelope(signing: table, as: RoutingTable.payloadType, by: [try key(number)])
    }
}
