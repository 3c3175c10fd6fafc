// The control plane's API from outside: one method a route.
private import AsyncHTTPClient
package import Decisions
package import Evidence
private import Foundation
package import Inference
private import NIOCore
private import NIOHTTP1
private import NIOPosix
package import Ports
package import Primitives
package import Registry
package import Releases

/// Calls one control plane with one token. Any task may call anything; `shutdown` must be called once, after the last call.
///
/// Redirects are never followed, so that a token goes nowhere else, and a token goes over plain HTTP to this machine only.
package final class ControlPlaneClient: Sendable {
    package let url: String
    private let token: String?
    private let http: HTTPClient
    private let timeout: TimeAmount

    /// `timeout` bounds every call but transfers of artifacts and evaluations, which may take an hour.
    package init(url: String, token: String?, timeout: Duration = .seconds(30)) throws(ClientError) {
        self.url = try Self.checked(url: url)
        self.token = token
        self.timeout = .nanoseconds(Int64(timeout / .nanoseconds(1)))
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(3), read: nil), decompression: .disabled)
        configuration.connectionPool.retryConnectionEstablishment = false
        // Shorter than the 10 s after which the control plane closes a connection that asks nothing, so that none is used while it is being closed.
        configuration.connectionPool.idleTimeout = .seconds(4)
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    package func shutdown() async {
        // It only fails when it was shut down before.
        try? await http.shutdown()
    }

    // MARK: System

    package func isHealthy() async -> Bool { (try? await send("GET", "/health")) != nil }

    package func status() async throws(ClientError) -> ControlPlaneStatus { try await get("/v1/status") }

    // MARK: Artifacts

    /// Sends a file unless the control plane has it; the digest is that of the bytes as they were read first.
    package func upload(file path: String) async throws(ClientError) -> Digest {
        let file = FileChunks(path: path)
        let measured: (digest: Digest, bytes: Int)
        do { measured = try await file.measure() } catch {
            throw ClientError(category: "local", rule: "file", message: "'\(path)' cannot be read: \(error)")
        }
        guard measured.bytes <= Limits.artifactBytes else {
            throw ClientError(category: "local", rule: "size", message: "'\(path)' has \(measured.bytes) bytes; an artifact has at most \(Limits.artifactBytes)")
        }
        if try await has(measured.digest) { return measured.digest }
        try await upload(body: .stream(file, length: .known(Int64(measured.bytes))), digest: measured.digest)
        return measured.digest
    }

    package func upload(_ bytes: [UInt8]) async throws(ClientError) -> Digest {
        let digest = Digest.of(bytes)
        try await upload(bytes, as: digest)
        return digest
    }

    /// The control plane refuses bytes that do not have this digest.
    package func upload(_ bytes: [UInt8], as digest: Digest) async throws(ClientError) {
        try await upload(body: .bytes(ByteBuffer(bytes: bytes)), digest: digest)
    }

    package func has(_ digest: Digest) async throws(ClientError) -> Bool {
        do {
            _ = try await send("HEAD", "/v1/artifacts/\(digest.hex)")
            return true
        } catch  where error.status == 404 {
            return false
        }
    }

    /// Streams an artifact into a store, which checks its digest.
    package func download(_ digest: Digest, into store: any ArtifactStore) async throws(ClientError) {
        let response = try await exchange(request("GET", "/v1/artifacts/\(digest.hex)"), within: .hours(1))
        guard response.status == .ok else { throw await refusal(response) }
        do {
            try await store.put(stream: ResponseBytes(base: response.body), expecting: digest, limit: Limits.artifactBytes)
        } catch {
            throw ClientError(
                category: "local", rule: error.code == .damaged ? ClientError.wrongDigest : "artifact",
                message: "artifact \(digest.short) from \(url) could not be stored: \(error.message)")
        }
    }

    // MARK: Models

    package func register(_ envelope: Envelope) async throws(ClientError) -> ModelVersionView { try await post("/v1/models", envelope) }

    package func modelVersions() async throws(ClientError) -> [ModelVersionView] { try await get("/v1/models") }

    package func modelVersion(_ version: ModelVersionID) async throws(ClientError) -> ModelVersionView {
        try await get("/v1/models/\(version.model)/\(version.number)")
    }

    package func record(provenance envelope: Envelope) async throws(ClientError) {
        _ = try await send("POST", "/v1/provenance", StrictJSON.encode(envelope))
    }

    package func lineage(of version: ModelVersionID) async throws(ClientError) -> LineageView {
        try await get("/v1/models/\(version.model)/\(version.number)/lineage")
    }

    package func evaluate(_ version: ModelVersionID, dataset: Digest) async throws(ClientError) -> Evaluation {
        try await post("/v1/models/\(version.model)/\(version.number)/evaluations", ["dataset": dataset], within: .hours(1))
    }

    // MARK: Releases

    package func propose(_ envelope: Envelope) async throws(ClientError) -> ReleaseView { try await post("/v1/releases", envelope) }

    package func releases() async throws(ClientError) -> [ReleaseView] { try await get("/v1/releases") }

    package func release(_ id: ReleaseID) async throws(ClientError) -> ReleaseView { try await get("/v1/releases/\(id)") }

    package func answer(_ envelope: Envelope, release: ReleaseID) async throws(ClientError) -> ReleaseView {
        try await post("/v1/releases/\(release)/answers", envelope)
    }

    package func stop(_ envelope: Envelope, release: ReleaseID) async throws(ClientError) -> ReleaseView {
        try await post("/v1/releases/\(release)/stop", envelope)
    }

    package func advance(_ envelope: Envelope, release: ReleaseID) async throws(ClientError) -> ReleaseView {
        try await post("/v1/releases/\(release)/advance", envelope)
    }

    package func rollout(of release: ReleaseID) async throws(ClientError) -> RolloutView { try await get("/v1/releases/\(release)/rollout") }

    // MARK: Nodes and what is live

    /// The table where it is newer than `order`, and a lease that answers the nonce.
    package func contact(newerThan order: TableOrder?, nonce: [UInt8]) async throws(ClientError) -> Contact {
        try decode(try await send("GET", "/v1/routing?nonce=\(nonce.hex)" + (order.map { "&newer-than=\($0)" } ?? ""), limit: Self.tableBytes))
    }

    package func report(_ observation: Envelope) async throws(ClientError) {
        _ = try await send("POST", "/v1/observations", StrictJSON.encode(observation))
    }

    package func nodes() async throws(ClientError) -> [NodeView] { try await get("/v1/nodes") }

    package func live(at instant: Instant?) async throws(ClientError) -> [LiveView] {
        try await get("/v1/live" + (instant.map { "?at=\($0)" } ?? ""))
    }

    // MARK: Decisions

    /// The last entry that the control plane has durably.
    package func push(_ frames: [LogFrame]) async throws(ClientError) -> UInt64 {
        struct Answer: Decodable { var through: UInt64 }
        let answer: Answer = try decode(try await send("POST", "/v1/entries", FrameBatch.encode(frames), type: "application/octet-stream"))
        return answer.through
    }

    package func decision(_ id: DecisionID) async throws(ClientError) -> DecisionView { try await get("/v1/decisions/\(id)") }

    package func report(_ service: ServiceName, from: Instant?, to: Instant?) async throws(ClientError) -> DecisionReport {
        let items = [from.map { "from=\($0)" }, to.map { "to=\($0)" }].compactMap { $0 }
        return try await get("/v1/reports/\(service)" + (items.isEmpty ? "" : "?" + items.joined(separator: "&")))
    }

    // MARK: Ledger

    package func checkpoint() async throws(ClientError) -> [UInt8] { try await send("GET", "/v1/ledger/checkpoint") }

    /// Hands the export over piece by piece, in order. What `take` throws ends the transfer and is told as a local error.
    package func exportLedger(_ take: @Sendable ([UInt8]) async throws -> Void) async throws(ClientError) {
        let response = try await exchange(request("GET", "/v1/ledger/export"), within: .hours(1))
        guard response.status == .ok else { throw await refusal(response) }
        do {
            for try await chunk in response.body { try await take(Array(chunk.readableBytesView)) }
        } catch {
            throw ClientError(category: "local", rule: "export", message: "the export broke off, and what was written of it is not whole: \(error)")
        }
    }

    // MARK: How

    /// A table carries the bundle of every release it names.
    private static let tableBytes = 256 * 1024 * 1024
    private static let answerBytes = 64 * 1024 * 1024

    private func upload(body: HTTPClientRequest.Body, digest: Digest) async throws(ClientError) {
        var request = request("PUT", "/v1/artifacts/\(digest.hex)")
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        request.body = body
        let response = try await exchange(request, within: .hours(1))
        guard (200..<300).contains(response.status.code) else { throw await refusal(response) }
        _ = try await collect(response, upTo: Self.answerBytes)
    }

    private func get<Value: Decodable>(_ path: String) async throws(ClientError) -> Value { try decode(try await send("GET", path)) }

    private func post<Value: Decodable>(_ path: String, _ body: some Encodable, within timeout: TimeAmount? = nil) async throws(ClientError) -> Value {
        try decode(try await send("POST", path, StrictJSON.encode(body), within: timeout))
    }

    private func send(
        _ method: String, _ path: String, _ body: [UInt8]? = nil, type: String = "application/json", limit: Int = answerBytes, within timeout: TimeAmount? = nil
    ) async throws(ClientError) -> [UInt8] {
        var request = request(method, path)
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response = try await exchange(request, within: timeout ?? self.timeout)
        guard (200..<300).contains(response.status.code) else { throw await refusal(response) }
        return method == "HEAD" ? [] : try await collect(response, upTo: limit)
    }

    private func request(_ method: String, _ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        return request
    }

    private func exchange(_ request: HTTPClientRequest, within timeout: TimeAmount) async throws(ClientError) -> HTTPClientResponse {
        do {
            return try await http.execute(request, timeout: timeout)
        } catch ChannelError.ioOnClosedChannel where request.method != .POST {
            // A kept connection may be closed by the other side at the moment of sending. All but POST can be sent again.
            do { return try await http.execute(request, timeout: timeout) } catch { throw explain(error) }
        } catch {
            throw explain(error)
        }
    }

    private func collect(_ response: HTTPClientResponse, upTo limit: Int) async throws(ClientError) -> [UInt8] {
        do {
            return Array((try await response.body.collect(upTo: limit)).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw ClientError(status: Int(response.status.code), category: "unreadable", rule: "size", message: "the answer of \(url) has over \(limit) bytes")
        } catch {
            throw explain(error)
        }
    }

    private func decode<Value: Decodable>(_ bytes: [UInt8]) throws(ClientError) -> Value {
        do { return try StrictJSON.decode(from: bytes) } catch {
            throw ClientError(
                category: "unreadable", rule: "answer",
                message: "the answer of \(url) cannot be read: \(StrictJSON.explain(error)); use the same version of penstock on both sides")
        }
    }

    private func refusal(_ response: HTTPClientResponse) async -> ClientError {
        struct Body: Decodable {
            struct Inner: Decodable {
                var category: String
                var rule: String
                var message: String
            }
            var error: Inner
        }
        let status = Int(response.status.code)
        if let bytes = try? await response.body.collect(upTo: 64 * 1024), let body: Body = try? StrictJSON.decode(from: Array(bytes.readableBytesView)) {
            return ClientError(status: status, category: body.error.category, rule: body.error.rule, message: body.error.message)
        }
        return ClientError(status: status, category: status == 404 ? "not-found" : "unreadable", rule: "answer", message: "\(url) answered \(status)")
    }

    private func explain(_ error: any Error) -> ClientError {
        if error is CancellationError || Task.isCancelled {
            return ClientError(category: "cancelled", rule: "cancelled", message: "the call to \(url) was cancelled")
        }
        let isRefused = error is NIOConnectionError || (error as? IOError)?.errnoCode == ECONNREFUSED || (error as? HTTPClientError) == .connectTimeout
        return ClientError(
            category: "unreachable", rule: "connection",
            message: isRefused
                ? "no control plane answers at \(url); start one with `penstock up`, or name another with --url or PENSTOCK_URL"
                : "the control plane at \(url) did not answer: \(error)")
    }

    /// `http://host[:port]` or `https://…`, without a path; plain HTTP for this machine only.
    private static func checked(url: String) throws(ClientError) -> String {
        let text = url.hasSuffix("/") ? String(url.dropLast()) : url
        func refuse(_ why: String) -> ClientError { ClientError(category: "local", rule: "url", message: "'\(url.prefix(200))' \(why)") }
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty, parts.path.isEmpty, parts.query == nil, parts.fragment == nil,
            parts.user == nil, parts.password == nil, parts.scheme == "http" || parts.scheme == "https"
        else { throw refuse("is no address of a control plane; use http://127.0.0.1:PORT") }
        guard parts.scheme == "https" || ["localhost", "127.0.0.1", "[::1]", "::1"].contains(host) else {
            throw refuse("would send the token unencrypted to another machine; use https or a tunnel to this machine")
        }
        return text
    }
}

/// An answer's body as the artifact store takes it.
private struct ResponseBytes: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    typealias Failure = any Error

    var base: HTTPClientResponse.Body

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: HTTPClientResponse.Body.AsyncIterator

        mutating func next() async throws -> [UInt8]? {
            try await base.next().map { Array($0.readableBytesView) }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }
}
