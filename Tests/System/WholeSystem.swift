// Control plane and node of one installation in this process, on real sockets, a real database and real files.
import ControlPlane
import ControlPlaneClient
import Decisions
import Evidence
import FileArtifacts
import Foundation
import FoundationNetworking
import LocalProcesses
import Logging
import ModelEngines
import Ports
import Primitives
import Registry
import ReleaseController
import Releases
import SQLiteDecisions
import SQLiteLedger
import SandboxedProbe
import SegmentLog
import ServiceLifecycle
import ServingPlane
import TestKit
import YAMLDocuments

struct RealClock: WallClock {
    func now() -> Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}

struct RealRandom: RandomSource {
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255) } }
}

/// One installation in a folder. Its services can be started and stopped as often as a test likes; what they know is on disk.
struct WholeSystem: Sendable {
    let folder: String
    let trust: TrustRoot
    let trustEnvelope: Envelope
    private let tokens: TokenTable
    private let operatorToken: String
    private let nodeToken: String
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    /// LightGBM's, and the Swift runtime that this process has loaded: the program beside it needs the same.
    private static let libraries: [String] = {
        // Read to its end, not to its size, which the kernel gives as 0.
        let maps = String(decoding: (try? FileHandle(forReadingAtPath: "/proc/self/maps")?.readToEnd()) ?? Data(), as: UTF8.self)
        let runtime = maps.split(separator: "\n").first { $0.hasSuffix("/libswiftCore.so") }?.split(separator: " ").last.map { String($0.dropLast("/libswiftCore.so".count)) }
        return [SmallFlights.root.appending(path: ".deps/lib").path] + [runtime].compactMap { $0 }
    }()

    init(folder: String) throws {
        self.folder = folder
        let now = RealClock().now()
        func person(_ id: String, _ roles: [Role], _ number: UInt8) throws -> TrustRoot.Person {
            TrustRoot.Person(id: try name(id), name: id, roles: roles, keys: [try key(number).verificationKey])
        }
        let root = TrustRoot(
            system: try name("flights"), environment: try name("staging"), version: 1, created: now, expires: now.adding(.seconds(86400)), solo: false,
            people: [try person("ada", [.proposer, .reviewer], 1), try person("ben", [.reviewer], 2), try person("cleo", [.riskOwner], 3)],
            thresholds: .init(root: 2), approvals: [.reviewer: 1, .riskOwner: 1],
            services: .init(controlPlane: try key(20).verificationKey, ledger: try key(21).verificationKey, validator: try key(22).verificationKey),
            nodes: [try name("node-1"): try key(30).verificationKey])
        trustEnvelope = Envelope(signing: root, as: TrustRoot.payloadType, by: [try key(1), try key(3)])
        trust = try TrustRoot.openGenesis(trustEnvelope)
        let person = TokenTable.issue(kind: .operator, name: try required(TokenName("ana"), "a token name"), random: RealRandom())
        let node = TokenTable.issue(kind: .node, name: try required(TokenName("node-1"), "a token name"), random: RealRandom())
        tokens = try TokenTable([person.record, node.record])
        (operatorToken, nodeToken) = (person.token, node.token)
    }

    /// The program that the package's tests are built beside.
    private static func program() throws -> String {
        let path = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).deletingLastPathComponent().appending(path: "penstock").path
        return try required(FileManager.default.isExecutableFile(atPath: path) ? path : nil, "the program \(path)")
    }

    /// `port` 0 takes a free one; a restart takes the same again, so that the node finds it.
    func withControlPlane(port: Int = 0, _ body: @Sendable (Int, ControlPlaneClient, ReleaseController) async throws -> Void) async throws {
        let ledger = try SQLiteLedger(path: folder + "/ledger.sqlite"), artifacts = try FileArtifacts(folder: folder + "/artifacts")
        try await ledger.verify()
        let runner = await ProbeProcess(executable: try Self.program(), libraryDirectories: Self.libraries)
        let decisions = try SQLiteDecisions(path: folder + "/decisions.sqlite", random: RealRandom())
        let controller = ReleaseController(
            .init(
                store: ledger, artifacts: artifacts, parser: YAMLDocumentParser(), probe: SandboxedProbe(artifacts: artifacts, runner: runner),
                comparisons: decisions, clock: RealClock(),
                random: RealRandom(), logger: Self.quiet),
            keys: ServiceKeys(controlPlane: try key(20), ledger: try key(21), validator: try key(22)), interval: .milliseconds(10))
        try await controller.open(trust: trustEnvelope)
        let (ports, started) = AsyncStream.makeStream(of: Int.self)
        let server = try ControlPlaneServer(
            .init(system: trust.system, environment: trust.environment, version: "1", port: port), desk: controller, ledger: ledger, artifacts: artifacts,
            decisions: decisions, clock: RealClock(), tokens: tokens, logger: Self.quiet,
            onStart: { started.yield($0) })
        try await Self.run([controller, server], ports) { port in
            let client = try ControlPlaneClient(url: "http://127.0.0.1:\(port)", token: operatorToken)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(port, client, controller)) } catch { outcome = .failure(error) }
            await client.shutdown()
            try outcome.get()
        }
    }

    func withNode(control: Int, _ body: @Sendable (Int) async throws -> Void) async throws {
        let client = try ControlPlaneClient(url: "http://127.0.0.1:\(control)", token: nodeToken, timeout: .seconds(2))
        let home = folder + "/node-1"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let log = try SegmentLog(folder: home + "/decisions", node: name("node-1"))
        var configuration = ServingNode.Configuration(port: 0, threads: 2, folder: home)
        configuration.interval = .milliseconds(10)
        configuration.pushInterval = .milliseconds(10)
        let records = NodeRecords(log: log, key: try required(RecordKey(bytes: [UInt8](repeating: 7, count: 32)), "a record key"))
        let (ports, started) = AsyncStream.makeStream(of: Int.self)
        let node = try ServingNode(
            configuration,
            .init(
                link: ControlPlaneNodeLink(client), artifacts: try FileArtifacts(folder: home + "/artifacts"), engine: ModelEngines(libraryDirectories: Self.libraries),
                parser: YAMLDocumentParser(), clock: RealClock(), logger: Self.quiet, records: records),
            trust: trust, node: try name("node-1"), key: try key(30), onStart: { started.yield($0) })
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await Self.run([node], ports, body)) } catch { outcome = .failure(error) }
        await log.close()
        await client.shutdown()
        try outcome.get()
    }

    private static func run(_ services: [any Service], _ ports: AsyncStream<Int>, _ body: @Sendable (Int) async throws -> Void) async throws {
        let group = ServiceGroup(services: services, logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try required(await iterator.next(), "a port")
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(port)) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    /// Asks a node over HTTP; the parsed answer and its status.
    static func decide(_ row: [Double], at port: Int) async throws -> (status: Int, decision: String?, score: Double?, release: String?) {
        struct Answer: Decodable {
            var decision: String
            var score: Double?
            var release: String
        }
        var request = URLRequest(url: try required(URL(string: "http://127.0.0.1:\(port)/v1/decisions/rebooking-offer"), "an address"))
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = Data(#"{"tail_number":"N14228","distance":\#(row[0]),"dep_delay":\#(row[1])}"#.utf8)
        let (data, response) = try await URLSession.shared.data(for: request)
        let answer = try? JSONDecoder().decode(Answer.self, from: data)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, answer?.decision, answer?.score, answer?.release)
    }

    /// Waits, at most twenty seconds, for what services do on their own.
    static func until(_ what: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while try await !condition() {
            guard ContinuousClock.now < end else { throw FixtureError(description: "it did not come about that \(what)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
