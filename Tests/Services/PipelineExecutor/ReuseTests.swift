// Promise 3: the same inputs give the same version, and every difference is explained.
import Foundation
import PipelineExecutor
import Pipelines
import Ports
import Primitives
import TestKit
import Testing

@Suite struct ReuseTests {
    @Test func promise3_aSecondRunReusesEverything() async throws {
        let bench = try await Workbench(Chain.files)
        let first = try await bench.run()
        #expect(first.phase == .succeeded && first.lines == ["first ran", "second ran", "third ran"])
        let rows: SlotName = try name("rows")
        #expect(first.why("first") == "it has never run" && first.stages[0].rows == [rows: 2] && first.stages[2].rows == [:])
        #expect(try await bench.text(first, "first", "rows") == "word,count\nhello,3\nb,4\n")
        let second = try await bench.run()
        #expect(second.phase == .succeeded && second.lines == ["first reused", "second reused", "third reused"])
        #expect(second.why("third") == "nothing that it depends on changed")
        #expect(second.stages.map(\.outputs) == first.stages.map(\.outputs) && second.run != first.run)
        #expect(bench.leftovers == [] && bench.incoming == [])
    }

    @Test func promise3_aDifferenceIsNamedAndOnlyWhatDependsOnItRuns() async throws {
        let bench = try await Workbench(Chain.files)
        try await bench.run()
        let limited = try await bench.run("second.limit=2")
        #expect(limited.lines == ["first reused", "second ran", "third ran"])
        #expect(limited.why("second") == "parameter 'limit' changed from 1 to 2" && limited.why("third") == "input 'short' changed: second.short has other content")
        // Back to what is known: nothing runs, though it is not the newest.
        #expect(try await bench.run().lines == ["first reused", "second reused", "third reused"])
        try bench.write("5\n", to: "data/raw.txt")
        let source = try await bench.run()
        #expect(source.lines == ["first ran", "second ran", "third ran"] || source.lines == ["first ran", "second ran", "third reused"])
        #expect(source.why("first") == "source 'raw' changed")
    }

    @Test func promise3_whatComesOutTheSameStopsThere() async throws {
        let bench = try await Workbench(Chain.files)
        try await bench.run()
        try bench.write(try #require(Chain.files["code/two/second.sh"]) + "# a comment\n", to: "code/two/second.sh")
        try bench.write("x", to: "code/two/new.txt")
        let run = try await bench.run()
        #expect(run.lines == ["first reused", "second ran", "third reused"])
        #expect(run.why("second") == "code changed: code/two/new.txt (added), code/two/second.sh")
        #expect(run.why("third") == "what it reads was made again and came out the same: second.short")
    }

    @Test func whatPythonCachesIsNoCode() async throws {
        let bench = try await Workbench(Chain.files)
        try await bench.run()
        try bench.write("bytes", to: "code/one/__pycache__/x.pyc")
        #expect(try await bench.run().lines == ["first reused", "second reused", "third reused"])
    }

    @Test func contractsAndForceAreReasons() async throws {
        let bench = try await Workbench(Chain.files)
        try await bench.run()
        try bench.write(Chain.contract + "\n# looked at again\n", to: "contracts/words.yaml")
        let run = try await bench.run()
        #expect(run.why("first") == "the contract of the output 'rows' changed" && run.why("second") == "the contract of the output 'short' changed")
        let forced = try await bench.run(forced: ["second"])
        #expect(forced.lines == ["first reused", "second ran", "third reused"] && forced.why("second") == "it was asked to run")
    }

    @Test func determinismNoneRunsAlways() async throws {
        let bench = try await Workbench(Chain.with(["penstock.yaml": Chain.pipeline + "\n    determinism: none\n"]))
        try await bench.run()
        let run = try await bench.run()
        #expect(run.lines == ["first reused", "second reused", "third ran"] && run.why("third") == "its determinism is none, so no result is reused")
    }

    @Test(arguments: [true, false]) func anOutputThatIsGoneOrDamagedIsMadeAgain(isGone: Bool) async throws {
        let bench = try await Workbench(Chain.files)
        let first = try await bench.run()
        guard case .file(let digest) = first.stages[1].outputs[try name("short")] else { throw FixtureError(description: "no output") }
        let file = try await bench.artifacts.verifiedFile(digest)
        if isGone { try FileManager.default.removeItem(atPath: file) } else { try Data("word,count\nhello,9\n".utf8).write(to: URL(filePath: file)) }
        let run = try await bench.run()
        #expect(run.lines == ["first reused", "second ran", "third reused"] && run.why("second") == "the output 'short' is no longer stored")
        #expect(try await bench.artifacts.verifiedFile(digest) == file)
    }

    @Test func explainingRunsNothing() async throws {
        let bench = try await Workbench(Chain.files)
        let plan = try await bench.executor().explain(try await bench.prepare())
        #expect(plan.steps.map(\.decision) == [.run([.neverRun]), .waiting(on: [try name("first")]), .waiting(on: [try name("second")])])
        try await bench.run()
        let changed = try await bench.executor().explain(try await bench.prepare(["greeting=bye"]))
        #expect(changed.steps[0].decision == .run([.parameterChanged(try name("greeting"), old: .text("hello"), new: .text("bye"))]))
        let pipeline: PipelineName = try name("chain")
        #expect(try await bench.catalog.runs(of: pipeline, limit: 9).count == 1)
    }

    @Test func targetsRunWithWhatTheyNeed() async throws {
        let bench = try await Workbench(Chain.files)
        let report = try await bench.executor().run(try await bench.prepare(targets: ["second"]))
        #expect(report.lines == ["first ran", "second ran"] && report.phase == .succeeded)
    }
}
