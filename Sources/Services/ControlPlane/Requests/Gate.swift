// What every request passes before its handler, in one order for all routes.
internal import Hummingbird
internal import Logging
internal import Primitives

/// Turns every error into the API's form, adds the headers of every answer, and logs one line a request.
struct AnswerEverything: RouterMiddleware {
    typealias Context = BasicRequestContext

    var hosts: HostRule
    var logger: Logger

    func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws -> Response {
        let began = ContinuousClock.now
        var response: Response
        do {
            try checkOrigin(of: request)
            response = try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            response = Failure(.notFound, rule: "route", "there is nothing at this address; see the API reference").response
        } catch {
            let failure = Failure(error)
            response = failure.response
            if failure.category == .damaged || failure.category == .unavailable {
                logger.error("request failed", metadata: ["route": "\(context.endpointPath ?? "none")", "rule": "\(failure.rule)", "error": "\(error)"])
            }
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.cacheControl] = "no-store"
        let taken: Duration = ContinuousClock.now - began
        let milliseconds: Int64 = Int64(taken / Duration.milliseconds(1))
        logger.debug(
            "request answered",
            metadata: [
                "method": "\(request.method.rawValue)", "route": "\(context.endpointPath ?? "none")", "status": "\(response.status.code)",
                "milliseconds": "\(milliseconds)",
            ])
        return response
    }

    /// Host for all methods; no browser page may send what changes something.
    private func checkOrigin(of request: Request) throws(Failure) {
        let names = request.headers.map(\.name.canonicalName)
        // The first Host field travels as the authority; a second one stays among the fields.
        guard let authority = request.head.authority, hosts.accepts(authority), !names.contains("host") else {
            throw Failure(.misdirected, rule: "host", "the Host header does not name this control plane; use localhost or the address it is bound to")
        }
        let isSafe = request.method == .get || request.method == .head
        guard isSafe || !(names.contains("origin") || names.contains("sec-fetch-site")) else {
            throw Failure(.forbidden, rule: "origin", "requests from web pages are not taken; use the penstock program")
        }
    }
}

/// Checks a request against its row of the route table, then calls the row's handler.
struct RouteGate: Sendable {
    var route: Route
    var tokens: TokenTable
    var rooms: Rooms

    func answer(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let caller = try authenticate(request)
        try checkBody(of: request)
        let call = Call(
            request: request, context: context, caller: caller, query: try QueryItems(request.uri.query, known: route.query), rooms: rooms)
        return try await route.handler(call)
    }

    private func authenticate(_ request: Request) throws(Failure) -> TokenRecord? {
        guard !route.kinds.isEmpty else { return nil }
        let given = request.headers[values: .authorization]
        guard given.count == 1, let text = given.first, text.prefix(7).lowercased() == "bearer ", let record = tokens.find(text.dropFirst(7)) else {
            throw Failure(.unauthenticated, rule: "token", "this needs a token that this control plane issued; it stands in operator.token of its home, or set PENSTOCK_TOKEN")
        }
        guard route.kinds.contains(record.kind) else {
            throw Failure(.forbidden, rule: "token-kind", "a token of kind '\(record.kind.rawValue)' may not do this")
        }
        return record
    }

    private func checkBody(of request: Request) throws(Failure) {
        guard let body = route.body else { return }
        let types: [String] = request.headers[values: .contentType]
        guard types.count == 1, let type = types.first, Self.mediaType(of: type) == body.type else {
            throw Failure(.unsupportedType, rule: "content-type", "the body must be of type \(body.type)")
        }
        guard request.headers[.contentEncoding] == nil else {
            throw Failure(.unsupportedType, rule: "content-encoding", "the body must be sent as it is, without a content encoding")
        }
        if let text = request.headers[.contentLength] {
            guard let length = Int(text), length <= body.limit else { throw body.tooLarge }
        }
    }

    /// Without parameters such as `charset`.
    private static func mediaType(of field: String) -> String {
        let end: String.Index = field.firstIndex(of: ";") ?? field.endIndex
        let name: Substring = field[..<end]
        return String(name.reversed().drop { $0 == " " }.reversed()).lowercased()
    }
}
