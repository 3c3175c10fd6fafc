// Provenance in the ledger: who may sign it, what it must say, and the way back from a model to the raw files.
import Evidence
import Pipelines
import Primitives
import Releases
import TestKit
import Testing

@Suite struct LineageTests {
    private func state(_ world: World) throws -> SystemState {
        var state = SystemState()
        try state.apply(.trustRoot(world.trustEnvelope, at: World.now))
        return state
    }

    @Test func promise12_theLineageLeadsFromTheModelToTheRawFiles() throws {
        let world = try World(), made = try MadeProvenance(model: .of("model"))
        var state = try state(world)
        for statement in [made.model, made.rows] {
            let record = LedgerRecord.provenance(statement.signed(by: try key(1)), at: World.now)
            #expect(record.kind == "provenance.recorded" && record.stream == "provenance")
            #expect(try LedgerRecord.read(record.entry(salt: [])) == record)
            try state.apply(record)
        }
        let steps = state.lineage(of: .of("model"))
        let ada: PersonID = try name("ada")
        #expect(steps.map(\.output) == ["train.model", "ingest.rows"] && steps.map(\.signedBy) == [[ada], [ada]])
        #expect(steps[0].dependencies.map(\.uri) == ["urn:penstock:output:ingest.rows", "urn:penstock:environment:lock"])
        #expect(steps[1].dependencies.first?.uri == "urn:penstock:project:data/raw.csv" && steps[1].dependencies.first?.digest["sha256"] == Digest.of("raw").hex)
        #expect(state.lineage(of: .of("nobody made this")) == [])
    }

    /// Bytes that read each other must not keep the reader for ever.
    @Test func aCircleOfDigestsEnds() throws {
        let world = try World(), made = try MadeProvenance(model: .of("same"), rows: .of("same"))
        var state = try state(world)
        for statement in [made.rows, made.model] { try state.apply(.provenance(statement.signed(by: try key(1)), at: World.now)) }
        #expect(state.lineage(of: .of("same")).map(\.output) == ["train.model"])
    }

    @Test func whatIsNoProvenanceOfAPersonIsRefusedAndChangesNothing() throws {
        let world = try World(), made = try MadeProvenance(model: .of("model")).model
        let good = try state(world)
        func refused(_ says: String, _ envelope: Envelope) throws {
            var state = good
            let error = #expect(throws: ReleaseError.self) { try state.apply(.provenance(envelope, at: World.now)) }
            #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
            #expect(state == good)
        }
        for stranger in [UInt8(9), 20, 21, 22, 30] { try refused("only with the signature of a person", made.signed(by: try key(stranger))) }
        var other = made
        other.predicateType = "https://slsa.dev/provenance/v2"
        try refused("no provenance of a pipeline's stage", other.signed(by: try key(1)))
        other = made
        other.predicate.buildDefinition.buildType = "https://example.com/other"
        try refused("no provenance of a pipeline's stage", other.signed(by: try key(1)))
        other = made
        other.subject.append(.init(name: "train.model", digest: .of("another")))
        try refused("about one output of its stage", other.signed(by: try key(1)))
        other = made
        other.subject[0].name = "train.rows"
        try refused("about one output of its stage", other.signed(by: try key(1)))
        try refused("cannot be read", Envelope(signing: ["a": 1], as: statementPayloadType, by: [try key(1)]))
        var forged = made.signed(by: try key(1))
        forged.payload = Array(String(decoding: forged.payload, as: UTF8.self).replacing("\"seed\":7", with: "\"seed\":8").utf8)
        try refused("only with the signature of a person", forged)
        var twice = good
        try twice.apply(.provenance(made.signed(by: try key(1)), at: World.now))
        let error = #expect(throws: ReleaseError.self) { try twice.apply(.provenance(made.signed(by: try key(1)), at: World.now)) }
        #expect(error?.message.contains("is recorded already") == true)
    }
}
