// Starting and stopping an installation on one machine.
import ArgumentParser
@preconcurrency import Dispatch
import Foundation
import Primitives

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Starts the control plane and its serving nodes, each as a process of its own.",
        discussion: """
            What runs already is left alone, so 'up' again brings back only what is missing. Without --detach it stays in the \
            foreground and stops both on Ctrl-C.

              penstock up --detach
              penstock up --control 127.0.0.1:9440 --node 127.0.0.1:9441
            """)
    @OptionGroup var home: HomeOptions
    @Option(help: "Where the control plane listens.") var control = "127.0.0.1:8440"
    @Option(name: .customLong("node"), help: "Where node-1 listens.") var node = "127.0.0.1:8441"
    @Flag(help: "Return as soon as both answer; stop them with 'penstock down'.") var detach = false

    func run() async throws {
        let home = home.resolved
        let root = try home.trustRoot()
        guard let name = root.nodes.keys.sorted().first else { throw Failure.badInput("the trust root lists no node") }
        var started: [Running] = []
        do {
            if let process = try await start("control", at: control, home, ["control-plane", "--home", home.path, "--listen", control], ready: "/health") {
                started.append(process)
            }
            let controlURL = Running.read("control", home)?.url ?? "http://\(control)"
            let arguments = ["serve", "--trust", home.trust, "--node", name.text, "--node-home", home.node(name), "--control", controlURL, "--listen", node]
            if let process = try await start(name.text, at: node, home, arguments, ready: "/health/live") { started.append(process) }
        } catch {
            for process in started { kill(process.process, SIGTERM) }
            throw error
        }
        if detach { return }
        print("Stop with Ctrl-C.")
        await Signals.wait([SIGINT, SIGTERM])
        for process in started { kill(process.process, SIGTERM) }
    }

    /// `nil` when it runs already.
    private func start(_ name: String, at address: String, _ home: Home, _ arguments: [String], ready path: String) async throws -> Running? {
        if let running = Running.read(name, home), running.isAlive {
            print("\(name) runs already at \(running.url), process \(running.process)")
            return nil
        }
        let log = home.run + "/\(name).log"
        let running = Running(process: try Spawn.detached(arguments, log: log), url: "http://\(address)")
        for _ in 0..<200 {
            if await Spawn.answers(running.url + path) {
                try Files.write(StrictJSON.encode(running), to: home.run + "/\(name).json", replacing: true)
                print("\(name) answers at \(running.url), process \(running.process), log \(log)")
                return running
            }
            if Spawn.hasEnded(running.process) {
                throw Failure.unavailable("\(name) did not start: \(Spawn.lastLine(log)); the whole log is \(log)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        kill(running.process, SIGTERM)
        throw Failure.unavailable("\(name) did not answer at \(running.url) within 10 s; see \(log)")
    }
}

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "down", abstract: "Stops what 'up --detach' started, finishing requests under way.", discussion: "  penstock down")
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let home = home.resolved
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: home.run)) ?? []).filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
        for name in names {
            guard let running = Running.read(name, home) else { continue }
            if running.isAlive {
                kill(running.process, SIGTERM)
                for _ in 0..<300 where running.isAlive { try await Task.sleep(for: .milliseconds(50)) }
                guard !running.isAlive else { throw Failure.unavailable("\(name), process \(running.process), is still finishing after 15 s; look at \(home.run)/\(name).log") }
                print("\(name) has stopped")
            }
            Running.remove(name, home)
        }
        if names.isEmpty { print("Nothing was running.") }
    }
}

/// Child processes that outlive this one.
enum Spawn {
    /// Starts this very program again in a session of its own, with its output appended to a log.
    static func detached(_ arguments: [String], log: String) throws -> Int32 {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var attributes = posix_spawnattr_t()
        var actions = posix_spawn_file_actions_t()
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&actions)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&actions)
        }
        // POSIX_SPAWN_SETSID, which the Swift overlay of glibc does not show.
        let setsid: Int16 = 0x80
        posix_spawnattr_setflags(&attributes, setsid)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, program, &actions, &attributes, &words, environ)
        guard code == 0 else { throw Failure.unavailable("\(program) could not be started: \(String(cString: strerror(code)))") }
        return process
    }

    static func hasEnded(_ process: Int32) -> Bool {
        var status: Int32 = 0
        return waitpid(process, &status, WNOHANG) == process
    }

    static func answers(_ url: String) async -> Bool {
        let parts = url.dropFirst("http://".count).split(separator: "/", maxSplits: 1)
        let address = parts[0].split(separator: ":")
        guard address.count == 2, let port = UInt16(address[1]) else { return false }
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        inet_pton(AF_INET, address[0] == "localhost" ? "127.0.0.1" : String(address[0]), &target.sin_addr)
        let connected = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { return false }
        let request = "GET /\(parts.count > 1 ? String(parts[1]) : "") HTTP/1.1\r\nHost: \(parts[0])\r\nConnection: close\r\n\r\n"
        guard send(socket, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else { return false }
        var answer = [UInt8](repeating: 0, count: 12)
        return recv(socket, &answer, 12, 0) == 12 && String(decoding: answer, as: UTF8.self).hasSuffix(" 200")
    }

    static func lastLine(_ path: String) -> String {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0.suffix(4096), as: UTF8.self) } ?? ""
        return text.split(separator: "\n").last.map(String.init) ?? "it said nothing"
    }
}

enum Signals {
    static func wait(_ signals: [Int32]) async {
        let stream = AsyncStream<Void> { continuation in
            nonisolated(unsafe) let sources = signals.map { signal in
                Foundation.signal(signal, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: signal)
                source.setEventHandler { continuation.yield() }
                source.resume()
                return source
            }
            continuation.onTermination = { _ in for source in sources { source.cancel() } }
        }
        for await _ in stream { return }
    }
}
