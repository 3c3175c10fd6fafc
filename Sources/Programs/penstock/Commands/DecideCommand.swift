// Asking a decision service.
import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import Primitives

struct DecideCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decide", abstract: "Sends decision requests to a serving node.",
        discussion: "  penstock decide send rebooking-offer --file request.json", subcommands: [Send.self, Batch.self])

    struct Send: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends one request, and prints the answer.",
            discussion: "  penstock decide send rebooking-offer --row '{\"carrier\":\"UA\", …}'\n  penstock decide send rebooking-offer --file request.json")
        @OptionGroup var node: NodeOptions
        @Argument(help: "The decision service.") var service: ServiceName
        @Option(help: "The request as a JSON object.") var row: String?
        @Option(help: "A file with the request.") var file: String?

        func run() async throws {
            guard (row == nil) != (file == nil) else { throw Failure.badInput("give the request with --row or with --file") }
            let body = try row.map { Array($0.utf8) } ?? Files.read(file ?? "")
            let (status, answer) = try await node.withSender { try await $0.send(body, service: service) }
            if status >= 500 { throw Failure.unavailable("the node answered \(status): \(Refusal.message(answer))") }
            if status >= 400 { throw Failure.badInput("the node refused the request with \(status): \(Refusal.message(answer))") }
            print(Terminal.escaped(json: answer))
        }
    }

    struct Batch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends a file of requests, one JSON object a line, and sums up the answers.",
            discussion: "  penstock decide batch rebooking-offer --file requests-2013-07-01.jsonl")
        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The decision service.") var service: ServiceName
        @Option(help: "The requests, one JSON object a line.") var file: String
        @Option(help: "Requests under way at once.") var connections = 4

        func run() async throws {
            guard (1...256).contains(connections) else { throw Failure.badInput("--connections takes 1 to 256") }
            let rows = try Files.read(file, limit: 1 << 30).split(separator: UInt8(ascii: "\n")).map { Array($0) }
            guard !rows.isEmpty else { throw Failure.badInput("\(file) has no requests") }
            let summary = try await node.withSender { try await BatchSummary.collect(rows, service: service, connections: connections, sender: $0) }
            if output.output == .table {
                print("\(summary.requests) requests, \(summary.failed) failed; p50 \(milliseconds(summary.p50)) ms, p99 \(milliseconds(summary.p99)) ms")
            }
            output.show(
                summary, columns: ["release", "decision", "because", "answers"],
                rows: summary.answers.map { [$0.release, $0.decision, $0.because, String($0.count)] }, empty: "no answers")
            if summary.failed > 0 { throw Failure.no("\(summary.failed) of \(summary.requests) requests failed; first: \(summary.firstFailure ?? "")") }
        }

        private func milliseconds(_ value: Double) -> String { String(format: "%.2f", value) }
    }
}

struct NodeOptions: ParsableArguments {
    @OptionGroup var home: HomeOptions
    @Option(help: "The serving node. Default: PENSTOCK_NODE_URL, or the first one started from this home.")
    var nodeURL: String?

    func withSender<Result: Sendable>(_ body: (DecisionSender) async throws -> Result) async throws -> Result {
        let address = nodeURL ?? ProcessInfo.processInfo.environment["PENSTOCK_NODE_URL"] ?? Running.firstNode(home.resolved)?.url ?? "http://127.0.0.1:8441"
        guard let parts = URLComponents(string: address), parts.scheme == "http" || parts.scheme == "https", parts.host?.isEmpty == false, parts.path.isEmpty else {
            throw Failure.badInput("'\(address)' is no address of a node; use http://127.0.0.1:PORT")
        }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(2), read: .seconds(10))
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        let client = HTTPClient(configuration: configuration)
        do {
            let result = try await body(DecisionSender(client: client, address: address))
            try await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
    }
}

struct DecisionSender: Sendable {
    var client: HTTPClient
    var address: String

    func send(_ body: [UInt8], service: ServiceName) async throws -> (status: UInt, answer: String) {
        var request = HTTPClientRequest(url: "\(address)/v1/decisions/\(service)")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(body)
        do {
            let response = try await client.execute(request, timeout: .seconds(10))
            let answer = try await response.body.collect(upTo: 1 << 20)
            return (response.status.code, String(buffer: answer))
        } catch {
            let reason = error is NIOConnectionError || (error as? IOError)?.errnoCode == ECONNREFUSED ? "" : " (\(error))"
            throw Failure.unavailable("no serving node answers at \(address)\(reason); start one with 'penstock up', or name another with --node-url")
        }
    }
}

/// The body of an answer that is no decision.
struct Refusal: Decodable {
    struct Content: Decodable { var message: String }
    var error: Content

    /// Its sentence; the body itself when it is not one of ours.
    static func message(_ body: String) -> String {
        (try? StrictJSON.decode(Refusal.self, from: Array(body.utf8)))?.error.message ?? String(body.prefix(300))
    }
}

/// What a batch came to.
struct BatchSummary: Codable, Sendable {
    struct Answers: Codable, Sendable {
        var release: String
        var decision: String
        var because: String
        var count: Int
    }

    var requests = 0
    var failed = 0
    var firstFailure: String?
    /// Milliseconds from sending to the whole answer, as this client saw it.
    var p50 = 0.0
    var p99 = 0.0
    var answers: [Answers] = []

    private struct Reply: Decodable {
        var decision: String
        var release: String
        var because: String?
    }

    static func collect(_ rows: [[UInt8]], service: ServiceName, connections: Int, sender: DecisionSender) async throws -> BatchSummary {
        let outcomes = try await withThrowingTaskGroup(of: [(Double, UInt, String)].self) { group in
            for lane in 0..<connections {
                group.addTask {
                    var outcomes: [(Double, UInt, String)] = []
                    for index in stride(from: lane, to: rows.count, by: connections) {
                        let began = ContinuousClock.now
                        let (status, answer) = try await sender.send(rows[index], service: service)
                        outcomes.append(((ContinuousClock.now - began).seconds * 1000, status, answer))
                    }
                    return outcomes
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return summarise(outcomes)
    }

    private static func summarise(_ outcomes: [(Double, UInt, String)]) -> BatchSummary {
        var summary = BatchSummary(requests: outcomes.count)
        var counts: [[String]: Int] = [:]
        for (_, status, answer) in outcomes {
            if status == 200, let reply = try? StrictJSON.decode(Reply.self, from: Array(answer.utf8)) {
                counts[[reply.release, reply.decision, reply.because ?? "rule"], default: 0] += 1
            } else {
                summary.failed += 1
                summary.firstFailure = summary.firstFailure ?? "\(status) \(answer.prefix(300))"
            }
        }
        let times = outcomes.map(\.0).sorted()
        summary.p50 = times[times.count / 2]
        summary.p99 = times[min(times.count - 1, times.count * 99 / 100)]
        summary.answers = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { Answers(release: $0.key[0], decision: $0.key[1], because: $0.key[2], count: $0.value) }
        return summary
    }
}
