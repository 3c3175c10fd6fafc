// What each route does: read what was sent, ask a room, write down the answer.
internal import Evidence
internal import Hummingbird
internal import Ports
internal import Primitives
internal import Registry
internal import Releases

/// A body is read in a statement of its own: Swift 6.3's optimiser crashes on two awaits with differently typed errors in one expression.
enum Handlers {
    static func health(_ call: Call) async throws -> Response { .json(["status": "ok"]) }

    static func status(_ call: Call) async throws -> Response {
        struct Status: Encodable {
            struct Ledger: Encodable {
                var size: Int
                var root: Digest
            }
            var system: SystemName
            var environment: EnvironmentName
            var ledger: Ledger
            var version: String
        }
        let position = try await call.rooms.ledger.position()
        return .json(
            Status(
                system: call.rooms.system, environment: call.rooms.environment, ledger: .init(size: position.size, root: position.root),
                version: call.rooms.version))
    }
}

// MARK: Artifacts

extension Handlers {
    /// The body is stored as it arrives; the store refuses bytes that do not have the digest. What is there already is read again all the same.
    static func putArtifact(_ call: Call) async throws -> Response {
        let digest = try call.digest("digest")
        let wasThere = try await call.rooms.artifacts.contains(digest)
        do {
            try await call.rooms.artifacts.put(stream: BodyBytes(base: call.request.body), expecting: digest, limit: Limits.artifactBytes)
        } catch {
            guard error.code == .damaged else { throw error }
            throw Failure(.invalid, rule: "digest", "the bytes that arrived do not have the digest \(digest); send the file again")
        }
        return Response(status: wasThere ? .ok : .created)
    }

    static func getArtifact(_ call: Call) async throws -> Response {
        Response(status: .ok, headers: artifactHeaders, body: try await artifactBody(call))
    }

    static func headArtifact(_ call: Call) async throws -> Response {
        var headers = artifactHeaders
        headers[.contentLength] = String(try await artifactBody(call).contentLength ?? 0)
        return Response(status: .ok, headers: headers)
    }

    private static let artifactHeaders: HTTPFields = [.contentType: "application/octet-stream", .contentDisposition: "attachment"]

    /// Hashed just now, so that a damaged file is an error and never an answer.
    private static func artifactBody(_ call: Call) async throws -> ResponseBody {
        let digest = try call.digest("digest")
        guard try await call.rooms.artifacts.contains(digest) else {
            throw Failure(.notFound, rule: "artifact", "there is no artifact \(digest)")
        }
        let path = try await call.rooms.artifacts.verifiedFile(digest)
        return try await FileIO().loadFile(path: path, context: call.context)
    }
}

/// A request's body as the artifact store takes it.
private struct BodyBytes: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    typealias Failure = any Error

    var base: RequestBody

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: RequestBody.AsyncIterator

        mutating func next() async throws -> [UInt8]? {
            try await base.next().map { Array($0.readableBytesView) }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }
}

// MARK: Models

extension Handlers {
    static func register(_ call: Call) async throws -> Response {
        let envelope = try await call.envelope()
        return .json(try await call.rooms.desk.register(envelope), status: .created)
    }

    static func modelVersions(_ call: Call) async throws -> Response { .json(try await call.rooms.desk.modelVersions()) }

    static func modelVersion(_ call: Call) async throws -> Response { .json(try await call.rooms.desk.modelVersion(try version(call))) }

    static func evaluate(_ call: Call) async throws -> Response {
        struct Order: Decodable {
            var dataset: Digest
        }
        let version = try version(call)
        let body = try await call.jsonBody()
        let order: Order
        do { order = try StrictJSON.decode(from: body) } catch {
            throw Failure(.invalid, rule: "body", "the order to evaluate cannot be read: \(StrictJSON.explain(error))")
        }
        return .json(try await call.rooms.desk.evaluate(version, dataset: order.dataset), status: .created)
    }

    static func recordProvenance(_ call: Call) async throws -> Response {
        let envelope = try await call.envelope()
        try await call.rooms.desk.record(provenance: envelope)
        return Response(status: .accepted)
    }

    static func lineage(_ call: Call) async throws -> Response { .json(try await call.rooms.desk.lineage(of: try version(call))) }

    private static func version(_ call: Call) throws(Failure) -> ModelVersionID {
        ModelVersionID(model: try call.name("name"), number: try call.number("number"))
    }
}

// MARK: Releases

extension Handlers {
    static func propose(_ call: Call) async throws -> Response {
        let envelope = try await call.envelope()
        return .json(try await call.rooms.desk.propose(envelope), status: .created)
    }

    static func releases(_ call: Call) async throws -> Response { .json(try await call.rooms.desk.releases()) }

    static func release(_ call: Call) async throws -> Response { .json(try await call.rooms.desk.release(try call.name("id"))) }

    static func answer(_ call: Call) async throws -> Response {
        let id: ReleaseID = try call.name("id")
        let envelope = try await call.envelope()
        return .json(try await call.rooms.desk.answer(envelope, release: id))
    }

    static func stop(_ call: Call) async throws -> Response {
        let id: ReleaseID = try call.name("id")
        let envelope = try await call.envelope()
        return .json(try await call.rooms.desk.stop(envelope, release: id))
    }

    static func advance(_ call: Call) async throws -> Response {
        let id: ReleaseID = try call.name("id")
        let envelope = try await call.envelope()
        return .json(try await call.rooms.desk.advance(envelope, release: id))
    }

    static func rollout(_ call: Call) async throws -> Response { .json(try await call.rooms.desk.rollout(of: try call.name("id"))) }
}

// MARK: Nodes and what is live

extension Handlers {
    static func routing(_ call: Call) async throws -> Response {
        struct Ordered: Decodable {
            var order: TableOrder
        }
        let known = try call.query["newer-than"].map(order), nonce = try call.query["nonce"].map(nonce)
        // The lease is made first: a table that comes between is newer than what it names, and the node then asks again.
        var lease: Envelope?
        if let nonce { lease = try await call.rooms.desk.lease(answering: nonce) }
        guard let table = try await call.rooms.desk.routingTable() else { return .json(Contact(table: nil, lease: nil)) }
        guard let known else { return .json(Contact(table: table, lease: lease)) }
        let ordered: Ordered
        do { ordered = try table.peek(as: RoutingTable.payloadType) } catch {
            throw Failure(.damaged, rule: "routing", "the stored routing table cannot be read; see the control plane's log")
        }
        return .json(Contact(table: ordered.order > known ? table : nil, lease: lease))
    }

    private static func nonce(_ text: String) throws(Failure) -> [UInt8] {
        guard let bytes = [UInt8](hex: text), bytes.count == Lease.nonceBytes else {
            throw Failure(.invalid, rule: "query", "a nonce is \(Lease.nonceBytes) random bytes in hex")
        }
        return bytes
    }

    /// `epoch.generation`, whole numbers as the program writes them.
    private static func order(_ text: String) throws(Failure) -> TableOrder {
        let pieces: [Substring] = text.split(separator: ".", omittingEmptySubsequences: false)
        let parts: [Int?] = pieces.map { Int($0) }
        guard parts.count == 2, let epoch = parts[0], let generation = parts[1], epoch >= 0, generation >= 0,
            TableOrder(epoch: epoch, generation: generation).description == text
        else { throw Failure(.invalid, rule: "query", "newer-than is an epoch and a generation, such as 1.42") }
        return TableOrder(epoch: epoch, generation: generation)
    }

    static func observe(_ call: Call) async throws -> Response {
        let envelope = try await call.envelope()
        try await call.rooms.desk.observe(envelope)
        return Response(status: .accepted)
    }

    static func nodes(_ call: Call) async throws -> Response { .json(try await call.rooms.desk.nodes()) }

    static func live(_ call: Call) async throws -> Response {
        var instant: Instant?
        if let text = call.query["at"] {
            guard let read = Instant(parsing: text) else {
                throw Failure(.invalid, rule: "query", "at is a time in RFC 3339, such as 2013-06-30T12:00:00Z")
            }
            instant = read
        }
        return .json(try await call.rooms.desk.live(at: instant))
    }
}

// MARK: Ledger

extension Handlers {
    static func checkpoint(_ call: Call) async throws -> Response {
        text(ResponseBody(byteBuffer: ByteBuffer(bytes: try await call.rooms.desk.checkpoint())))
    }

    static func text(_ body: ResponseBody) -> Response {
        Response(status: .ok, headers: [.contentType: "text/plain; charset=utf-8"], body: body)
    }
}
