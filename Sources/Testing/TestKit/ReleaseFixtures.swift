// Installations with more people, and the signed pieces of a release, each changeable before it is signed.
package import Evidence
package import Primitives
package import Registry
package import Releases
private import YAMLDocuments

extension World {
    /// A policy as its file says it.
    package static func policy(_ yaml: String) throws -> ReleasePolicy {
        try ReleasePolicy.read(YAMLDocumentParser().parse(Array(yaml.utf8), file: "policy.yaml"))
    }

    /// An installation with a root of the test's own, signed with these keys.
    package init(_ root: TrustRoot, signedBy keys: [UInt8]) throws {
        node = try required(root.nodes.keys.min(), "a node")
        trustEnvelope = Envelope(signing: root, as: TrustRoot.payloadType, by: try keys.map(key))
        trust = try TrustRoot.openGenesis(trustEnvelope)
    }

    /// Enough people that each rule about approvals can be broken alone. Ada proposes and could review; Dan writes models and could
    /// review; Eve reviews and owns risk, with two keys; Fay may only look.
    package static func crowd(change: (inout TrustRoot) throws -> Void = { _ in }) throws -> World {
        func person(_ id: String, _ roles: [Role], _ numbers: UInt8...) throws -> TrustRoot.Person {
            TrustRoot.Person(id: try name(id), name: id, roles: roles, keys: try numbers.map { try key($0).verificationKey })
        }
        var root = try World().trust
        root.people = [
            try person("ada", [.proposer, .reviewer], 1), try person("ben", [.reviewer], 2), try person("cleo", [.riskOwner], 3),
            try person("dan", [.contributor, .reviewer], 4), try person("eve", [.reviewer, .riskOwner], 5, 6), try person("fay", [.viewer], 7),
        ]
        try change(&root)
        return try World(root, signedBy: [1, 2, 3, 4, 5])
    }

    /// One person, who may approve their own.
    package static func solo() throws -> World {
        var root = try World().trust
        root.solo = true
        root.people = [TrustRoot.Person(id: try name("ada"), name: "Ada", roles: [.proposer, .reviewer, .riskOwner], keys: [try key(1).verificationKey])]
        root.thresholds.root = 1
        return try World(root, signedBy: [1])
    }

    /// The seed of the first key of each person in these installations.
    package static func keyNumber(of person: String) throws -> UInt8 {
        try required(["ada": 1, "ben": 2, "cleo": 3, "dan": 4, "eve": 5, "fay": 7][person], "a key of '\(person)'")
    }

    package func registration(_ number: Int, model: String = "0.5 0 0", author: String = "ada") throws -> Registration {
        Registration(
            version: ModelVersionID(model: try name("flight-delay"), number: number), artifact: Digest.of(model), bytes: model.utf8.count, format: "linear",
            contract: Digest.of("training"), signature: Digest.of("signature"), author: try name(author), registered: Self.now, note: "better at night")
    }

    package func signed(_ registration: Registration, keys: [UInt8]? = nil) throws -> Envelope {
        let keys = try keys ?? [Self.keyNumber(of: registration.author.text)]
        return Envelope(signing: registration.statement, as: statementPayloadType, by: try keys.map(key))
    }

    /// A release with every field filled and nobody's approval yet: two criteria that are met, a plan of four steps, a baseline.
    package func draft(
        _ number: Int, model: String = "0.5 0 0", author: String = "ada", proposer: String = "ada", baseline: Digest? = Digest.of("baseline"),
        change: (inout ReleaseSpec) throws -> Void = { _ in }
    ) throws -> MadeRelease {
        let registration = number == 0 ? nil : try registration(number, model: model, author: author)
        let proposal = try Proposal(
            system: trust.system, environment: trust.environment, service: try name("rebooking-offer"), number: number, model: registration?.version,
            decision: Digest.of("decision \(number)"), request: Digest.of("request"), policy: Digest.of("policy"), reason: "fewer wrong offers",
            expectedChange: "rate.offer falls by 0.02", proposer: try name(proposer), proposed: Self.now)
        let policy = try Self.policy(
            "{ policy: rebooking-offer, evidence: {}, approval: [{ role: reviewer, count: 1 }, { role: risk-owner, count: 1 }], exposure: [{ live: true }] }")
        let criteria = try registration.map { registration in
            [
                CriterionResult(validator: "evaluation", criterion: "auc at least 0.7", subjects: [registration.artifact, Digest.of("holdout")], verdict: .met),
                CriterionResult(
                    validator: "reversibility", criterion: "back within 1s", subjects: [registration.artifact, try required(baseline, "a baseline")],
                    verdict: .met),
            ]
        }
        var spec = ReleaseSpec(
            proposal: proposal, model: registration.map(ReleaseSpec.Model.init), baseline: number == 0 ? nil : baseline, policy: policy,
            isFirst: false, maturesAfter: .zero, criteria: criteria ?? [], salt: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 16))
        spec.plan([.shadow(1), .canary(0.05), .canary(0.25), .live])
        try change(&spec)
        let bundle = ReleaseBundle(
            spec: spec.encoded, proposal: try signed(spec.proposal), registration: try registration.map { try signed($0) }, approvals: [])
        return MadeRelease(spec: spec, bundle: bundle, files: [:])
    }

    package func signed(_ proposal: Proposal, keys: [UInt8]? = nil) throws -> Envelope {
        let keys = try keys ?? [Self.keyNumber(of: proposal.proposer.text)]
        return Envelope(signing: proposal, as: Proposal.payloadType, by: try keys.map(key))
    }

    /// A person's answer to exactly this spec, signed with their own key.
    package func answer(
        _ answer: Approval.Answer = .approve, to made: MadeRelease, as role: Role, by person: String, keys: [UInt8]? = nil,
        change: (inout Approval) throws -> Void = { _ in }
    ) throws -> Envelope {
        var approval = Approval(
            system: trust.system, environment: trust.environment, release: made.spec.release, spec: made.digest, role: role, person: try name(person),
            answer: answer, reason: "sound", signed: Self.now)
        try change(&approval)
        return Envelope(signing: approval, as: Approval.payloadType, by: try (keys ?? [Self.keyNumber(of: person)]).map(key))
    }

    /// Approved by Ben and Cleo, which is what every root here asks for.
    package func approved(_ draft: MadeRelease) throws -> MadeRelease {
        var made = draft
        made.bundle.approvals = [try answer(to: draft, as: .reviewer, by: "ben"), try answer(to: draft, as: .riskOwner, by: "cleo")]
        return made
    }

    package func stop(
        _ action: StopOrder.Action, _ made: MadeRelease, by person: String = "fay", keys: [UInt8]? = nil, change: (inout StopOrder) throws -> Void = { _ in }
    ) throws -> Envelope {
        var order = StopOrder(
            system: trust.system, environment: trust.environment, release: made.spec.release, action: action, reason: "too many offers",
            person: try name(person), signed: Self.now)
        try change(&order)
        return Envelope(signing: order, as: StopOrder.payloadType, by: try (keys ?? [Self.keyNumber(of: person)]).map(key))
    }

    /// An order to give a release more traffic.
    package func advance(
        _ action: AdvanceOrder.Action, _ made: MadeRelease, step: Int, by person: String = "ben", keys: [UInt8]? = nil,
        change: (inout AdvanceOrder) throws -> Void = { _ in }
    ) throws -> Envelope {
        var order = AdvanceOrder(
            system: trust.system, environment: trust.environment, release: made.spec.release, spec: made.digest, action: action, step: step, reason: "all is well",
            person: try name(person), signed: Self.now)
        try change(&order)
        return Envelope(signing: order, as: AdvanceOrder.payloadType, by: try (keys ?? [Self.keyNumber(of: person)]).map(key))
    }

    package func evaluation(_ model: String = "0.5 0 0", metrics: [String: Double] = ["auc": 0.75], measured: Instant = World.now) -> Evaluation {
        Evaluation(
            artifact: Digest.of(model), dataset: Digest.of("holdout"), contract: Digest.of("training"), label: "late", rows: 1000, metrics: metrics,
            runtime: "linear 1", sandbox: ["bubblewrap"], measured: measured)
    }

    package func rehearsal(_ model: String = "0.5 0 0", baseline: Digest, milliseconds: Double = 12.5) -> Reversibility {
        Reversibility(artifact: Digest.of(model), baseline: baseline, milliseconds: milliseconds, answers: 100, measured: Self.now)
    }

    /// A validator's statement, signed with the validator's key unless the test says otherwise.
    package func signed<Predicate>(_ statement: Statement<Predicate>, key number: UInt8 = 22) throws -> Envelope {
        Envelope(signing: statement, as: statementPayloadType, by: [try key(number)])
    }

    package func observed(
        _ state: Observation.State, _ made: MadeRelease, generation: Int, key number: UInt8 = 30, change: (inout Observation) throws -> Void = { _ in }
    ) throws -> Envelope {
        var observation = Observation(
            system: trust.system, environment: trust.environment, node: node, order: TableOrder(epoch: 1, generation: generation), service: made.spec.service,
            spec: made.digest, state: state, milliseconds: state == .rehearsed ? 8.25 : nil, reason: state == .refused ? "damaged" : nil, at: Self.now)
        try change(&observation)
        return Envelope(signing: observation, as: Observation.payloadType, by: [try key(number)])
    }
}

/// One release's possible events, all really signed: what fits it, kind by kind.
package struct ReleaseLife: Sendable {
    package let world: World
    package let made: MadeRelease
    private let events: [String: ReleaseEvent]
    private let approvals: [ReleaseEvent]

    /// The kinds of events that a release knows.
    package static let kinds = [
        "proposed", "sealed", "refused", "approved", "rejected", "preparing", "exposed", "paused", "resumed", "escalated", "live", "superseded", "reinstated", "rolled-back",
        "aborted",
    ].map { "release." + $0 }

    package init(_ world: World, _ made: MadeRelease) throws {
        self.world = world
        self.made = made
        func at(_ second: Int64) -> Instant { World.now.adding(.seconds(second)) }
        func order(_ generation: Int) -> TableOrder { TableOrder(epoch: 1, generation: generation) }
        let failed = CriterionResult(validator: "evaluation", criterion: "auc at least 0.7", subjects: [Digest.of("model")], verdict: .failed)
        approvals = [
            .approved(try world.answer(to: made, as: .reviewer, by: "ben"), at: at(2)), .approved(try world.answer(to: made, as: .riskOwner, by: "cleo"), at: at(3)),
        ]
        let all: [ReleaseEvent] = [
            .proposed(made.bundle.proposal, at: at(0)), .sealed(spec: made.bundle.spec, at: at(1)), .refused(results: [failed], at: at(1)),
            .approved(try world.answer(to: made, as: .reviewer, by: "eve"), at: at(4)),
            .rejected(try world.answer(.reject, to: made, as: .reviewer, by: "eve"), at: at(4)), .preparing(order: order(7), at: at(5)),
            .exposed(step: 0, order: order(8), at: at(6)), .paused(.order(try world.stop(.pause, made, by: "ben")), order: order(9), at: at(6)),
            .resumed(try world.advance(.resume, made, step: 0, by: "ben"), order: order(10), at: at(6)), .escalated(to: .riskOwner, reason: "undecided", at: at(6)),
            .live(at: at(7)), .superseded(by: try Proposal.releaseID(made.spec.service, 99), at: at(8)),
            .reinstated(order: order(9), at: at(9)), .rolledBack(.order(try world.stop(.rollback, made, by: "ben")), order: order(10), at: at(10)),
            .aborted(.order(try world.stop(.abort, made, by: "ben")), at: at(10)),
        ]
        events = Dictionary(uniqueKeysWithValues: all.map { ($0.kind, $0) })
    }

    package func event(_ kind: String) throws -> ReleaseEvent { try required(events[kind], "an event of kind '\(kind)'") }

    /// The shortest honest way into a phase. A release that awaits approval has all of them, so that it may be prepared.
    package func events(to phase: ReleasePhase) throws -> [ReleaseEvent] {
        func then(_ before: ReleasePhase, _ kind: String) throws -> [ReleaseEvent] { try events(to: before) + [event("release." + kind)] }
        return switch phase {
        case .validating: [try event("release.proposed")]
        case .awaitingApproval: try then(.validating, "sealed") + approvals
        case .preparing: try then(.awaitingApproval, "preparing")
        case .exposed: try then(.preparing, "exposed")
        case .live: try events(to: .exposed) + widening + [event("release.live")]
        case .superseded: try then(.live, "superseded")
        case .refused: try then(.validating, "refused")
        case .rejected: try then(.awaitingApproval, "rejected")
        case .aborted: try then(.preparing, "aborted")
        case .rolledBack: try then(.exposed, "rolled-back")
        }
    }

    /// From the first step to live.
    package var widening: [ReleaseEvent] {
        get throws {
            try made.spec.exposure.indices.dropFirst().map { step in
                let isLast = step == made.spec.exposure.count - 1
                let promotion = isLast ? try world.advance(.promote, made, step: step) : nil
                return .exposed(step: step, order: TableOrder(epoch: 1, generation: 8 + step), at: World.now.adding(.seconds(6)), founded: .init(promotion: promotion))
            }
        }
    }

    package func release(in phase: ReleasePhase) throws -> Release {
        try required(try Release.fold(try events(to: phase), trust: world.trust), "a release that is \(phase.rawValue)")
    }
}
