// Promise 4: a stage sees what it declares, whatever stands beside it in the project.
import Foundation
import PipelineExecutor
import Ports
import TestKit
import Testing

@Suite struct SandboxTests {
    /// In `second`, which declares `first.rows` and its own folder and contract.
    static let attempts = [
        "cat data/raw.txt", "cat \"$PENSTOCK_SOURCE_RAW\"", "cat /sources/raw", "cat code/one/first.sh", "cat /project/code/one/first.sh", "cat penstock.yaml",
        "cat BENCH/data/raw.txt", "ls BENCH", "cat BENCH/.penstock/runs.sqlite", "ls /home", "ls /root", "cat /etc/passwd", "echo x > code/two/second.sh",
        "echo x > \"$PENSTOCK_INPUT_ROWS\"",
        "echo x > contracts/words.yaml", "exec 3<>/dev/tcp/127.0.0.1/1", "test -n \"$PENSTOCK_PARAM_GREETING\"", "test -n \"$PENSTOCK_HOME\"", "test -n \"$HOME_OF_TEST\"",
    ]

    @Test(arguments: attempts) func promise4_whatIsNotDeclaredIsNotThere(_ attempt: String) async throws {
        let bench = try await Workbench(Chain.files)
        try bench.write(attempt.replacing("BENCH", with: bench.path) + " || exit 42\nexit 0\n", to: "code/two/second.sh")
        let report = try await bench.run()
        #expect(report.lines == ["first ran", "second failed", "third skipped"] && report.phase == .failed)
        #expect(report.why("second").hasPrefix("the program ended with code 42"), "\(attempt): \(report.why("second"))")
    }

    @Test func promise4_whatIsDeclaredIsThere() async throws {
        let bench = try await Workbench(Chain.files)
        try bench.write(
            "cat code/two/second.sh contracts/words.yaml \"$PENSTOCK_INPUT_ROWS\" > /tmp/all && test \"$PENSTOCK_PARAMETERS\" = '{\"limit\":1}' && cp \"$PENSTOCK_INPUT_ROWS\" \"$PENSTOCK_OUTPUT_SHORT\"\n",
            to: "code/two/second.sh")
        let report = try await bench.run()
        #expect(report.phase == .succeeded)
        #expect(try await bench.sandbox(report, "second").first == "bubblewrap")
    }

    /// Where namespaces are missing the pipeline still runs, and only what it was promised is different.
    @Test func withoutASandboxThePathsAreTheMachines() async throws {
        let bench = try await Workbench(Chain.files, isolated: false)
        let report = try await bench.run()
        let total = try await bench.text(report, "third", "total")
        #expect(report.phase == .succeeded && total == "2\n")
        #expect(try await bench.sandbox(report, "third").first == "none")
    }
}
