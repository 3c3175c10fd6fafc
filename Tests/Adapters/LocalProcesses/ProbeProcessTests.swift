// Children that try to get out, to stay alive, or to say too much.
import Foundation
import LocalProcesses
import Ports
import Testing

@Suite struct ProbeProcessTests {
    private static let python = "/usr/bin/python3"

    private func probe(_ executable: String = "/bin/bash", isolation: ProbeProcess.Isolation = .best) async -> ProbeProcess {
        await ProbeProcess(executable: executable, libraryDirectories: [], isolation: isolation)
    }

    private func request(
        _ arguments: String..., files: [String] = [], input: String = "", timeout: Duration = .seconds(20), outputLimit: Int = 1 << 16
    ) -> ProbeRequest {
        ProbeRequest(arguments: arguments, readOnlyFiles: files, input: Array(input.utf8), timeout: timeout, outputLimit: outputLimit)
    }

    private func text(_ result: ProbeResult) -> String { String(decoding: result.output, as: UTF8.self) }

    /// A file of the user's that no child was given.
    private func withCanary(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "canary-\(UUID().uuidString)").path
        try Data("canary".utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test(arguments: [ProbeProcess.Isolation.best, .none])
    func inputOutputAndStatusPassThrough(_ isolation: ProbeProcess.Isolation) async throws {
        let input = String(repeating: "0123456789", count: 30_000)
        let result = try await probe(isolation: isolation).run(request("-c", "cat; exit 7", input: input, outputLimit: 1 << 20))
        #expect(text(result) == input)
        #expect(result.status == .exited(7))
        #expect(result.sandbox.first == (isolation == .none ? "none" : "bubblewrap"))
    }

    @Test func aChildThatReadsNoInputEnds() async throws {
        let result = try await probe().run(request("-c", "exit 0", input: String(repeating: "x", count: 1 << 20)))
        #expect(result.status == .exited(0))
    }

    @Test func onlyNamedFilesAreThere() async throws {
        try await withCanary { canary in
            let probe = await probe()
            for path in ["/etc/passwd", "/root", "/home", canary, #filePath, "/proc/1/root/etc/passwd"] {
                let result = try await probe.run(request("-c", "cat \(path) || ls \(path)"))
                #expect(result.status != .exited(0) && result.output.isEmpty, "\(path)")
            }
            let named = try await probe.run(request("-c", "cat \(canary)", files: [canary]))
            #expect(text(named) == "canary")
            let written = try await probe.run(request("-c", "echo x > \(canary) || rm \(canary)", files: [canary]))
            #expect(written.status != .exited(0))
            #expect(try String(contentsOfFile: canary, encoding: .utf8) == "canary")
        }
    }

    @Test func theEnvironmentIsEmpty() async throws {
        for isolation in [ProbeProcess.Isolation.best, .none] {
            let result = try await probe("/usr/bin/env", isolation: isolation).run(request())
            let names = Set(text(result).split(separator: "\n").map { $0.prefix { $0 != "=" } })
            #expect(names.isSubset(of: ["PENSTOCK_LIBRARIES", "PWD"]))
        }
    }

    @Test func theNetworkIsNotThere() async throws {
        let listener = try Listener()
        let script = "import socket; socket.create_connection(('127.0.0.1', \(listener.port)), 3)"
        let outside = try await probe(Self.python, isolation: .none).run(request("-c", script))
        #expect(outside.status == .exited(0), "the listener is reachable without a sandbox")
        let inside = try await probe(Self.python).run(request("-c", script))
        #expect(inside.status == .exited(1))
    }

    @Test(arguments: [ProbeProcess.Isolation.best, .none])
    func theDeadlineEndsTheWholeGroup(_ isolation: ProbeProcess.Isolation) async throws {
        let mark = "9\(Int.random(in: 100_000..<999_999))"
        let probe = await probe(isolation: isolation)
        do {
            _ = try await probe.run(request("-c", "trap '' TERM; sleep \(mark) & (sleep \(mark) & sleep \(mark)) & wait", timeout: .milliseconds(700)))
            Issue.record("The child ended by itself.")
        } catch { #expect(error.code == .timedOut) }
        #expect(try await gone(mark))
    }

    @Test func cancellingEndsTheChild() async throws {
        let mark = "9\(Int.random(in: 100_000..<999_999))"
        let probe = await probe()
        let asked = request("-c", "sleep \(mark)")
        let task = Task { try await probe.run(asked) }
        for _ in 0..<500 where running(mark) == 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(running(mark) > 0)
        task.cancel()
        let error = await #expect(throws: ProbeError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await gone(mark))
    }

    @Test(arguments: [ProbeProcess.Isolation.best, .none])
    func tooMuchOutputIsAnError(_ isolation: ProbeProcess.Isolation) async throws {
        let probe = await probe(isolation: isolation)
        do {
            _ = try await probe.run(request("-c", "while :; do echo 0123456789; done", outputLimit: 5000))
            Issue.record("There was no limit.")
        } catch { #expect(error.code == .outputTooLarge) }
        let exact = try await probe.run(request("-c", "printf 12345", outputLimit: 5))
        #expect(text(exact) == "12345")
    }

    @Test func aCrashIsAResult() async throws {
        for isolation in [ProbeProcess.Isolation.best, .none] {
            let result = try await probe(isolation: isolation).run(request("-c", "kill -SEGV $$"))
            #expect(result.status == (isolation == .none ? .signalled(11) : .exited(128 + 11)))
        }
    }

    @Test func memoryIsLimited() async throws {
        let small = await ProbeProcess(executable: Self.python, libraryDirectories: [], memoryBytes: 1 << 28)
        #expect(try await small.run(request("-c", "x = bytearray(1 << 29)")).status == .exited(1))
        #expect(try await small.run(request("-c", "x = bytearray(1 << 20)")).status == .exited(0))
    }

    @Test func librariesAreThereThroughTheirLinks() async throws {
        let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "../../../.deps/lib").standardized.path
        let probe = await ProbeProcess(executable: Self.python, libraryDirectories: [folder])
        let script = "import ctypes, os; ctypes.CDLL(os.environ['PENSTOCK_LIBRARIES'] + '/lib_lightgbm.so')"
        #expect(try await probe.run(request("-c", script)).status == .exited(0))
    }

    @Test func whatCannotStartSaysSo() async throws {
        let probe = await probe()
        let error = await #expect(throws: ProbeError.self) { try await probe.run(request("-c", "true", files: ["/no/such/file"])) }
        #expect(error?.code == .unavailable)
        // The program is started inside the sandbox, so its absence is the child's failure.
        let missing = try? await self.probe("/no/such/program").run(request())
        #expect(missing?.status != .exited(0))
    }

    /// How many processes have this word among their arguments.
    private func running(_ mark: String) -> Int {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.count { process in
            guard let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return false }
            return line.split(separator: 0).contains { String(decoding: $0, as: UTF8.self) == mark }
        }
    }

    /// A killed process may be seen for a moment.
    private func gone(_ mark: String) async throws -> Bool {
        for _ in 0..<200 {
            if running(mark) == 0 { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}

/// A socket on the loopback interface that accepts.
private final class Listener {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 4) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(done)
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
