// How a command reaches a serving node.
import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import Primitives

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
        try await post(body, to: "/v1/decisions/\(service)", type: "application/json")
    }

    func post(_ body: [UInt8], to path: String, type: String) async throws -> (status: UInt, answer: String) {
        var request = HTTPClientRequest(url: address + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: type)
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
