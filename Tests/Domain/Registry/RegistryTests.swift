// What authors and validators sign about a model: its JSON, frozen, and whose signature opens it.
import Evidence
import Primitives
import Registry
import TestKit
import Testing

@Suite struct RegistryTests {
    private static func hex(_ text: String) -> String { Digest.of(text).hex }

    private static func refusal(_ envelope: Envelope, _ trust: TrustRoot) -> EvidenceError? {
        #expect(throws: EvidenceError.self) { try Registration.open(envelope, trust: trust) }
    }

    @Test(arguments: [
        ("flight-delay@1", "flight-delay", 1), ("a@7", "a", 7), ("m.v2_x-1@9223372036854775807", "m.v2_x-1", Int.max), ("0@42", "0", 42),
    ]) func aVersionIsAModelAndANumber(text: String, model: String, number: Int) throws {
        let version = try #require(ModelVersionID(parsing: text))
        #expect(version.model.text == model && version.number == number && version.description == text)
        #expect(ModelVersionID(model: version.model, number: number) == version)
    }

    @Test(arguments: [
        "", "@", "flight-delay", "flight-delay@", "@1", "flight-delay@0", "flight-delay@-1", "flight-delay@1@2", "flight-delay@@1", "flight-delay@1 ",
        "flight-delay@ 1", "flight-delay@one", "flight-delay@1.0", "flight-delay@1e3", "flight-delay@0x1", "flight-delay@9223372036854775808",
        "flight-delay@\u{0661}", "Flight@1", "../x@1", "a..b@1", "flight delay@1", String(repeating: "a", count: 64) + "@1",
    ]) func anythingElseIsNoVersion(text: String) { #expect(ModelVersionID(parsing: text) == nil) }

    @Test(arguments: ["flight-delay@+1", "flight-delay@01", "flight-delay@0000000001"]) func aVersionHasOneSpelling(text: String) {
        #expect(ModelVersionID(parsing: text) == nil)
    }

    @Test func aVersionsJSONIsFrozen() throws {
        let version = try #require(ModelVersionID(parsing: "flight-delay@3"))
        let json = StrictJSON.encode(version)
        #expect(String(decoding: json, as: UTF8.self) == "{\"model\":\"flight-delay\",\"number\":3}")
        #expect(try StrictJSON.decode(from: json) == version)
    }

    /// in-toto Statement v1: `_type`, `subject`, `predicateType`, `predicate`.
    @Test func aRegistrationIsAnInTotoStatement() throws {
        let statement = try World().registration(3).statement
        let expected = """
            {"_type":"https://in-toto.io/Statement/v1","predicate":{"artifact":"sha256:\(Self.hex("0.5 0 0"))","author":"ada","bytes":7,\
            "contract":"sha256:\(Self.hex("training"))","format":"linear","note":"better at night","registered":"2025-06-15T15:06:40.000Z",\
            "signature":"sha256:\(Self.hex("signature"))","version":{"model":"flight-delay","number":3}},\
            "predicateType":"urn:penstock:model-version:v1",\
            "subject":[{"digest":{"sha256":"\(Self.hex("0.5 0 0"))"},"name":"flight-delay@3"}]}
            """
        #expect(String(decoding: StrictJSON.encode(statement), as: UTF8.self) == expected)
        #expect(try StrictJSON.decode(from: Array(expected.utf8)) == statement)
    }

    @Test func anEvaluationIsAnInTotoStatement() throws {
        let statement = try World().evaluation(metrics: ["log_loss": 0.5, "auc": 0.75]).statement
        let expected = """
            {"_type":"https://in-toto.io/Statement/v1","predicate":{"artifact":"sha256:\(Self.hex("0.5 0 0"))","contract":"sha256:\(Self.hex("training"))",\
            "dataset":"sha256:\(Self.hex("holdout"))","label":"late","measured":"2025-06-15T15:06:40.000Z","metrics":{"auc":0.75,"log_loss":0.5},\
            "rows":1000,"runtime":"linear 1","sandbox":["bubblewrap"]},"predicateType":"urn:penstock:evaluation:v1",\
            "subject":[{"digest":{"sha256":"\(Self.hex("0.5 0 0"))"},"name":"model"},{"digest":{"sha256":"\(Self.hex("holdout"))"},"name":"dataset"}]}
            """
        #expect(String(decoding: StrictJSON.encode(statement), as: UTF8.self) == expected)
        #expect(try StrictJSON.decode(from: Array(expected.utf8)) == statement)
    }

    @Test func aRehearsalIsAnInTotoStatement() throws {
        let statement = try World().rehearsal(baseline: Digest.of("baseline")).statement
        let expected = """
            {"_type":"https://in-toto.io/Statement/v1","predicate":{"answers":100,"artifact":"sha256:\(Self.hex("0.5 0 0"))",\
            "baseline":"sha256:\(Self.hex("baseline"))","measured":"2025-06-15T15:06:40.000Z","milliseconds":12.5},\
            "predicateType":"urn:penstock:reversibility:v1",\
            "subject":[{"digest":{"sha256":"\(Self.hex("0.5 0 0"))"},"name":"model"},{"digest":{"sha256":"\(Self.hex("baseline"))"},"name":"baseline"}]}
            """
        #expect(String(decoding: StrictJSON.encode(statement), as: UTF8.self) == expected)
        #expect(try StrictJSON.decode(from: Array(expected.utf8)) == statement)
    }

    @Test func theAuthorsSignatureOpensARegistration() throws {
        let world = try World.crowd(), registration = try world.registration(3, author: "dan")
        let envelope = try world.signed(registration)
        #expect(envelope.payloadType == "application/vnd.in-toto+json")
        #expect(try Registration.open(envelope, trust: world.trust) == registration)
        #expect(try Registration.open(try world.signed(registration, keys: [2, 4, 20]), trust: world.trust) == registration)
    }

    /// Nobody, another person, the services, a node, a stranger.
    @Test(arguments: [[], [1], [2, 3], [20], [21, 22], [30], [99]] as [[UInt8]]) func anotherSignatureDoesNot(keys: [UInt8]) throws {
        let world = try World.crowd()
        let error = Self.refusal(try world.signed(try world.registration(3, author: "dan"), keys: keys), world.trust)
        #expect(error?.code == .untrusted && error?.message.contains("flight-delay@3 names dan as its author, who has not signed it") == true)
    }

    @Test func anAuthorWhoIsNobodyHereIsRefused() throws {
        let world = try World()
        #expect(Self.refusal(try world.signed(try world.registration(1, author: "dan"), keys: [4]), world.trust)?.code == .untrusted)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout Statement<Registration>) throws -> Void

        init(_ says: String, _ change: @escaping @Sendable (inout Statement<Registration>) throws -> Void) {
            testDescription = says
            self.change = change
        }
    }

    @Test(arguments: [
        Wrong("another predicate's type") { $0.predicateType = Evaluation.predicateType },
        Wrong("no subject") { $0.subject = [] },
        Wrong("another subject") { $0.subject = [.init(name: "flight-delay@3", digest: Digest.of("other"))] },
        Wrong("another artifact than the subject's") { $0.predicate.artifact = Digest.of("other") },
        Wrong("version 0") { $0.predicate.version.number = 0 },
        Wrong("version -1") { $0.predicate.version.number = -1 },
        Wrong("fewer than no bytes") { $0.predicate.bytes = -1 },
    ]) func aStatementThatContradictsItselfIsRefusedWhoeverSigned(_ test: Wrong) throws {
        let world = try World()
        var statement = try world.registration(3).statement
        try test.change(&statement)
        let envelope = Envelope(signing: statement, as: statementPayloadType, by: [try key(1)])
        #expect(Self.refusal(envelope, world.trust)?.code == .malformed)
    }

    @Test(arguments: ["", "https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v2"]) func anotherStatementTypeIsRefused(type: String) throws {
        let world = try World()
        var statement = try world.registration(3).statement
        statement.type = type
        let envelope = Envelope(signing: statement, as: statementPayloadType, by: [try key(1)])
        #expect(Self.refusal(envelope, world.trust)?.code == .malformed)
    }

    @Test func anotherPayloadTypeOrAChangedByteIsRefused() throws {
        let world = try World(), registration = try world.registration(3)
        let other = Envelope(signing: registration.statement, as: "application/json", by: [try key(1)])
        #expect(Self.refusal(other, world.trust)?.code == .malformed)
        let plain = Envelope(signing: registration, as: statementPayloadType, by: [try key(1)])
        #expect(Self.refusal(plain, world.trust)?.code == .malformed)
        let good = try world.signed(registration)
        for index in stride(from: 0, to: good.payload.count, by: 5) {
            var changed = good
            changed.payload[index] ^= 1
            #expect(throws: EvidenceError.self, "byte \(index)") { try Registration.open(changed, trust: world.trust) }
        }
    }

    @Test func aStatementIsAboutItsSubjectsOnly() throws {
        let statement = try World().evaluation().statement
        #expect(statement.isAbout(Digest.of("0.5 0 0")) && statement.isAbout(Digest.of("holdout")))
        #expect(!statement.isAbout(Digest.of("training")) && !statement.isAbout(Digest.of("")))
        var other = statement
        other.subject[0].digest = ["sha512": Digest.of("0.5 0 0").hex]
        #expect(!other.isAbout(Digest.of("0.5 0 0")))
    }

    /// A validator's statement is opened with the validator's key and no other.
    @Test func theValidatorsStatementsOpenWithItsKey() throws {
        let world = try World(), keys = [world.trust.services.validator]
        let evaluation = world.evaluation().statement, rehearsal = world.rehearsal(baseline: Digest.of("baseline")).statement
        #expect(try world.signed(evaluation).open(as: statementPayloadType, signedBy: keys) == evaluation)
        #expect(try world.signed(rehearsal).open(as: statementPayloadType, signedBy: keys) == rehearsal)
        for number in [1, 20, 21, 30, 99] as [UInt8] {
            let error = #expect(throws: EvidenceError.self) {
                try world.signed(evaluation, key: number).open(Statement<Evaluation>.self, as: statementPayloadType, signedBy: keys)
            }
            #expect(error?.code == .unsigned)
        }
        #expect(throws: EvidenceError.self) { try world.signed(rehearsal).open(Statement<Evaluation>.self, as: statementPayloadType, signedBy: keys) }
    }
}
