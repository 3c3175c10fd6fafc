// Runs that are cut short anywhere: nothing that was finished is lost or made twice, and no run stays open.
import Foundation
import PipelineExecutor
import Pipelines
import Ports
import Primitives
import TestKit
import Testing

@Suite struct InterruptionTests {
    /// Three stages make ten events: planned, started, two for each stage, succeeded.
    @Test(arguments: 0..<9, [true, false]) func promise3_aRunCutAtAnyWriteIsGoneOnWith(_ writes: Int, writesFirst: Bool) async throws {
        let bench = try await Workbench(Chain.files)
        let failing = FailingCatalog(bench.catalog, after: writes, writesFirst: writesFirst)
        await #expect(throws: RunCatalogError.self) { try await bench.executor(failing).run(try await bench.prepare()) }
        let published = try await self.published(bench)
        let report = try await bench.run()
        #expect(report.phase == .succeeded)
        for line in report.stages { #expect((line.outcome == .reused) == published.contains(line.stage.text), "\(line.stage)") }
        let open = try await bench.catalog.openRuns()
        #expect(open.isEmpty && bench.leftovers == [])
        for id in try await bench.catalog.runs(of: try name("chain"), limit: 9) {
            let run = try #require(try PipelineRun.fold(id, try await bench.catalog.events(of: id)))
            #expect(run.phase.isTerminal && (id == report.run || run.phase == .cancelled || run.phase == .succeeded))
        }
    }

    private func published(_ bench: Workbench) async throws -> Set<String> {
        var found: Set<String> = []
        for stage in ["first", "second", "third"] where try await bench.catalog.newestExecution(of: try name(stage), in: try name("chain")) != nil { found.insert(stage) }
        return found
    }

    @Test func cancellingEndsTheStageAndIsRecorded() async throws {
        let mark = "6\(Int.random(in: 100_000..<999_999))"
        let bench = try await Workbench(Chain.with(["code/two/second.sh": "sleep \(mark) & sleep \(mark)\n"]))
        let pipeline = try await bench.prepare()
        let work = Task { try await bench.executor().run(pipeline) }
        while !FailureTests.isRunning(mark) { try await Task.sleep(for: .milliseconds(20)) }
        work.cancel()
        let report = try await work.value
        #expect(report.phase == .cancelled && report.lines == ["first ran", "second cancelled", "third cancelled"])
        #expect(!FailureTests.isRunning(mark) && bench.leftovers == [])
        let run = try #require(try PipelineRun.fold(report.run, try await bench.catalog.events(of: report.run)))
        let second: StageName = try name("second")
        #expect(run.phase == .cancelled && run.stage(second)?.state == .cancelled)
        try bench.write(try #require(Chain.files["code/two/second.sh"]), to: "code/two/second.sh")
        #expect(try await bench.run().lines == ["first reused", "second ran", "third ran"])
    }

    @Test func aFullDiskLeavesNothingHalfAndTheNextRunGoesOn() async throws {
        let bench = try await Workbench(Chain.files)
        let pipeline = try await bench.prepare()
        let error = await #expect(throws: ArtifactError.self) { try await bench.executor(artifacts: FullStore(bench.artifacts, after: 1)).run(pipeline) }
        #expect(error?.message == "the disk is full" && bench.leftovers == [] && bench.incoming == [])
        #expect(try await bench.catalog.openRuns().count == 1)
        #expect(try await bench.run().lines == ["first reused", "second ran", "third ran"])
        #expect(try await bench.catalog.openRuns().isEmpty)
    }

    @Test func whatAnotherProcessLeftInTheWorkFolderGoes() async throws {
        let bench = try await Workbench(Chain.files)
        try bench.write("half", to: ".penstock/work/old/outputs/rows")
        try await bench.run()
        #expect(bench.leftovers == [])
    }
}
