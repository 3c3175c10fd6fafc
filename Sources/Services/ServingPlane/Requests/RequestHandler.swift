// One connection's requests, on SwiftNIO's HTTP/1 codec.
internal import Decisions
internal import NIOCore
internal import NIOHTTP1
internal import Ports
internal import Primitives

/// The state of a request as its parts arrive. Owned by the channel's event loop; no task, no lock but the snapshot's.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// → reading, refused
        case idle
        /// → idle, keeping
        case reading(HTTPRequestHead, ByteBuffer?)
        /// The log makes it durable; no other request comes meanwhile. → idle
        case keeping
        /// Answered before its end; the connection closes.
        case refused
    }

    private var state = State.idle
    private var answering: DecisionAnswering
    private let outcomes: OutcomeAnswering
    private let comparer: Comparer?
    /// Of the request that is being answered.
    private var followUp: FollowUp?
    private let log: (any DecisionLog)?
    private let pages: StatusPages
    private let metrics: ServingMetrics

    init(answering: DecisionAnswering, outcomes: OutcomeAnswering, comparer: Comparer?, log: (any DecisionLog)?, pages: StatusPages, metrics: ServingMetrics) {
        self.answering = answering
        self.outcomes = outcomes
        self.comparer = comparer
        self.log = log
        self.pages = pages
        self.metrics = metrics
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle): begin(head, context)
        case (.body(let part), .reading(let head, let body)): take(part, head, body, context)
        case (.end, .reading(let head, let body)): finish(head, body, context)
        case (_, .refused): break
        // The codec gives head, body and end in this order; a body or end without a head belongs to a refused request.
        case (.head, .reading), (.body, .idle), (.end, .idle), (_, .keeping): context.close(promise: nil)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        if length > Limits.requestBytes {
            refuse(head, .refusal(413, "the request has \(length) bytes; at most \(Limits.requestBytes) are read"), context)
        } else {
            state = .reading(head, nil)
            metrics.begin()
        }
    }

    private func leave() {
        switch state {
        case .reading, .keeping: metrics.end()
        case .idle, .refused: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        state = .refused
        context.fireChannelInactive()
    }

    private func take(_ part: ByteBuffer, _ head: HTTPRequestHead, _ body: ByteBuffer?, _ context: ChannelHandlerContext) {
        var part = part
        guard var body else {
            guard part.readableBytes <= Limits.requestBytes else {
                refuse(head, .refusal(413, "the request has more than \(Limits.requestBytes) bytes, the most that are read"), context)
                return
            }
            state = .reading(head, part)
            return
        }
        guard body.readableBytes + part.readableBytes <= Limits.requestBytes else {
            refuse(head, .refusal(413, "the request has more than \(Limits.requestBytes) bytes, the most that are read"), context)
            return
        }
        body.writeBuffer(&part)
        state = .reading(head, body)
    }

    private func finish(_ head: HTTPRequestHead, _ body: ByteBuffer?, _ context: ChannelHandlerContext) {
        let began = NIODeadline.now()
        let (answer, type) = answer(head, body, began)
        followUp = followUp ?? answering.followUp
        answering.followUp = nil
        switch answer {
        case .reply(let reply): complete(reply, type, head, began, context)
        case .afterDurable(let payloads, let kind, let reply): keep(payloads, kind, reply, type, head, began, context)
        }
    }

    private func complete(_ reply: Reply, _ type: String, _ head: HTTPRequestHead, _ began: NIODeadline, _ context: ChannelHandlerContext) {
        leave()
        state = .idle
        write(reply, type, head, isLast: !head.isKeepAlive || metrics.isDraining, context)
        metrics.count(status: reply.status, microseconds: (NIODeadline.now() - began).nanoseconds / 1000)
        context.triggerUserOutboundEvent(RequestDeadline.Finished(), promise: nil)
        follow(isKept: reply.status < 300)
    }

    /// Only what was answered, or kept although the caller has gone, is compared.
    private func follow(isKept: Bool) {
        if isKept, let followUp { comparer?.take(followUp) }
        followUp = nil
    }

    /// The event loop goes on with other connections. On this one the codec holds back the next request until this one is answered, so answers keep their
    /// order.
    private func keep(
        _ payloads: [[UInt8]], _ kind: LogFrame.Kind, _ reply: Reply, _ type: String, _ head: HTTPRequestHead, _ began: NIODeadline, _ context: ChannelHandlerContext
    ) {
        guard let log else { return complete(.refusal(503, "this node has no decision log, so nothing can be recorded; its log says why"), type, head, began, context) }
        state = .keeping
        let loop = context.eventLoop
        let here = NIOLoopBound((handler: self, context: context), eventLoop: loop)
        DurableAppends.append(payloads, kind: kind, to: log) { result in
            loop.execute { here.value.handler.kept(result, of: payloads.count, reply, type, head, began, here.value.context) }
        }
    }

    private func kept(
        _ result: DurableAppends.Result, of count: Int, _ reply: Reply, _ type: String, _ head: HTTPRequestHead, _ began: NIODeadline, _ context: ChannelHandlerContext
    ) {
        // The caller may have gone meanwhile; what was kept stays kept.
        guard case .keeping = state else { return follow(isKept: result.failure == nil) }
        guard let failure = result.failure else { return complete(reply, type, head, began, context) }
        metrics.unkept.add()
        let rest = count > 1 ? "\(result.kept) of \(count) were kept, and sending all again is harmless" : "nothing was answered"
        complete(.refusal(503, "it could not be recorded, so \(rest): \(failure.message)"), type, head, began, context)
    }

    private static let decisions = "/v1/decisions/"

    private func answer(_ head: HTTPRequestHead, _ body: ByteBuffer?, _ began: NIODeadline) -> (Answer, String) {
        let json = "application/json"
        if head.uri == "/v1/outcomes" { return (takeOutcomes(head, body), json) }
        guard head.uri.hasPrefix(Self.decisions) else {
            let (reply, type) = pages.answer(head.method, head.uri)
            return (.reply(reply), type)
        }
        guard head.method == .POST else { return (.reply(.refusal(405, "a decision is asked for with POST")), json) }
        guard let type = head.headers.first(name: "content-type"), Self.isJSON(type) else {
            return (.reply(.refusal(415, "a decision request is one JSON object; send it with Content-Type: application/json")), json)
        }
        let service = head.uri.dropFirst(Self.decisions.count)
        guard let body else { return (.reply(.refusal(400, "the request is empty; send one JSON object")), json) }
        return (body.withUnsafeReadableBytes { answering.answer(service: service, body: $0, began: began) }, json)
    }

    private func takeOutcomes(_ head: HTTPRequestHead, _ body: ByteBuffer?) -> Answer {
        guard head.method == .POST else { return .reply(.refusal(405, "outcomes are sent with POST")) }
        guard let type = head.headers.first(name: "content-type"), Self.isJSON(type) || type == "application/x-ndjson" else {
            return .reply(.refusal(415, "outcomes are JSON objects, one a line; send them with Content-Type: application/json or application/x-ndjson"))
        }
        guard let body else { return .reply(.refusal(400, "the request is empty; send one JSON object a line")) }
        return body.withUnsafeReadableBytes { outcomes.answer($0, followUp: &followUp) }
    }

    /// Media types are compared without case, and parameters after a semicolon do not matter.
    private static func isJSON(_ type: String) -> Bool {
        if type == "application/json" { return true }
        let name = type.prefix { $0 != ";" }
        return name.lowercased().split(separator: " ").joined(separator: " ") == "application/json"
    }

    private func refuse(_ head: HTTPRequestHead, _ reply: Reply, _ context: ChannelHandlerContext) {
        leave()
        state = .refused
        metrics.count(status: reply.status, microseconds: 0)
        write(reply, "application/json", head, isLast: true, context)
    }

    private func write(_ reply: Reply, _ type: String, _ head: HTTPRequestHead, isLast: Bool, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: type)
        headers.add(name: "content-length", value: String(reply.body.count))
        if reply.status == 503 { headers.add(name: "retry-after", value: "1") }
        if isLast { headers.add(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .init(statusCode: reply.status), headers: headers))), promise: nil)
        // An answer to HEAD tells the length and has no body; a body would be read as the next answer.
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: reply.body)))), promise: nil)
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        if isLast {
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Gives a request a fixed time from its first byte to its answer, however slowly its bytes come, and an idle connection a longer one.
final class RequestDeadline: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    /// Sent outbound by the handler that has answered.
    struct Finished: Sendable {}

    private let request: TimeAmount
    private let idle: TimeAmount
    private var deadline: NIODeadline
    private var isInRequest = false
    private var watch: RepeatedTask?

    init(request: TimeAmount, idle: TimeAmount) {
        self.request = request
        self.idle = idle
        deadline = .now() + idle
    }

    /// One task a connection that looks every second: a task a request would be the dearest thing on the hot path.
    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        watch = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            if NIODeadline.now() > handler.value.deadline { channel.close(promise: nil) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { watch?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isInRequest {
            isInRequest = true
            deadline = .now() + request
        }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Finished else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        isInRequest = false
        deadline = .now() + idle
        promise?.succeed()
    }
}
