// Proposals and specs: whose signature opens one, and which contradict themselves.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct ProposalTests {
    private static func rule(_ proposal: Proposal, keys: [UInt8]? = nil, _ world: World) throws -> ReleaseError.Rule? {
        let envelope = try world.signed(proposal, keys: keys)
        return #expect(throws: ReleaseError.self) { try Proposal.open(envelope, trust: world.trust) }?.rule
    }

    @Test func aProposersSignatureOpensTheirProposal() throws {
        let world = try World.crowd()
        for number in [0, 1, 2] {
            let proposal = try world.draft(number).spec.proposal
            #expect(try Proposal.open(try world.signed(proposal), trust: world.trust) == proposal)
            #expect(try Proposal.open(try world.signed(proposal, keys: [2, 20, 1]), trust: world.trust) == proposal)
        }
    }

    @Test(arguments: [[], [2], [3, 4, 5, 6, 7], [20], [30], [99]] as [[UInt8]]) func anotherSignatureDoesNot(keys: [UInt8]) throws {
        let world = try World.crowd()
        #expect(try Self.rule(try world.draft(1).spec.proposal, keys: keys, world) == .authority)
    }

    @Test(arguments: ["ben", "cleo", "dan", "eve", "fay"]) func whoIsNoProposerCannotPropose(person: String) throws {
        let world = try World.crowd()
        #expect(try Self.rule(try world.draft(1, proposer: person).spec.proposal, world) == .authority)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout Proposal) throws -> Void

        init(_ says: String, _ change: @escaping @Sendable (inout Proposal) throws -> Void) { (testDescription, self.change) = (says, change) }
    }

    @Test(arguments: [
        Wrong("format 2") { $0.format = 2 }, Wrong("another system") { $0.system = try name("pricing") }, Wrong("another environment") { $0.environment = try name("staging") },
        Wrong("a release without a model that is not 0") { $0.model = nil }, Wrong("a release 0 with a model") { ($0.number, $0.release) = (0, try name("rebooking-offer-0")) },
        Wrong("another release's name") { $0.release = try name("rebooking-offer-2") }, Wrong("a name with zeros in front") { $0.release = try name("rebooking-offer-01") },
        Wrong("another service") { $0.service = try name("pricing") }, Wrong("a number below 0") { $0.number = -1 },
        Wrong("the largest number") { $0.number = Int.max },
    ]) func aProposalThatContradictsItselfIsRefused(_ test: Wrong) throws {
        let world = try World()
        var proposal = try world.draft(1).spec.proposal
        try test.change(&proposal)
        #expect(try Self.rule(proposal, world) == .invalid)
    }

    @Test func aChangedByteIsRefused() throws {
        let world = try World(), good = try world.draft(1).bundle.proposal
        for index in stride(from: 0, to: good.payload.count, by: 3) {
            var changed = good
            changed.payload[index] ^= 1
            #expect(throws: ReleaseError.self, "byte \(index)") { try Proposal.open(changed, trust: world.trust) }
        }
        var changed = good
        changed.payloadType = Approval.payloadType
        #expect(throws: ReleaseError.self) { try Proposal.open(changed, trust: world.trust) }
    }

    struct Spec: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout ReleaseSpec) -> Void

        init(_ says: String, _ change: @escaping @Sendable (inout ReleaseSpec) -> Void) { (testDescription, self.change) = (says, change) }
    }

    @Test(arguments: [
        Spec("format 2") { $0.format = 2 }, Spec("format 0") { $0.format = 0 }, Spec("no model where one is proposed") { $0.model = nil },
        Spec("another version than proposed") { $0.model?.version.number = 2 }, Spec("a salt of 15 bytes") { $0.salt.bytes.removeLast() },
        Spec("a salt of 17 bytes") { $0.salt.bytes.append(0) }, Spec("no salt") { $0.salt = Base64Bytes([]) }, Spec("no steps") { $0.plan([]) },
        Spec("no approvals") { $0.approvals = [] },
    ]) func aSpecThatContradictsItselfIsRefused(_ test: Spec) throws {
        var spec = try World().draft(1).spec
        #expect(try ReleaseSpec.read(spec.encoded) == spec)
        test.change(&spec)
        #expect(#expect(throws: ReleaseError.self) { try ReleaseSpec.read(spec.encoded) }?.rule == .invalid)
    }

    /// A spec must be a proposal's, in every field of it, although both are signed.
    @Test func aNodeComparesSpecAndProposal() throws {
        let world = try World(), made = try world.approved(world.draft(1))
        var bundle = made.bundle
        var other = made.spec.proposal
        other.reason = "another reason"
        bundle.proposal = try world.signed(other)
        #expect(#expect(throws: ReleaseError.self) { try VerifiedRelease(verifying: bundle, trust: world.trust) }?.rule == .invalid)
    }
}
