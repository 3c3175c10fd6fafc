// One connection's requests, on SwiftNIO's HTTP/1 codec.
internal import NIOCore
internal import NIOHTTP1
internal import Primitives

/// The state of a request as its parts arrive. Owned by the channel's event loop; no task, no lock but the snapshot's.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// → reading, refused
        case idle
        /// → idle
        case reading(HTTPRequestHead, ByteBuffer?)
        /// Answered before its end; the connection closes.
        case refused
    }

    private var state = State.idle
    private var answering: DecisionAnswering
    private let pages: StatusPages
    private let metrics: ServingMetrics

    init(answering: DecisionAnswering, pages: StatusPages, metrics: ServingMetrics) {
        self.answering = answering
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
        case (.head, .reading), (.body, .idle), (.end, .idle): context.close(promise: nil)
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
        if case .reading = state { metrics.end() }
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
        leave()
        state = .idle
        let (reply, type) = answer(head, body)
        write(reply, type, head, isLast: !head.isKeepAlive || metrics.isDraining, context)
        metrics.count(status: reply.status, microseconds: (NIODeadline.now() - began).nanoseconds / 1000)
        context.triggerUserOutboundEvent(RequestDeadline.Finished(), promise: nil)
    }

    private static let decisions = "/v1/decisions/"

    private func answer(_ head: HTTPRequestHead, _ body: ByteBuffer?) -> (Reply, String) {
        let json = "application/json"
        guard head.uri.hasPrefix(Self.decisions) else { return pages.answer(head.method, head.uri) }
        guard head.method == .POST else { return (.refusal(405, "a decision is asked for with POST"), json) }
        guard let type = head.headers.first(name: "content-type"), Self.isJSON(type) else {
            return (.refusal(415, "a decision request is one JSON object; send it with Content-Type: application/json"), json)
        }
        let service = head.uri.dropFirst(Self.decisions.count)
        guard let body else { return (.refusal(400, "the request is empty; send one JSON object"), json) }
        return (body.withUnsafeReadableBytes { answering.answer(service: service, body: $0) }, json)
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
