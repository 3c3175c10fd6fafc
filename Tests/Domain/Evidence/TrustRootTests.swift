// Trust roots: who must have signed, and which documents are refused whoever signed.
import Evidence
import Primitives
import Testing

@Suite struct TrustRootTests {
    /// Ada and Ben propose and review, Cleo owns the risk, Dan is the admin. Their keys are 1 to 4; Ada's second is 5.
    private static func root() throws -> TrustRoot {
        func person(_ id: String, _ roles: [Role], _ keys: UInt8...) throws -> TrustRoot.Person {
            TrustRoot.Person(id: try name(id), name: id, roles: roles, keys: try keys.map { try key($0).verificationKey })
        }
        return TrustRoot(
            system: try name("rebooking"), environment: try name("production"), version: 1,
            created: Instant(milliseconds: 1_700_000_000_000), expires: Instant(milliseconds: 1_800_000_000_000), solo: false,
            people: [
                try person("ada", [.proposer, .reviewer], 1, 5), try person("ben", [.proposer, .reviewer], 2),
                try person("cleo", [.riskOwner], 3), try person("dan", [.admin], 4),
            ],
            thresholds: .init(root: 2), approvals: [.reviewer: 1, .riskOwner: 1],
            services: .init(
                controlPlane: try key(20).verificationKey, ledger: try key(21).verificationKey, validator: try key(22).verificationKey),
            nodes: [try name("node-1"): try key(30).verificationKey, try name("node-2"): try key(31).verificationKey])
    }

    private static func solo() throws -> TrustRoot {
        var root = try root()
        root.solo = true
        root.people = [TrustRoot.Person(id: try name("me"), name: "Me", roles: [.proposer, .reviewer, .riskOwner], keys: [try key(1).verificationKey])]
        root.thresholds.root = 1
        return root
    }

    private static func sealed(_ root: TrustRoot, _ keys: UInt8...) throws -> Envelope {
        Envelope(signing: root, as: TrustRoot.payloadType, by: try keys.map(key))
    }

    private static func refusal(_ body: () throws -> TrustRoot) -> EvidenceError? {
        #expect(throws: EvidenceError.self) { try body() }
    }

    @Test func genesisOpensWithEnoughPeople() throws {
        let root = try Self.root()
        #expect(try TrustRoot.openGenesis(try Self.sealed(root, 1, 2)) == root)
        #expect(try TrustRoot.openGenesis(try Self.sealed(root, 3, 4, 1, 2, 5)) == root)
        let solo = try Self.solo()
        #expect(try TrustRoot.openGenesis(try Self.sealed(solo, 1)) == solo)
        #expect(root.ledgerOrigin == "penstock/rebooking/production")
        #expect(!root.isExpired(at: Instant(milliseconds: 1_799_999_999_999)) && root.isExpired(at: root.expires))
    }

    @Test func theDocumentIsTheOneSpecified() throws {
        let root = try Self.solo()
        func spelled(_ number: UInt8) throws -> String { try key(number).verificationKey.bytes.base64 }
        let expected = """
            {"approvals":{"reviewer":1,"risk-owner":1},"created":"2023-11-14T22:13:20.000Z","environment":"production",\
            "expires":"2027-01-15T08:00:00.000Z","format":1,"nodes":{"node-1":"\(try spelled(30))","node-2":"\(try spelled(31))"},\
            "people":[{"id":"me","keys":["\(try spelled(1))"],"name":"Me","roles":["proposer","reviewer","risk-owner"]}],\
            "services":{"control_plane":"\(try spelled(20))","ledger":"\(try spelled(21))","validator":"\(try spelled(22))"},\
            "solo":true,"system":"rebooking","thresholds":{"root":1},"version":1}
            """
        #expect(String(decoding: try Self.sealed(root, 1).payload, as: UTF8.self) == expected)
    }

    /// Nobody, one person, one person with two keys, one key twice, a service's key, a stranger's key.
    @Test(arguments: [[], [1], [1, 5], [1, 1], [1, 20], [1, 99], [30, 31, 20, 21, 22]] as [[UInt8]])
    func tooFewPeopleAreRefused(keys: [UInt8]) throws {
        var envelope = try Self.sealed(try Self.root())
        for number in keys { envelope.sign(with: try key(number)) }
        envelope.signatures += envelope.signatures
        let error = Self.refusal { try TrustRoot.openGenesis(envelope) }
        #expect(error?.code == .unsigned)
        #expect(error?.message.contains("needs the signatures of 2 people") == true)
    }

    @Test func aChangedByteOrABorrowedSignatureIsRefused() throws {
        let envelope = try Self.sealed(try Self.root(), 1, 2)
        for index in stride(from: 0, to: envelope.payload.count, by: 3) {
            var other = envelope
            other.payload[index] ^= 1
            #expect(throws: EvidenceError.self) { try TrustRoot.openGenesis(other) }
        }
        var other = envelope
        other.payloadType = "application/json"
        #expect(Self.refusal { try TrustRoot.openGenesis(other) }?.code == .malformed)
        other = envelope
        other.signatures[0].sig = other.signatures[1].sig
        #expect(Self.refusal { try TrustRoot.openGenesis(other) }?.code == .unsigned)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var says: String
        var change: @Sendable (inout TrustRoot) throws -> Void
        var testDescription: String { says }

        init(_ says: String, _ change: @escaping @Sendable (inout TrustRoot) throws -> Void) {
            self.says = says
            self.change = change
        }
    }

    /// Each document is signed by everybody in it, and refused for the reason named.
    private static let refused: [Case] = [
        Case("format is 2") { $0.format = 2 },
        Case("begins with version 1") { $0.version = 2 },
        Case("begins with version 1") { $0.version = 0 },
        Case("expires before") { $0.expires = $0.created },
        Case("lists 0 people") { $0.people = [] },
        Case("ben is listed twice") { $0.people.append($0.people[1]) },
        Case("ada is listed twice") { $0.people[1].id = $0.people[0].id },
        Case("cleo has a role listed twice") { $0.people[2].roles = [.riskOwner, .riskOwner] },
        Case("cleo has 0 keys") { $0.people[2].keys = [] },
        Case("cleo has 5 keys") { $0.people[2].keys = try (50...54).map { try key($0).verificationKey } },
        Case("one key is listed for ada and for ben") { $0.people[1].keys = $0.people[0].keys },
        Case("one key is listed for cleo and for cleo") { $0.people[2].keys += $0.people[2].keys },
        Case("one key is listed for dan and for the control plane") { $0.services.controlPlane = $0.people[3].keys[0] },
        Case("one key is listed for the control plane and for the ledger") { $0.services.ledger = $0.services.controlPlane },
        Case("one key is listed for the validator and for node node-2") { $0.nodes[try name("node-2")] = $0.services.validator },
        Case("no serving node") { $0.nodes = [:] },
        Case("root threshold is 0") { $0.thresholds.root = 0 },
        Case("root threshold is -1") { $0.thresholds.root = -1 },
        Case("root threshold is 5") { $0.thresholds.root = 5 },
        Case("at least one approval") { $0.approvals = [:] },
        Case("asks for 0 approvals of a reviewer") { $0.approvals[.reviewer] = 0 },
        Case("asks for -1 approvals of a reviewer") { $0.approvals[.reviewer] = -1 },
        Case("2 approval(s) of a risk-owner, and 1 of its people hold") { $0.approvals[.riskOwner] = 2 },
        Case("1 approval(s) of a independent-validator, and 0 of its people hold") { $0.approvals[.independentValidator] = 1 },
        Case("9223372036854775807 approval(s) of a reviewer") { $0.approvals[.reviewer] = Int.max },
        Case("dan is admin and holds an approving role") { $0.people[3].roles.append(.reviewer) },
        Case("dan is admin and holds an approving role") { $0.people[3].roles.append(.independentValidator) },
        Case("dan is admin and holds an approving role") { $0.approvals[.admin] = 1 },
        Case("nobody is a proposer") { for index in $0.people.indices { $0.people[index].roles.removeAll { $0 == .proposer } } },
        // Both reviewers propose, so whoever proposes leaves one.
        Case("too few people to approve") { $0.approvals[.reviewer] = 2 },
        // One person cannot take both seats.
        Case("too few people to approve") {
            $0.people.remove(at: 2)
            $0.people[1].roles.append(.riskOwner)
        },
        // The one proposer is the one risk owner.
        Case("too few people to approve") {
            $0.people[0].roles = [.reviewer]
            $0.people[1].roles = [.reviewer]
            $0.people[2].roles = [.riskOwner, .proposer]
        },
        Case("'solo' is for one person, and it lists 4") { $0.solo = true },
    ]

    @Test(arguments: refused) func anUnusableDocumentIsRefused(_ test: Case) throws {
        var root = try Self.root()
        try test.change(&root)
        let envelope = try Self.sealed(root, 1, 2, 3, 4, 5)
        let error = Self.refusal { try TrustRoot.openGenesis(envelope) }
        #expect(error?.message.contains(test.says) == true, "\(error?.message ?? "accepted")")
    }

    @Test func seatsAreFilledWhateverTheOrder() throws {
        // Cleo could review too; only with her as risk owner do the seats fit.
        var root = try Self.root()
        root.people[2].roles = [.reviewer, .riskOwner]
        #expect(throws: Never.self) { try root.checkStructure() }
        root.people.reverse()
        #expect(throws: Never.self) { try root.checkStructure() }
    }

    @Test func soloNeedsEveryRoleInOnePerson() throws {
        for role in [Role.reviewer, .riskOwner, .proposer] {
            var root = try Self.solo()
            root.people[0].roles.removeAll { $0 == role }
            #expect(Self.refusal { try TrustRoot.openGenesis(try Self.sealed(root, 1)) }?.code == .malformed)
        }
        var alone = try Self.solo()
        alone.solo = false
        #expect(Self.refusal { try TrustRoot.openGenesis(try Self.sealed(alone, 1)) }?.message.contains("too few people") == true)
    }

    /// JSON that means the same, or more than it shows.
    @Test(arguments: [
        ("{\"approvals\"", "{ \"approvals\""), ("\"format\":1", "\"format\":1,\"format\":1"), ("\"format\":1", "\"format\":1,\"override\":true"),
        ("\"reviewer\":1", "\"reviewer\":1,\"reviewer\":2"), ("\"version\":1", "\"version\":1.0"), ("\"name\":\"ada\"", "\"name\":\"\\u0061da\""),
        ("\"reviewer\":1", "\"Reviewer!\":1"), ("\"id\":\"ada\"", "\"id\":\"../ada\""),
    ]) func anotherSpellingIsRefused(old: String, new: String) throws {
        let plain = String(decoding: try Self.sealed(try Self.root()).payload, as: UTF8.self)
        try #require(plain.contains(old))
        var envelope = Envelope(payloadType: TrustRoot.payloadType, payload: Array(plain.replacing(old, with: new, maxReplacements: 1).utf8))
        for number in 1...4 as ClosedRange<UInt8> { envelope.sign(with: try key(number)) }
        #expect(Self.refusal { try TrustRoot.openGenesis(envelope) }?.code == .malformed)
    }

    /// Version 2: Ben and Dan leave, Eve (6) comes; three must sign from now on.
    private static func successor() throws -> TrustRoot {
        var next = try root()
        next.version = 2
        next.people.remove(at: 3)
        next.people[1] = TrustRoot.Person(id: try name("eve"), name: "Eve", roles: [.proposer, .reviewer], keys: [try key(6).verificationKey])
        next.thresholds.root = 3
        return next
    }

    @Test func aSuccessorNeedsTheThresholdsOfBoth() throws {
        let old = try Self.root(), next = try Self.successor()
        #expect(try old.openSuccessor(try Self.sealed(next, 1, 3, 6)) == next)
        for keys in [[1, 3], [1, 2, 3, 4], [1, 2, 6], [1, 5, 6], [6], []] as [[UInt8]] {
            var envelope = try Self.sealed(next)
            for number in keys { envelope.sign(with: try key(number)) }
            #expect(Self.refusal { try old.openSuccessor(envelope) }?.code == .unsigned, "\(keys)")
        }
        var takeover = next
        takeover.people = try (6...9).map { number in
            TrustRoot.Person(
                id: try name("x\(number)"), name: "X", roles: [.proposer, .reviewer, .riskOwner], keys: [try key(number).verificationKey])
        }
        let error = Self.refusal { try old.openSuccessor(try Self.sealed(takeover, 1, 6, 7, 8, 9)) }
        #expect(error?.code == .unsigned && error?.message.contains("2 people of version 1 and has 1") == true)
        #expect(try old.openSuccessor(try Self.sealed(takeover, 1, 2, 6, 7, 8)) == takeover)
    }

    @Test(arguments: [
        Case("version 1 cannot follow") { $0.version = 1 },
        Case("version 3 cannot follow") { $0.version = 3 },
        Case("version \(Int.min) cannot follow") { $0.version = Int.min },
        Case("is for other/production") { $0.system = try name("other") },
        Case("is for rebooking/staging") { $0.environment = try name("staging") },
        Case("no serving node") { $0.nodes = [:] },
        Case("an installation of several people stays one") {
            $0.people = [$0.people[0]]
            $0.people[0].roles.append(.riskOwner)
            $0.thresholds.root = 1
            $0.solo = true
        },
    ]) func aWrongSuccessorIsRefused(_ test: Case) throws {
        var next = try Self.successor()
        try test.change(&next)
        let error = Self.refusal { try Self.root().openSuccessor(try Self.sealed(next, 1, 2, 3, 4, 6)) }
        #expect(error?.message.contains(test.says) == true, "\(error?.message ?? "accepted")")
    }

    @Test func versionsEndWithoutATrap() throws {
        var last = try Self.root()
        last.version = Int.max
        var next = last
        next.version = Int.min
        #expect(throws: EvidenceError.self) { try last.openSuccessor(try Self.sealed(next, 1, 2)) }
    }

    @Test func aSoloInstallationMayGrow() throws {
        let solo = try Self.solo()
        var next = try Self.root()
        next.version = 2
        #expect(try solo.openSuccessor(try Self.sealed(next, 1, 2)) == next)
    }

    @Test func peopleAreFoundByTheirKeysAndRoles() throws {
        let root = try Self.root()
        func ids(_ keys: UInt8...) throws -> Set<KeyID> { Set(try keys.map { try key($0).verificationKey.id }) }
        #expect(root.person(signedBy: try ids(1, 5))?.id.text == "ada")
        #expect(root.person(signedBy: try ids(3, 99))?.id.text == "cleo")
        #expect(root.person(signedBy: try ids(1, 2)) == nil)
        #expect(root.person(signedBy: try ids(20)) == nil && root.person(signedBy: []) == nil)
        #expect(root.people(in: .reviewer).map(\.id.text) == ["ada", "ben"])
        #expect(root.people(in: .auditor).isEmpty)
        #expect(root.signers(of: try Self.sealed(root, 5, 1, 3, 20)).map(\.id.text) == ["ada", "cleo"])
    }
}
