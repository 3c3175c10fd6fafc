// A real node on a free port of this machine, and a client that speaks HTTP/1 byte by byte.
import Evidence
import Foundation
import Logging
import NIOCore
import NIOPosix
import Ports
import Primitives
import ServiceLifecycle
import ServingPlane
import TestKit
import Testing
import YAMLDocuments

struct Answer: Sendable {
    var status: Int
    var head: String
    var body: String

    /// The spec that answered.
    var spec: String? { body.range(of: #""spec":""#).map { String(body[$0.upperBound...].prefix { $0 != "\"" }) } }
}

/// One connection, used by one task.
struct Talk {
    var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var rest = ""

    init(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
        self.inbound = inbound
        self.outbound = outbound
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// The next answer; `nil` when the server has closed.
    mutating func answer(toHead: Bool = false) async throws -> Answer? {
        while true {
            if let end = rest.range(of: "\r\n\r\n") {
                let head = String(rest[..<end.lowerBound])
                let length = head.range(of: "content-length: ").flatMap { Int(head[$0.upperBound...].prefix { $0.isNumber }) } ?? 0
                let body = rest[end.upperBound...]
                let expected = toHead ? 0 : length
                if body.utf8.count >= expected {
                    let text = String(decoding: body.utf8.prefix(expected), as: UTF8.self)
                    rest = String(decoding: body.utf8.dropFirst(expected), as: UTF8.self)
                    return Answer(status: Int(head.dropFirst(9).prefix(3)) ?? 0, head: head, body: text)
                }
            }
            do {
                guard let bytes = try await inbound.next() else { return nil }
                rest += String(buffer: bytes)
            } catch is IOError { return nil }
        }
    }

    mutating func post(_ row: String, service: String = "rebooking-offer", headers: String = "") async throws -> Answer? {
        try await send(Self.request(row, service: service, headers: headers))
        return try await answer()
    }

    static func request(_ row: String, service: String = "rebooking-offer", headers: String = "") -> String {
        "POST /v1/decisions/\(service) HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: \(row.utf8.count)\r\n\(headers)\r\n\(row)"
    }
}

struct Harness: Sendable {
    let world: World
    let link: MemoryLink
    let store: NodeStore
    let port: Int
    static let row = #"{"tail_number":"N1","distance":100,"hour":7}"#

    /// A folder for one test, gone afterwards.
    static func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "/penstock-node-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    static func node(
        _ world: World, _ link: MemoryLink, _ store: NodeStore, _ configuration: ServingNode.Configuration, key number: UInt8 = 30,
        records: NodeRecords? = nil, engine: any ModelEngine = LinearEngine(), onStart: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> ServingNode {
        try ServingNode(
            configuration,
            .init(
                link: link, artifacts: store, engine: engine, parser: YAMLDocumentParser(), clock: ManualClock(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, records: records),
            trust: world.trust, node: world.node, key: try key(number), onStart: onStart)
    }

    /// Runs `body` against a started node, then stops it gracefully and waits until it has ended.
    static func run(
        _ world: World, _ link: MemoryLink, store: NodeStore = NodeStore(), folder: String, requestSeconds: Int64 = 10, records: NodeRecords? = nil,
        engine: any ModelEngine = LinearEngine(), leaseSpan: Duration = .seconds(10), _ body: @Sendable (Harness) async throws -> Void
    ) async throws {
        var configuration = ServingNode.Configuration(port: 0, threads: 2, folder: folder)
        configuration.interval = .milliseconds(5)
        configuration.pushInterval = .milliseconds(5)
        configuration.requestSeconds = requestSeconds
        configuration.leaseSpan = leaseSpan
        let (ports, started) = AsyncStream.makeStream(of: Int.self)
        let node = try node(world, link, store, configuration, records: records, engine: engine) { started.yield($0) }
        let group = ServiceGroup(services: [node], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { started.finish() }
                try await group.run()
            }
            var iterator = ports.makeAsyncIterator()
            guard let port = await iterator.next() else { return try await tasks.waitForAll() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(Harness(world: world, link: link, store: store, port: port))) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    func converse<Value: Sendable>(_ body: @Sendable (inout Talk) async throws -> Value) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        return try await channel.executeThenClose { inbound, outbound in
            var talk = Talk(inbound.makeAsyncIterator(), outbound)
            return try await body(&talk)
        }
    }

    func decide(_ row: String = Harness.row) async throws -> Answer { try #require(try await converse { try await $0.post(row) }) }

    func get(_ path: String) async throws -> Answer {
        try #require(
            try await converse { talk in
                try await talk.send("GET \(path) HTTP/1.1\r\nhost: localhost\r\n\r\n")
                return try await talk.answer()
            })
    }

    /// Waits, at most ten seconds, for what the node does on its own.
    func until(_ what: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while try await !condition() {
            guard ContinuousClock.now < end else { throw ServingError("it did not come about that \(what)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func untilServed(_ release: MadeRelease) async throws {
        let spec = release.digest.description
        try await until("\(release.spec.release) answers") { try await decide().spec == spec }
    }

    /// Until the agent has looked at the control plane a few times more.
    func passes(_ count: Int = 3) async throws {
        let before = link.look { $0.asked }
        try await until("the node asks") { link.look { $0.asked } >= before + count }
    }
}
