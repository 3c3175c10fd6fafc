// A stage sees what it declares, writes where it may, and is gone when it is over.
import Foundation
import LocalProcesses
import Ports
import Testing

@Suite struct StageProcessTests {
    /// A project with a declared folder, an undeclared file, a place for outputs, and a log.
    private struct Folder {
        let path: String
        var code: String { path + "/stages" }
        var secret: String { path + "/secret.csv" }
        var out: String { path + "/out" }
        var log: String { path + "/stage.log" }
        var said: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

        init() throws {
            path = FileManager.default.temporaryDirectory.appending(path: "stage-\(UUID().uuidString)").path
            for folder in [path, path + "/stages", path + "/out"] { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
            try Data("1,2,3".utf8).write(to: URL(filePath: path + "/stages/given.csv"))
            try Data("secret".utf8).write(to: URL(filePath: path + "/secret.csv"))
        }
    }

    private func withFolder(_ body: (Folder) async throws -> Void) async throws {
        let folder = try Folder()
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        try await body(folder)
    }

    private func request(_ script: String, in folder: Folder, timeout: Duration = .seconds(20), logBytes: Int = 1 << 20, fileBytes: Int = 1 << 20) -> StageProcessRequest {
        StageProcessRequest(
            arguments: ["/bin/bash", "-c", script], workingDirectory: folder.path, readOnly: [Mount(folder.code, as: folder.code)], writable: [Mount(folder.out, as: "/out")],
            environment: ["PENSTOCK_OUTPUT_X": "/out/x"], timeout: timeout, log: folder.log, logBytes: logBytes, fileBytes: fileBytes)
    }

    @Test func promise4_aStageSeesOnlyWhatItDeclares() async throws {
        try await withFolder { folder in
            let runner = await StageProcess()
            #expect(runner.layers.first == "bubblewrap")
            let declared = try await runner.run(request("cat stages/given.csv > $PENSTOCK_OUTPUT_X", in: folder))
            #expect(declared.exit == .exited(0), "\(folder.said)")
            #expect(try String(contentsOfFile: folder.out + "/x", encoding: .utf8) == "1,2,3")
            for script in [
                "cat secret.csv", "cat \(folder.secret)", "cat /etc/passwd", "ls /root", "ls /home", "cat /proc/1/root\(folder.secret)", "echo x > stages/given.csv",
                "rm stages/given.csv", "echo x > /usr/x", "exec 3<>/dev/tcp/127.0.0.1/80",
            ] {
                let result = try await runner.run(request(script, in: folder))
                #expect(result.exit != .exited(0), "\(script)")
            }
            #expect(!folder.said.contains("secret\n") && FileManager.default.fileExists(atPath: folder.secret))
        }
    }

    @Test func promise4_theEnvironmentIsWhatWasDeclared() async throws {
        try await withFolder { folder in
            for isolated in [true, false] {
                _ = try await (await StageProcess(isolated: isolated)).run(request("/usr/bin/env", in: folder))
            }
            let names = Set(folder.said.split(separator: "\n").map { String($0.prefix { $0 != "=" }) })
            #expect(names.isSubset(of: ["PENSTOCK_OUTPUT_X", "PWD", "SHLVL", "_"]), "\(names)")
        }
    }

    @Test(arguments: [true, false]) func theDeadlineEndsEverythingItStarted(isolated: Bool) async throws {
        try await withFolder { folder in
            let mark = "8\(Int.random(in: 100_000..<999_999))"
            let result = try await (await StageProcess(isolated: isolated)).run(
                request("trap '' TERM; sleep \(mark) & (sleep \(mark) & sleep \(mark)) & wait", in: folder, timeout: .milliseconds(500)))
            #expect(result.exit == .timedOut)
            #expect(try await gone(mark))
        }
    }

    @Test func rubbishEndsTheStage() async throws {
        try await withFolder { folder in
            let runner = await StageProcess()
            let result = try await runner.run(request("while :; do echo 0123456789; done", in: folder, logBytes: 100_000))
            #expect(result.exit == .saidTooMuch)
            let large = try await runner.run(request("head -c 2000000 /dev/zero > $PENSTOCK_OUTPUT_X", in: folder))
            #expect(large.exit != .exited(0))
        }
    }

    @Test func exitsAndSignalsAreToldApart() async throws {
        try await withFolder { folder in
            for isolated in [true, false] {
                let runner = await StageProcess(isolated: isolated)
                let ended = try await runner.run(request("exit 7", in: folder)), crashed = try await runner.run(request("kill -SEGV $$", in: folder))
                #expect(ended.exit == .exited(7) && crashed.exit == .signalled(11))
            }
        }
    }

    @Test func cancellingEndsTheStage() async throws {
        try await withFolder { folder in
            let mark = "7\(Int.random(in: 100_000..<999_999))"
            let runner = await StageProcess()
            let asked = request("sleep \(mark)", in: folder)
            let task = Task { try await runner.run(asked) }
            for _ in 0..<500 where running(mark) == 0 { try await Task.sleep(for: .milliseconds(10)) }
            task.cancel()
            let error = await #expect(throws: StageRunnerError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await gone(mark))
        }
    }

    /// How many processes have this word among their arguments.
    private func running(_ mark: String) -> Int {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.count { process in
            guard let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return false }
            return line.split(separator: 0).contains { String(decoding: $0, as: UTF8.self) == mark }
        }
    }

    private func gone(_ mark: String) async throws -> Bool {
        for _ in 0..<200 {
            if running(mark) == 0 { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
