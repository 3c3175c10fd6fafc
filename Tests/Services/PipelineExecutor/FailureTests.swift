// Stages that fail, hang, write rubbish or nothing: one clear sentence, nothing half-written, and the next run goes on.
import Foundation
import PipelineExecutor
import Pipelines
import Ports
import Primitives
import TestKit
import Testing

@Suite struct FailureTests {
    struct Failing: Sendable, CustomTestStringConvertible {
        var script: String
        var says: String
        var testDescription: String { script }
    }

    static let scripts = [
        Failing(script: "echo 'no such column: late' >&2; exit 3", says: "the program ended with code 3; it last said: no such column: late"),
        Failing(script: "cat data/raw.txt; exit 1", says: "No such file or directory; a stage sees only what penstock.yaml declares, so name what it needs in its 'sources'"),
        // Rubbish without an end.
        Failing(script: "head -c 40000000 /dev/urandom; sleep 99", says: "it said more than 16 MiB"),
        Failing(script: "kill -SEGV $$", says: "the program was ended by signal 11"),
        Failing(script: "true", says: "the program did not write the output 'short' to $PENSTOCK_OUTPUT_SHORT"),
        Failing(script: "mkdir \"$PENSTOCK_OUTPUT_SHORT\"", says: "the output 'short' breaks its contract: it is no file"),
        Failing(script: "ln -s /etc/hostname \"$PENSTOCK_OUTPUT_SHORT\"", says: "the output 'short' breaks its contract: it is no file"),
        Failing(script: "head -c 100000 /dev/urandom > \"$PENSTOCK_OUTPUT_SHORT\"", says: "the output 'short' breaks its contract: line "),
        Failing(script: ": > \"$PENSTOCK_OUTPUT_SHORT\"", says: "line 1: the file is empty; it needs a header of column names"),
        Failing(script: "printf 'word,count\\na,1\\n\"b,2\\n' > \"$PENSTOCK_OUTPUT_SHORT\"", says: "line 3: a quoted field does not end"),
        Failing(script: "printf 'word,count\\na\"b,1\\n' > \"$PENSTOCK_OUTPUT_SHORT\"", says: "line 2: a quote stands inside a field that does not begin with one"),
        Failing(script: "printf 'word,count\\na,1\\nb,10\\n' > \"$PENSTOCK_OUTPUT_SHORT\"", says: "line 3: 'count' is '10', and the contract wants 0 to 9"),
    ]

    @Test(arguments: scripts) func aFailureIsOneSentenceAndTheNextRunGoesOn(_ failing: Failing) async throws {
        let bench = try await Workbench(Chain.with(["code/two/second.sh": failing.script + "\n"]))
        let report = try await bench.run()
        #expect(report.phase == .failed && report.lines == ["first ran", "second failed", "third skipped"])
        #expect(report.why("second").contains(failing.says), "\(report.why("second"))")
        #expect(report.why("third") == "'second', on which it depends, failed")
        #expect(bench.leftovers == [] && bench.incoming == [])
        try bench.write(try #require(Chain.files["code/two/second.sh"]), to: "code/two/second.sh")
        #expect(try await bench.run().lines == ["first reused", "second ran", "third ran"])
    }

    @Test func aStageThatHangsIsEndedAtItsDeadline() async throws {
        let mark = "7\(Int.random(in: 100_000..<999_999))"
        let bench = try await Workbench(
            Chain.with(["code/three/third.sh": "sleep \(mark) & sleep \(mark)\n", "penstock.yaml": Chain.pipeline + "\n    timeout: 1s\n"]))
        let report = try await bench.run()
        #expect(report.lines.last == "third failed" && report.why("third") == "it did not end within 1s")
        #expect(!Self.isRunning(mark))
    }

    @Test func retriesAreCountedAndRecorded() async throws {
        let bench = try await Workbench(Chain.with(["code/three/third.sh": "exit 1\n", "penstock.yaml": Chain.pipeline + "\n    retries: 2\n"]))
        let report = try await bench.run()
        #expect(report.lines.last == "third failed")
        let run = try #require(try PipelineRun.fold(report.run, try await bench.catalog.events(of: report.run)))
        let third: StageName = try name("third")
        #expect(run.phase == .failed && run.stage(third)?.failures.count == 3)
        // A broken contract does not get better by being tried again.
        let broken = try await Workbench(
            Chain.with([
                "code/two/second.sh": "echo x > \"$PENSTOCK_OUTPUT_SHORT\"\n",
                "penstock.yaml": Chain.pipeline.replacing("    inputs: { rows: first.rows }", with: "    inputs: { rows: first.rows }\n    retries: 5"),
            ]))
        let failed = try await broken.run()
        let once = try #require(try PipelineRun.fold(failed.run, try await broken.catalog.events(of: failed.run)))
        #expect(once.stage(try name("second"))?.failures.count == 1)
    }

    @Test func whatDoesNotDependOnAFailureGoesOn() async throws {
        let bench = try await Workbench(
            Chain.with([
                "code/two/second.sh": "exit 1\n", "code/four/a.sh": "cp \"$PENSTOCK_INPUT_ROWS\" \"$PENSTOCK_OUTPUT_COPY\"\n",
                "penstock.yaml": Chain.pipeline + "\n  fourth:\n    run: bash code/four/a.sh\n    inputs: { rows: first.rows }\n    outputs: { copy: {} }\n",
            ]))
        let report = try await bench.run()
        #expect(report.phase == .failed && Set(report.lines) == ["first ran", "second failed", "third skipped", "fourth ran"])
    }

    @Test func aSourceThatChangesMeanwhileIsNoticed() async throws {
        // Unboxed, a stage can reach the file that it reads.
        let bench = try await Workbench(
            Chain.with(["code/one/first.sh": try #require(Chain.files["code/one/first.sh"]) + "echo 6 > \"$PENSTOCK_SOURCE_RAW\"\n"]), isolated: false)
        let report = try await bench.run()
        #expect(report.lines.first == "first failed" && report.why("first").contains("the source 'raw' changed while the stage ran"))
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var file: String
        var text: String?
        var says: String
        var testDescription: String { says }
    }

    static let refusals = [
        Refused(file: "code/one/first.sh", text: nil, says: "penstock.yaml:4: there is no code/one in the project"),
        Refused(file: "data/raw.txt", text: nil, says: "penstock.yaml:7: there is no data/raw.txt in the project"),
        Refused(file: "contracts/words.yaml", text: nil, says: "penstock.yaml:8: the contract contracts/words.yaml was not found"),
        Refused(file: "contracts/words.yaml", text: "kind: DataContract\nschema: [\n", says: "contracts/words.yaml:3: "),
        Refused(file: "penstock.yaml", text: Chain.pipeline.replacing("bash code/two", with: "python code/two"), says: "there is no Python for this project"),
        Refused(file: "penstock.yaml", text: Chain.pipeline.replacing("bash code/two", with: "cobolrun code/two"), says: "the program 'cobolrun' is not in /usr/bin"),
        Refused(file: "penstock.yaml", text: Chain.pipeline.replacing("two/second.sh", with: "two/secnd.sh"), says: "there is no code/two/secnd.sh in the project"),
        Refused(file: "penstock.yaml", text: Chain.pipeline.replacing("first.rows", with: "third.total"), says: "these stages wait for one another: second → third → second"),
        Refused(file: "penstock.yaml", text: Chain.pipeline.replacing("run: bash code/two/second.sh", with: "sql: code/two/second.sql"), says: "it needs the boxed table worker"),
    ]

    @Test(arguments: refusals) func whatCanBeKnownBeforehandIsRefusedBeforehand(_ refused: Refused) async throws {
        let bench = try await Workbench(Chain.files)
        if let text = refused.text { try bench.write(text, to: refused.file) } else { try FileManager.default.removeItem(atPath: bench.path + "/" + refused.file) }
        if refused.file == "code/one/first.sh" { try FileManager.default.removeItem(atPath: bench.path + "/code/one") }
        let error = await #expect(throws: (any Error).self) { try await bench.prepare() }
        #expect("\(error.map { "\($0)" } ?? "")".contains(refused.says), "\(error.map { "\($0)" } ?? "")")
    }

    @Test func aLinkInACodeFolderIsRefused() async throws {
        let bench = try await Workbench(Chain.files)
        try FileManager.default.createSymbolicLink(atPath: bench.path + "/code/one/link.sh", withDestinationPath: "/etc/hostname")
        let error = await #expect(throws: (any Error).self) { try await bench.prepare() }
        #expect("\(error.map { "\($0)" } ?? "")".contains("'link.sh' is a symbolic link"))
    }

    /// Whether a process with this word in its arguments runs.
    static func isRunning(_ mark: String) -> Bool {
        let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { Int($0) != nil }
        return numbers.contains { (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8))?.contains("sleep\0\(mark)") == true }
    }
}
