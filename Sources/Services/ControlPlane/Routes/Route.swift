// One row of the route table, and what its handler is given.
internal import Decisions
internal import Evidence
internal import Hummingbird
internal import NIOCore
internal import Ports
internal import Primitives

/// One method at one address, and who may use it. The table of these is the whole API: the router is built from it and tests walk it.
package struct Route: Sendable {
    package struct Body: Sendable {
        package var type: String
        package var limit: Int

        static let json = Body(type: "application/json", limit: Limits.envelopeBytes)
        static let batch = Body(type: "application/octet-stream", limit: FrameBatch.mostBytes)
        static let bytes = Body(type: "application/octet-stream", limit: Limits.artifactBytes)

        var tooLarge: Failure { Failure(.tooLarge, rule: "size", "the body is larger than the \(limit) bytes that are taken here") }
    }

    package var method: String
    /// With `{name}` for a parameter.
    package var path: String
    /// Token kinds that may call; none means anybody.
    package var kinds: Set<TokenKind>
    package var query: Set<String>
    /// What must be sent along; `nil` where no body is read.
    package var body: Body?
    var handler: @Sendable (Call) async throws -> Response

    init(
        _ method: String, _ path: String, for kinds: Set<TokenKind>, query: Set<String> = [], body: Body? = nil,
        _ handler: @escaping @Sendable (Call) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.kinds = kinds
        self.query = query
        self.body = body
        self.handler = handler
    }
}

/// What handlers act on.
struct Rooms: Sendable {
    var desk: any ReleaseDesk
    var ledger: any LedgerStore
    var artifacts: any ArtifactStore
    var intake: DecisionIntake
    var clock: any WallClock
    var system: SystemName
    var environment: EnvironmentName
    var version: String
}

/// One admitted request.
struct Call: Sendable {
    var request: Request
    var context: BasicRequestContext
    var caller: TokenRecord?
    var query: QueryItems
    var rooms: Rooms

    /// A path parameter as a name. The text is taken as it was sent: nothing percent-encoded is a name.
    func name<Subject>(_ parameter: String) throws(Failure) -> Identifier<Subject> {
        let text = context.parameters.get(parameter) ?? ""
        guard let name = Identifier<Subject>(text) else {
            throw Failure(.invalid, rule: "name", Identifier<Subject>.refusal(of: text))
        }
        return name
    }

    func digest(_ parameter: String) throws(Failure) -> Digest {
        guard let text = context.parameters.get(parameter), let bytes = [UInt8](hex: text), let digest = Digest(bytes: bytes) else {
            throw Failure(.invalid, rule: "digest", "an artifact is named by the 64 lower-case hex digits of its SHA-256")
        }
        return digest
    }

    /// Digits only, without sign or leading zero.
    func number(_ parameter: String) throws(Failure) -> Int {
        let text = context.parameters.get(parameter) ?? ""
        guard let number = Int(text), number > 0, String(number) == text else {
            throw Failure(.invalid, rule: "number", "a version is a whole number from 1")
        }
        return number
    }

    func jsonBody() async throws -> [UInt8] {
        do {
            return Array(buffer: try await request.body.collect(upTo: Route.Body.json.limit))
        } catch is NIOTooManyBytesError {
            throw Route.Body.json.tooLarge
        }
    }

    func envelope() async throws -> Envelope { try Envelope.read(try await jsonBody()) }
}
