// A real server on a free port of this machine, with rooms in memory, and clients for it.
internal import ControlPlane
internal import ControlPlaneClient
internal import Evidence
internal import Foundation
internal import Logging
internal import MemoryStores
internal import NIOCore
internal import NIOPosix
internal import Ports
internal import Primitives
internal import SQLiteDecisions
internal import ServiceLifecycle
import Testing

struct Harness: Sendable {
    let desk: CheckingDesk
    let ledger: MemoryLedger
    let artifacts: MemoryArtifacts
    let decisions: SQLiteDecisions
    let folder: String
    let port: Int
    let operatorToken: String
    let nodeToken: String

    var url: String { "http://127.0.0.1:\(port)" }

    func client(_ token: String?) throws -> ControlPlaneClient { try ControlPlaneClient(url: url, token: token) }

    /// Runs `body` against a started server, then stops it gracefully and waits until it has ended.
    static func run(limits: ConnectionLimits = ConnectionLimits(), _ body: @Sendable (Harness) async throws -> Void) async throws {
        let ledger = MemoryLedger()
        let desk = CheckingDesk(ledger: ledger)
        let artifacts = MemoryArtifacts()
        let folder = NSTemporaryDirectory() + "/penstock-control-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let decisions = try SQLiteDecisions(path: folder + "/decisions.sqlite", random: CountingRandom(first: 201))
        let person = TokenTable.issue(kind: .operator, name: try #require(TokenName("ana")), random: CountingRandom(first: 1))
        let node = TokenTable.issue(kind: .node, name: try #require(TokenName("node-1")), random: CountingRandom(first: 101))
        var configuration = ControlPlaneServer.Configuration(system: try #require(SystemName("test")), environment: try #require(EnvironmentName("dev")), version: "1", port: 0)
        configuration.limits = limits
        let (ports, started) = AsyncStream.makeStream(of: Int.self)
        let server = try ControlPlaneServer(
            configuration, desk: desk, ledger: ledger, artifacts: artifacts, decisions: decisions, clock: FixedClock(), tokens: TokenTable([person.record, node.record]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onStart: { started.yield($0) })
        let group = ServiceGroup(services: [server], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let harness = Harness(
                desk: desk, ledger: ledger, artifacts: artifacts, decisions: decisions, folder: folder, port: port, operatorToken: person.token, nodeToken: node.token)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(harness)) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    func withClients(_ body: (ControlPlaneClient, ControlPlaneClient) async throws -> Void) async throws {
        let person = try client(operatorToken)
        let node = try client(nodeToken)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(person, node)) } catch { outcome = .failure(error) }
        await person.shutdown()
        await node.shutdown()
        try outcome.get()
    }

    /// Sends bytes as they are and reads until the server closes; write errors are part of the game.
    func raw(_ parts: [String]) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        return try await channel.executeThenClose { inbound, outbound in
            let sending = Task { for part in parts { try await outbound.write(ByteBuffer(string: part)) } }
            var answer = ""
            do { for try await bytes in inbound { answer += String(buffer: bytes) } } catch {}
            sending.cancel()
            _ = try? await sending.value
            return answer
        }
    }

    /// One request with `Connection: close`.
    func request(_ method: String, _ path: String, token: String? = nil, host: String? = nil, headers: [String] = [], body: String = "") async throws -> String {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")", "Connection: close"]
        if let token { lines.append("Authorization: Bearer \(token)") }
        lines += headers
        if !headers.contains(where: { $0.hasPrefix("Content-Length") || $0.hasPrefix("Transfer-Encoding") }) { lines.append("Content-Length: \(body.utf8.count)") }
        return try await raw([lines.joined(separator: "\r\n") + "\r\n\r\n" + body])
    }
}

extension Harness {
    func status(_ method: String, _ path: String, token: String? = nil, host: String? = nil, headers: [String] = [], body: String = "") async throws -> Int? {
        Int(try await request(method, path, token: token, host: host, headers: headers, body: body).dropFirst(9).prefix(3))
    }
}

struct FixedClock: WallClock {
    func now() -> Instant { Instant(milliseconds: 1_750_000_000_000) }
}

func status(_ answer: String) -> Int? { Int(answer.dropFirst(9).prefix(3)) }
