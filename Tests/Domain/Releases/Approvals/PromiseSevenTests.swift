// Promise 7: who proposes does not approve, and an approval covers one exact spec. Each test tries to get around that.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct PromiseSevenTests {
    /// Proposed by Ada, with a model of Dan's; a reviewer and a risk owner must sign.
    static func draft(_ world: World, change: (inout ReleaseSpec) throws -> Void = { _ in }) throws -> MadeRelease {
        try world.draft(1, author: "dan", change: change)
    }

    /// The release with its sealed spec, after these approvals.
    static func machine(_ world: World, _ made: MadeRelease, _ approvals: [Envelope] = [], in trust: TrustRoot? = nil) throws -> Release {
        let events =
            [.proposed(made.bundle.proposal, at: World.now), .sealed(spec: made.bundle.spec, at: World.now)]
            + approvals.map { ReleaseEvent.approved($0, at: World.now) }
        return try required(try Release.fold(events, trust: trust ?? world.trust), "a release")
    }

    static func prepared(_ release: Release, in trust: TrustRoot) throws(ReleaseError) -> Release {
        var release = release
        try release.apply(.preparing(order: TableOrder(epoch: 1, generation: 1), at: World.now), trust: trust)
        return release
    }

    static func rule(_ body: () throws -> Void) -> ReleaseError.Rule? { #expect(throws: ReleaseError.self) { try body() }?.rule }

    /// What a node says of the release with these approvals; `nil` when it would serve it.
    static func refusal(_ world: World, _ made: MadeRelease, _ approvals: [Envelope], in trust: TrustRoot? = nil) -> ReleaseError? {
        var bundle = made.bundle
        bundle.approvals = approvals
        do throws(ReleaseError) {
            _ = try VerifiedRelease(verifying: bundle, trust: trust ?? world.trust)
            return nil
        } catch { return error }
    }

    @Test func promise7_enoughOtherPeopleApprove() throws {
        let world = try World.crowd(), made = try Self.draft(world)
        let approvals = [try world.answer(to: made, as: .reviewer, by: "ben"), try world.answer(to: made, as: .riskOwner, by: "cleo")]
        let release = try Self.machine(world, made, approvals)
        #expect(try release.tally(trust: world.trust).isComplete)
        #expect(try Self.prepared(release, in: world.trust).phase == .preparing)
        #expect(Self.refusal(world, made, approvals) == nil && Self.refusal(world, made, approvals.reversed()) == nil)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var rule: ReleaseError.Rule
        var role: Role
        var envelope: @Sendable (World, MadeRelease) throws -> Envelope

        init(_ says: String, _ rule: ReleaseError.Rule, for role: Role = .reviewer, _ envelope: @escaping @Sendable (World, MadeRelease) throws -> Envelope) {
            (testDescription, self.rule, self.role, self.envelope) = (says, rule, role, envelope)
        }
    }

    static let bad: [Bad] = [
        Bad("the proposer", .fourEyes) { try $0.answer(to: $1, as: .reviewer, by: "ada") },
        Bad("the model's author", .fourEyes) { try $0.answer(to: $1, as: .reviewer, by: "dan") },
        Bad("a reviewer as risk owner", .authority, for: .riskOwner) { try $0.answer(to: $1, as: .riskOwner, by: "ben") },
        Bad("a risk owner as reviewer", .authority) { try $0.answer(to: $1, as: .reviewer, by: "cleo") },
        Bad("a viewer", .authority) { try $0.answer(to: $1, as: .reviewer, by: "fay") },
        Bad("a role that nobody holds", .authority) { try $0.answer(to: $1, as: .auditor, by: "ben") },
        Bad("a stranger", .authority) { try $0.answer(to: $1, as: .reviewer, by: "zoe", keys: [99]) },
        Bad("a stranger who has a person's key sign", .authority) { try $0.answer(to: $1, as: .reviewer, by: "zoe", keys: [2]) },
        Bad("an unknown key in Ben's name", .authority) { try $0.answer(to: $1, as: .reviewer, by: "ben", keys: [99]) },
        Bad("Cleo's key in Ben's name", .authority) { try $0.answer(to: $1, as: .reviewer, by: "ben", keys: [3]) },
        Bad("everybody's key but Ben's in Ben's name", .authority) { try $0.answer(to: $1, as: .reviewer, by: "ben", keys: [1, 3, 4, 5, 6, 7]) },
        Bad("no signature", .authority) { try $0.answer(to: $1, as: .reviewer, by: "ben", keys: []) },
        Bad("the control plane's key", .authority) { try $0.answer(to: $1, as: .reviewer, by: "ben", keys: [20]) },
        Bad("the ledger's key", .authority) { try $0.answer(to: $1, as: .reviewer, by: "ben", keys: [21]) },
        Bad("the validator's key", .authority) { try $0.answer(to: $1, as: .reviewer, by: "ben", keys: [22]) },
        Bad("a node's key", .authority) { try $0.answer(to: $1, as: .reviewer, by: "ben", keys: [30]) },
        Bad("a node as a person", .authority) { try $0.answer(to: $1, as: .reviewer, by: "node-1", keys: [30]) },
        Bad("another spec of the same release", .invalid) { world, _ in
            try world.answer(to: world.draft(1, author: "dan") { $0.plan([.live]) }, as: .reviewer, by: "ben")
        },
        Bad("another release", .invalid) { try $0.answer(to: $1, as: .reviewer, by: "ben") { $0.release = try name("rebooking-offer-2") } },
        Bad("another environment", .invalid) { try $0.answer(to: $1, as: .reviewer, by: "ben") { $0.environment = try name("staging") } },
        Bad("another system", .invalid) { try $0.answer(to: $1, as: .reviewer, by: "ben") { $0.system = try name("pricing") } },
        Bad("a format of another program", .invalid) { try $0.answer(to: $1, as: .reviewer, by: "ben") { $0.format = 2 } },
        Bad("a signature on something else", .invalid) { _, made in Envelope(signing: made.spec, as: Approval.payloadType, by: [try key(2)]) },
        Bad("another payload type", .invalid) { world, made in
            let good = try world.answer(to: made, as: .reviewer, by: "ben")
            var other = Envelope(payloadType: "application/json", payload: good.payload)
            other.sign(with: try key(2))
            return other
        },
        Bad("a payload type changed after signing", .invalid) { world, made in
            var other = try world.answer(to: made, as: .reviewer, by: "ben")
            other.payloadType = StopOrder.payloadType
            return other
        },
        Bad("a stop order's signature", .authority) { world, made in
            var other = try world.answer(to: made, as: .reviewer, by: "ben")
            other.signatures = try world.stop(.abort, made, by: "ben").signatures
            return other
        },
        Bad("an answer changed after signing", .authority) { world, made in
            var other = try world.answer(.reject, to: made, as: .reviewer, by: "ben")
            other.payload = Array(String(decoding: other.payload, as: UTF8.self).replacing("\"reject\"", with: "\"approve\"").utf8)
            return other
        },
    ]

    /// Opened by itself, filed as an event, and carried to a node beside good approvals of everybody else.
    @Test(arguments: bad) func promise7_aBadApprovalCountsForNobody(_ test: Bad) throws {
        let world = try World.crowd(), made = try Self.draft(world), envelope = try test.envelope(world, made)
        #expect(Self.rule { _ = try Approval.open(envelope, for: made.spec, digest: made.digest, trust: world.trust) } == test.rule)
        var release = try Self.machine(world, made)
        let before = release
        #expect(Self.rule { try release.apply(.approved(envelope, at: World.now), trust: world.trust) } == test.rule)
        let isUnchanged = release == before
        #expect(isUnchanged)
        let other = test.role == .reviewer ? try world.answer(to: made, as: .riskOwner, by: "cleo") : try world.answer(to: made, as: .reviewer, by: "ben")
        #expect(Self.refusal(world, made, [envelope, other])?.rule == test.rule)
        #expect(Self.refusal(world, made, [other, envelope])?.rule == test.rule)
    }

    /// The spec's JSON is changed at every place; the signatures stay. Nothing of what people signed may be free.
    @Test func promise7_everyFieldOfTheSpecIsCovered() throws {
        let world = try World.crowd(), made = try world.approved(Self.draft(world))
        let mutations = try JSONTree(parsing: made.spec.encoded).mutations()
        var sealed = 0
        for mutation in mutations {
            let bytes = mutation.tree.bytes
            try #require(bytes != made.spec.encoded)
            var changed = made
            changed.bundle.spec = Base64Bytes(bytes)
            #expect(Self.refusal(world, changed, made.bundle.approvals) != nil, "\(mutation.name)")
            guard let spec = try? ReleaseSpec.read(bytes) else { continue }
            for envelope in made.bundle.approvals {
                let rule = Self.rule { _ = try Approval.open(envelope, for: spec, digest: Digest.of(bytes), trust: world.trust) }
                #expect(rule == .invalid, "\(mutation.name)")
            }
            guard let release = try? Self.machine(world, changed) else { continue }
            sealed += 1
            for envelope in made.bundle.approvals {
                var next = release
                #expect(Self.rule { try next.apply(.approved(envelope, at: World.now), trust: world.trust) } == .invalid, "\(mutation.name)")
            }
        }
        let places = Set(mutations.map(\.path))
        for place in Self.places { #expect(places.contains(place), "\(place) is not among the places changed") }
        #expect(mutations.count > 300 && sealed > 30, "\(mutations.count) changes, \(sealed) of which could be sealed")
    }

    /// Every field that a spec has, down to the leaves.
    private static let places: [String] = {
        func all(_ prefix: String, _ fields: [String]) -> [String] { fields.map { prefix + $0 } }
        var places = ["format", "baseline", "salt", "exposure[3].kind"]
        for step in 0...2 { places += all("exposure[\(step)].", ["kind", "share", "needs.decisions", "needs.deadlineSeconds"]) }
        places += all("rollout.", ["clock", "expectedRates", "maturesAfterSeconds", "escalation.to", "escalation.afterSeconds"])
        places += all("rollout.autonomy.", ["expandUpTo", "needsPerson[0]", "alone[0]", "alone[1]", "alone[2]"])
        places += all("rollout.undecided", ["[0]", "[1]", "[2]"])
        for rule in 0...2 { places += all("rollout.guardrails[\(rule)].", ["alpha", "harm", "prove", "signal", "then"]) }
        places += ["rollout.guardrails[0].bound", "rollout.guardrails[1].bound"]
        places += all("model.", ["version.model", "version.number", "artifact", "bytes", "format", "contract", "author"])
        places += all("proposal.", ["format", "system", "environment", "release", "service", "number", "model.model", "model.number", "decision", "request", "policy"])
        places += all("proposal.", ["reason", "expectedChange", "proposer", "proposed"])
        for index in 0...1 { places += all("approvals[\(index)].", ["role", "count"]) }
        for index in 0...1 { places += all("criteria[\(index)].", ["validator", "criterion", "subjects[0]", "subjects[1]", "verdict"]) }
        return places
    }()

    /// The list above is complete: a field added to the spec must be added to it.
    @Test func promise7_theListOfFieldsIsComplete() throws {
        let leaves = try JSONTree(parsing: Self.draft(try World.crowd()).spec.encoded).leaves()
        #expect(leaves.subtracting(Self.places) == [] && Set(Self.places).subtracting(leaves) == [])
    }
}
