// Starting and stopping an installation on one machine.
import ArgumentParser
@preconcurrency import Dispatch
import Foundation
import Primitives

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Starts the control plane and a serving node, each as a process of its own.",
        discussion: """
            What runs already is left alone, so 'up' again brings back only what is missing. Without --detach it stays in the \
            foreground and stops both on Ctrl-C.

              penstock up --detach
              penstock up --control 127.0.0.1:9440 --node 127.0.0.1:9441
            """)
    @OptionGroup var home: HomeOptions
    @Option(help: "Where the control plane listens.") var control = ListenAddress(host: "127.0.0.1", port: 8440)
    @Option(name: .customLong("node"), help: "Where the first node listens.") var node = ListenAddress(host: "127.0.0.1", port: 8441)
    @Flag(help: "Return as soon as both answer; stop them with 'penstock down'.") var detach = false

    func run() async throws {
        let home = home.resolved
        let root = try home.trustRoot()
        guard let name = root.nodes.keys.sorted().first else { throw Failure.badInput("the trust root lists no node") }
        guard control.port > 0, node.port > 0 else { throw Failure.badInput("'up' gives both processes a port that they keep; use 1 to 65535, not 0") }
        let places = [("control", control), (name.text, node)]
        // Whoever answers there would be taken for ours.
        for (name, address) in places where !(Running.read(name, home)?.isAlive ?? false) {
            guard let other = Spawn.connect(to: address) else { continue }
            close(other)
            throw Failure.unavailable("\(address.text) is in use: stop the program that has it, or choose another with --control and --node")
        }
        var started: [String: Running] = [:]
        do {
            started["control"] = try await start("control", at: control, home, ["control-plane", "--home", home.path, "--listen", control.text], ready: "/health")
            let controlURL = Running.read("control", home)?.url ?? "http://\(control.text)"
            let arguments = ["serve", "--trust", home.trust, "--node", name.text, "--node-home", home.node(name), "--control", controlURL, "--listen", node.text]
            started[name.text] = try await start(name.text, at: node, home, arguments, ready: "/health/live")
        } catch {
            await end(started, home)
            throw error
        }
        for (name, _) in places {
            guard let running = Running.read(name, home) else { continue }
            print("\(name) \(started[name] == nil ? "runs already" : "answers") at \(running.url), process \(running.process), log \(home.run)/\(name).log")
        }
        if detach { return }
        print("Stop with Ctrl-C.")
        await Signals.wait([SIGINT, SIGTERM])
        await end(started, home)
    }

    private func end(_ started: [String: Running], _ home: Home) async {
        for (name, running) in started {
            await Spawn.end(running.process)
            Running.remove(name, home)
        }
    }

    /// `nil` when it runs already.
    private func start(_ name: String, at address: ListenAddress, _ home: Home, _ arguments: [String], ready path: String) async throws -> Running? {
        if let running = Running.read(name, home), running.isAlive { return nil }
        let log = home.run + "/\(name).log"
        let running = Running(process: try Spawn.detached(arguments, log: log), url: "http://\(address.text)")
        for _ in 0..<200 {
            if Spawn.answers(address, path) {
                do {
                    try Files.write(StrictJSON.encode(running), to: home.run + "/\(name).json", replacing: true)
                } catch {
                    await Spawn.end(running.process)
                    throw error
                }
                return running
            }
            if Spawn.hasEnded(running.process) {
                throw Failure.unavailable("\(name) did not start: \(Spawn.lastLine(log)); the whole log is \(log)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        await Spawn.end(running.process)
        throw Failure.unavailable("\(name) did not answer at \(running.url) within 10 s; see \(log)")
    }
}

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "down", abstract: "Stops what 'up --detach' started, finishing requests under way.", discussion: "  penstock down")
    @OptionGroup var home: HomeOptions

    func run() async throws {
        let home = home.resolved
        let names = Running.names(home)
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
        // The child outlives whoever waits for what we were given to close: the reader of a pipe, the holder of a lock.
        for descriptor in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap({ Int32($0) }) where descriptor > 2 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
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

    /// Ends a child of this process in an orderly way, and waits until it is gone.
    static func end(_ process: Int32) async {
        kill(process, SIGTERM)
        for _ in 0..<300 {
            if hasEnded(process) { return }
            try? await Task.sleep(for: .milliseconds(50))
        }
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    /// A socket that is connected to it, for the caller to close; `nil` when nobody listens there.
    static func connect(to address: ListenAddress) -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, String(address.port), &hints, &found) == 0 else { return nil }
        defer { freeaddrinfo(found) }
        var next = found
        while let target = next?.pointee {
            let socket = Foundation.socket(target.ai_family, target.ai_socktype, target.ai_protocol)
            if socket >= 0 {
                if Foundation.connect(socket, target.ai_addr, target.ai_addrlen) == 0 { return socket }
                close(socket)
            }
            next = target.ai_next
        }
        return nil
    }

    static func answers(_ address: ListenAddress, _ path: String) -> Bool {
        guard let socket = connect(to: address) else { return false }
        defer { close(socket) }
        // Whoever takes the connection and says nothing is not waited for.
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let request = "GET \(path) HTTP/1.1\r\nHost: \(address.text)\r\nConnection: close\r\n\r\n"
        guard send(socket, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else { return false }
        var answer = [UInt8](repeating: 0, count: 12)
        return recv(socket, &answer, 12, 0) == 12 && String(decoding: answer, as: UTF8.self).hasSuffix(" 200")
    }

    static func lastLine(_ path: String) -> String {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0.suffix(4096), as: UTF8.self) } ?? ""
        guard let line = text.split(separator: "\n").last else { return "it said nothing" }
        // Both of us begin with our name.
        return String(line.hasPrefix("penstock: ") ? line.dropFirst("penstock: ".count) : line)
    }
}

enum Signals {
    static func wait(_ signals: [Int32]) async {
        let stream = AsyncStream<Void> { continuation in
            // Dispatch sources may be cancelled from any thread, and nothing else is done with them once they run.
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
