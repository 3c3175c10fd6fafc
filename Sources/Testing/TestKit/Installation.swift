// A control plane's people, keys and files, and what each of them signs.
private import Contracts
package import Evidence
package import Ports
package import Primitives
package import Registry
package import Releases
private import YAMLDocuments

/// Two services that one model can answer, and six people: Ada and Dan propose, Ben reviews, Cleo owns the risk, Dan and Eve do both, each in
/// their own way, and Viv only looks. Everything is made from its arguments, so that the same calls give the same bytes.
package struct Installation: Sendable {
    package struct Signer: Sendable {
        package var id: PersonID
        package var roles: [Role]
        package var key: SigningKey
    }

    package let trust: TrustRoot
    package let trustEnvelope: Envelope
    package let people: [Signer]
    package let nodes: [NodeID: SigningKey]
    package let services: [ServiceName]
    package let model: ModelName
    /// Contracts, decision files and policies by their digests.
    package let documents: [Digest: [UInt8]]
    package let holdout = Array("distance,hour,late\n100,7,0\n".utf8)
    package let training: Digest
    package let request: Digest
    private let signature: Digest

    /// Signs as the control plane, the ledger and the validator.
    package let controlPlane: SigningKey
    package let ledger: SigningKey
    package let validator: SigningKey

    package init(nodes count: Int = 2, expires: Instant = Instant(milliseconds: 1_900_000_000_000)) throws {
        let roles: [(String, [Role])] = [
            ("ada", [.proposer]), ("ben", [.reviewer]), ("cleo", [.riskOwner]), ("dan", [.proposer, .reviewer]), ("eve", [.reviewer, .riskOwner]), ("viv", [.viewer]),
        ]
        people = try zip(1..., roles).map { Signer(id: try name($1.0), roles: $1.1, key: try key($0)) }
        (controlPlane, ledger, validator) = (try key(20), try key(21), try key(22))
        nodes = Dictionary(uniqueKeysWithValues: try (0..<count).map { (try name("node-\($0 + 1)"), try key(UInt8(30 + $0))) })
        services = [try name("rebooking-offer"), try name("seat-upgrade")]
        model = try name("flight-delay")
        let root = TrustRoot(
            system: try name("rebooking"), environment: try name("production"), version: 1, created: Instant(milliseconds: 1_700_000_000_000), expires: expires,
            solo: false, people: people.map { TrustRoot.Person(id: $0.id, name: $0.id.text, roles: $0.roles, keys: [$0.key.verificationKey]) },
            thresholds: .init(root: 2), approvals: [.reviewer: 1, .riskOwner: 1],
            services: .init(controlPlane: controlPlane.verificationKey, ledger: ledger.verificationKey, validator: validator.verificationKey),
            nodes: nodes.mapValues(\.verificationKey))
        trustEnvelope = Envelope(signing: root, as: TrustRoot.payloadType, by: [people[0].key, people[1].key])
        trust = try TrustRoot.openGenesis(trustEnvelope)
        let training = Self.contract("training", maximum: 5000), request = Self.contract("request", maximum: 4000)
        signature = try ModelSignature(trainingContract: DataContract.read(YAMLDocumentParser().parse(training, file: "training.yaml"))).digest
        (self.training, self.request) = (Digest.of(training), Digest.of(request))
        let files =
            [training, request] + services.flatMap { [Self.decision($0, offering: 65), Self.decision($0, offering: 70), Self.policy($0), Self.recorded($0), Self.stepped($0)] }
        documents = Dictionary(uniqueKeysWithValues: files.map { (Digest.of($0), $0) })
    }

    package static func contract(_ id: String, maximum: Int) -> [UInt8] {
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

    /// `percent` is the score in hundredths from which the service offers.
    package static func decision(_ service: ServiceName, offering percent: Int, entity: String = "tail_number") -> [UInt8] {
        Array(
            """
            decision: \(service)
            model: flight-delay
            input: contracts/request.yaml
            entity: \(entity)
            fallback: { decide: review }
            rule:
              - { decide: offer, when: { score: { at_least: 0.\(percent) } } }
              - { decide: none }
            """.utf8)
    }

    /// The same service with records and outcomes, as guardrails need them.
    package static func recorded(_ service: ServiceName) -> [UInt8] {
        decision(service, offering: 65) + Array("\nrecord: durable\noutcome: { name: late, contract: contracts/outcome.yaml, matures_after: 1h, affected_by_decision: false }".utf8)
    }

    /// Shadow, 5 %, 25 %, live: the controller expands to 5 % by itself, and people do the rest.
    package static func stepped(_ service: ServiceName) -> [UInt8] {
        Array(
            """
            policy: \(service)
            clock: wall
            evidence: { evaluation: { max_age: 7d, criteria: [{ metric: auc, at_least: 0.7 }] }, reversibility: { rehearsed_within: 1s } }
            approval: [{ role: reviewer, count: 1 }, { role: risk-owner, count: 1 }]
            exposure:
              - { shadow: 1.0, decisions: 40, deadline: 4d }
              - { canary: 0.05, decisions: 40, deadline: 4d }
              - { canary: 0.25, decisions: 40, deadline: 4d }
              - { live: true }
            guardrails:
              - { signal: decision_flips, paired: true, harm: { more_than: 0.10 }, alpha: 0.05, then: rollback }
              - { signal: rate.offer, paired: true, harm: { more_by: 0.05 }, alpha: 0.05, then: pause }
              - { signal: outcome.accuracy, paired: true, harm: { less_by: 0.2 }, alpha: 0.05, prove: true, then: rollback }
            autonomy: { alone: [pause, rollback, expand], expand_up_to: 0.05, needs_person: [promote] }
            escalate: { to: risk-owner, after: 1h }
            first_release: { criteria: [{ metric: auc, at_least: 0.7 }] }
            """.utf8)
    }

    package static func policy(
        _ service: ServiceName, evidence: String = "{ evaluation: { max_age: 7d, criteria: [{ metric: auc, at_least: 0.7 }] }, reversibility: { rehearsed_within: 1s } }"
    ) -> [UInt8] {
        Array(
            """
            policy: \(service)
            proposal: { requires: [reason] }
            evidence: \(evidence)
            approval: [{ role: reviewer, count: 1 }, { role: risk-owner, count: 1 }]
            exposure: [{ live: true }]
            """.utf8)
    }

    /// The bytes of a model version; the probe knows what they are worth.
    package func artifact(_ number: Int) -> [UInt8] { Array("tree \(number)".utf8) }

    package func version(_ number: Int) -> ModelVersionID { ModelVersionID(model: model, number: number) }

    package func signer(_ id: String) throws -> Signer { try required(people.first { $0.id.text == id }, "a person called \(id)") }

    /// Puts everything that a proposal can name into the store, and the artifacts of the first versions.
    package func upload(to store: any ArtifactStore, versions: Int = 9) async throws {
        for bytes in documents.values { _ = try await store.put(bytes) }
        for number in 1...versions { _ = try await store.put(artifact(number)) }
        _ = try await store.put(holdout)
    }
}

// What people sign. Each takes the key apart from the name, so that a test can sign as somebody else.
extension Installation {
    package func registration(
        _ number: Int, by author: String = "dan", key: SigningKey? = nil, at now: Instant = World.now, change: (inout Registration) -> Void = { _ in }
    ) throws -> Envelope {
        let signer = try signer(author), bytes = artifact(number)
        var registration = Registration(
            version: version(number), artifact: Digest.of(bytes), bytes: bytes.count, format: "lightgbm", contract: training, signature: signature, author: signer.id,
            registered: now, note: "")
        change(&registration)
        return Envelope(signing: registration.statement, as: statementPayloadType, by: [key ?? signer.key])
    }

    package func proposal(
        _ number: Int, of service: ServiceName? = nil, model: Int?, by proposer: String = "ada", key: SigningKey? = nil, offering percent: Int = 65, isStepped: Bool = false,
        at now: Instant = World.now, change: (inout Proposal) -> Void = { _ in }
    ) throws -> Envelope {
        let signer = try signer(proposer), service = service ?? services[0]
        var proposal = try Proposal(
            system: trust.system, environment: trust.environment, service: service, number: number, model: model.map(version),
            decision: Digest.of(isStepped ? Self.recorded(service) : Self.decision(service, offering: percent)), request: request,
            policy: Digest.of(isStepped ? Self.stepped(service) : Self.policy(service)), reason: "it is better",
            expectedChange: nil, proposer: signer.id, proposed: now)
        change(&proposal)
        return Envelope(signing: proposal, as: Proposal.payloadType, by: [key ?? signer.key])
    }

    package func answer(
        _ answer: Approval.Answer, _ release: ReleaseID, spec: Digest, as role: Role, by person: String, key: SigningKey? = nil, at now: Instant = World.now
    ) throws -> Envelope {
        let signer = try signer(person)
        let approval = Approval(
            system: trust.system, environment: trust.environment, release: release, spec: spec, role: role, person: signer.id, answer: answer, reason: "I looked",
            signed: now)
        return Envelope(signing: approval, as: Approval.payloadType, by: [key ?? signer.key])
    }

    package func order(_ action: StopOrder.Action, _ release: ReleaseID, by person: String = "viv", key: SigningKey? = nil, at now: Instant = World.now) throws -> Envelope {
        let signer = try signer(person)
        let order = StopOrder(
            system: trust.system, environment: trust.environment, release: release, action: action, reason: "too many offers", person: signer.id, signed: now)
        return Envelope(signing: order, as: StopOrder.payloadType, by: [key ?? signer.key])
    }

    package func advance(
        _ action: AdvanceOrder.Action, _ release: ReleaseID, spec: Digest, step: Int, accepting: [String] = [], extensionSeconds: Int64 = 0, by person: String = "ben",
        key: SigningKey? = nil, at now: Instant = World.now
    ) throws -> Envelope {
        let signer = try signer(person)
        let order = AdvanceOrder(
            system: trust.system, environment: trust.environment, release: release, spec: spec, action: action, step: step, accepting: accepting,
            extensionSeconds: extensionSeconds, reason: "all is well", person: signer.id, signed: now)
        return Envelope(signing: order, as: AdvanceOrder.payloadType, by: [key ?? signer.key])
    }

    package func observation(
        _ state: Observation.State, of spec: Digest, service: ServiceName? = nil, on node: NodeID, order: TableOrder, milliseconds: Double? = nil, reason: String? = nil,
        key: SigningKey? = nil, at now: Instant = World.now
    ) throws -> Envelope {
        let observation = Observation(
            system: trust.system, environment: trust.environment, node: node, order: order, service: service ?? services[0], spec: spec, state: state,
            milliseconds: milliseconds, reason: reason, at: now)
        return Envelope(signing: observation, as: Observation.payloadType, by: [try key ?? required(nodes[node], "a node \(node)")])
    }
}
