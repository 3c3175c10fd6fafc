// Provenance on its way into the ledger, and the lineage that is told of it.
import Evidence
import Ports
import Primitives
import ReleaseController
import Releases
import TestKit
import Testing

@Suite struct ProvenanceTests {
    @Test func aLineageIsToldAndSurvivesARestart() async throws {
        let desk = try await Harness()
        try await desk.register(1)
        let version = desk.installation.version(1), model = Digest.of(desk.installation.artifact(1))
        let before = try await desk.controller.lineage(of: version)
        #expect(before.steps == [] && before.artifact == model)
        let made = try MadeProvenance(model: model), person = try #require(desk.installation.people.first { $0.id.text == "dan" }).key
        for statement in [made.rows, made.model] { try await desk.controller.record(provenance: statement.signed(by: person)) }
        let size = try await desk.size
        // Sent again it changes nothing.
        try await desk.controller.record(provenance: made.model.signed(by: person))
        #expect(try await desk.size == size)
        #expect(try await desk.kinds(from: size - 2) == ["provenance.recorded", "provenance.recorded"])
        for controller in [desk.controller, try await desk.reopened()] {
            #expect(try await controller.lineage(of: version).steps.map(\.output) == ["train.model", "ingest.rows"])
        }
    }

    @Test func whatNobodySignedIsRefusedAndLeavesNoEntry() async throws {
        let desk = try await Harness()
        let made = try MadeProvenance(model: .of("model")), size = try await desk.size
        try await desk.refused(.forbidden, "authority", "only with the signature of a person") { try await desk.controller.record(provenance: made.model.signed(by: SigningKey())) }
        try await desk.refused(.forbidden, "authority", "only with the signature of a person") {
            try await desk.controller.record(provenance: made.model.signed(by: desk.installation.validator))
        }
        #expect(try await desk.size == size)
    }
}
