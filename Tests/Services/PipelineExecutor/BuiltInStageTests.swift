// Evaluate and register: what they measure, write and send, and how they say that they cannot.
import Evidence
import Foundation
import PipelineExecutor
import Pipelines
import Ports
import Primitives
import Synchronization
import TestKit
import Testing

@Suite struct BuiltInStageTests {
    private static let contract = """
        apiVersion: v3.1.0
        kind: DataContract
        id: rows
        version: 1.0.0
        schema:
          - name: rows
            properties:
              - { name: x, logicalType: number, required: true, customProperties: [{ property: penstock.role, value: feature }] }
              - { name: place, logicalType: string, required: true }
              - { name: late, logicalType: boolean, required: true, customProperties: [{ property: penstock.role, value: label }] }
        """

    private static let files = [
        "contracts/rows.yaml": contract, "data/rows.csv": "x,place,late\n1,a,true\n2,b,false\n",
        "code/a/ingest.sh": "cp \"$PENSTOCK_SOURCE_ROWS\" \"$PENSTOCK_OUTPUT_ROWS\"\n", "code/b/train.sh": "printf %s \"$PENSTOCK_PARAM_MODEL\" > \"$PENSTOCK_OUTPUT_MODEL\"\n",
        "penstock.yaml": """
        pipeline: small
        stages:
          ingest:
            run: bash code/a/ingest.sh
            sources: { rows: { files: data/rows.csv } }
            outputs: { rows: contracts/rows.yaml }
          train:
            run: bash code/b/train.sh
            parameters: { model: good }
            inputs: { rows: ingest.rows }
            outputs: { model: { format: lightgbm, signature: contracts/rows.yaml } }
          evaluate:
            evaluate: { model: train.model, data: ingest.rows, label: late, task: binary, slices: [place] }
          register:
            register: { model: train.model, name: delay, evidence: evaluate }
        """,
    ]

    private func bench() async throws -> Workbench {
        let bench = try await Workbench(Self.files)
        bench.probe.change { $0.metrics = [Digest.of("good"): ["auc": 0.8], Digest.of("other"): ["auc": 0.7]] }
        return bench
    }

    @Test func promise2_aVersionAndItsProvenanceAreAllThatGoesOver() async throws {
        let bench = try await bench()
        let report = try await bench.run()
        #expect(report.phase == .succeeded && report.lines == ["ingest ran", "train ran", "evaluate ran", "register ran"])
        let orders = bench.registrar.orders.withLock { $0 }
        let order = try #require(orders.first)
        let rows = Digest.of(try #require(Self.files["data/rows.csv"]))
        #expect(orders.count == 1 && order.name.text == "delay" && order.model == Digest.of("good") && order.dataset == rows)
        #expect(order.provenance.map { $0.subject[0].name } == ["ingest.rows", "train.model", "evaluate.evaluation"])
        let training = order.provenance[1].predicate.buildDefinition
        #expect(training.externalParameters.command == "bash code/b/train.sh" && training.resolvedDependencies.contains { $0.uri == "urn:penstock:output:ingest.rows" })
        #expect(order.provenance[0].predicate.buildDefinition.resolvedDependencies.contains { $0.uri == "urn:penstock:project:data/rows.csv" })
        #expect(try await bench.text(report, "register", "version").contains("\"version\":\"delay@1\""))
        #expect(try await bench.text(report, "evaluate", "evaluation").contains("\"metrics\":{\"auc\":0.8}"))
    }

    @Test func promise3_theSameModelIsNotRegisteredTwice() async throws {
        let bench = try await bench()
        try await bench.run()
        let again = try await bench.run()
        #expect(again.lines == ["ingest reused", "train reused", "evaluate reused", "register reused"] && bench.registrar.orders.withLock { $0.count } == 1)
        let forced = try await bench.run(forced: ["train"])
        #expect(forced.lines == ["ingest reused", "train ran", "evaluate reused", "register reused"])
        let other = try await bench.run("train.model=other")
        #expect(other.lines == ["ingest reused", "train ran", "evaluate ran", "register ran"] && bench.registrar.orders.withLock { $0.count } == 2)
    }

    @Test func withoutARegistryEverythingBeforeItIsKept() async throws {
        let bench = try await bench()
        bench.registrar.outage.withLock { $0 = "there is no control plane; start one" }
        let failed = try await bench.run()
        #expect(failed.phase == .failed && failed.lines.last == "register failed" && failed.why("register") == "there is no control plane; start one")
        bench.registrar.outage.withLock { $0 = nil }
        #expect(try await bench.run().lines == ["ingest reused", "train reused", "evaluate reused", "register ran"])
    }

    @Test func aModelThatCannotBeLoadedIsNone() async throws {
        let bench = try await bench()
        bench.probe.change { $0.outage = "it is not a LightGBM model" }
        let report = try await bench.run()
        #expect(report.why("train") == "the output 'model' breaks its contract: it is not a LightGBM model")
        #expect(report.lines == ["ingest ran", "train failed", "evaluate skipped", "register skipped"])
    }

    @Test func aModelThatCannotBeMeasuredIsNotRegistered() async throws {
        let bench = try await bench()
        let report = try await bench.run("train.model=unknown")
        #expect(report.lines == ["ingest ran", "train ran", "evaluate failed", "register skipped"] && report.why("evaluate") == "the child ended by signal 11")
    }
}
