// What one connection may take: time for a request's head, a least rate for its body, and room for what nobody reads.
internal import NIOCore
internal import NIOHTTP1

/// Bounds on slow and oversized clients.
package struct ConnectionLimits: Sendable {
    /// From the connection's start or the end of an answer until the next request's head is complete. One byte now and then does not extend it.
    package var headSeconds = 10
    /// A body must bring `bodyBytesPerWindow` in each window in which this server was waiting for it.
    package var bodyWindowSeconds = 10
    package var bodyBytesPerWindow = 40 * 1024
    /// What is read and thrown away of a body that was already answered, before the connection is closed.
    package var discardBytes = 256 * 1024
    package var discardSeconds = 2
    package var headerBytes = 32 * 1024
    package var headerCount = 100
    package var connections = 1024

    package init() {}
}

/// Sits behind the request decoder. Hummingbird has an idle timeout only, reads an unread body to its end whatever its length, and answers
/// what does not parse with an empty 400.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: ConnectionLimits
    private var timer: Scheduled<Void>?
    /// Requests whose answer has not ended.
    private var open = 0
    private var isReadingBody = false
    private var bytesInWindow = 0
    private var isWaitingForData = false
    /// Bytes that may still be thrown away; `nil` while the body is wanted.
    private var discard: Int?
    private var isRefused = false

    init(limits: ConnectionLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { awaitHead(context) } }
    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelActive(context: ChannelHandlerContext) {
        awaitHead(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        isWaitingForData = true
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isWaitingForData = false
        context.fireChannelReadComplete()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .head:
            open += 1
            isReadingBody = true
            discard = nil
            watchBody(context)
        case .body(let bytes):
            bytesInWindow += bytes.readableBytes
            if let left = discard {
                discard = left - bytes.readableBytes
                if left < bytes.readableBytes { context.close(promise: nil) }
                return
            }
        case .end:
            isReadingBody = false
            discard = nil
            if open == 0 { awaitHead(context) } else { timer?.cancel() }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard case .end = unwrapOutboundIn(data) else { return }
        open -= 1
        guard open == 0 else { return }
        if isReadingBody {
            discard = limits.discardBytes
            schedule(context, seconds: limits.discardSeconds) { $0.close(promise: nil) }
        } else {
            awaitHead(context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, open == 0 else {
            context.fireErrorCaught(error)
            return
        }
        guard !isRefused else { return }
        isRefused = true
        let isTooLong = error == .headerOverflow
        let message = isTooLong ? "the request's head is too long" : "this is no HTTP request"
        let body = #"{"error":{"category":"invalid","message":"\#(message)","rule":"head"}}"#
        let head = HTTPResponseHead(
            version: .http1_1, status: isTooLong ? .requestHeaderFieldsTooLarge : .badRequest,
            headers: ["Content-Type": "application/json", "Content-Length": "\(body.utf8.count)", "Connection": "close", "X-Content-Type-Options": "nosniff"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(string: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // The rest is still on its way: closing at once would reset the connection before the answer is read.
        context.close(mode: .output, promise: nil)
        schedule(context, seconds: limits.discardSeconds) { $0.close(promise: nil) }
    }

    private func awaitHead(_ context: ChannelHandlerContext) {
        schedule(context, seconds: limits.headSeconds) { $0.close(promise: nil) }
    }

    private func watchBody(_ context: ChannelHandlerContext) {
        bytesInWindow = 0
        schedule(context, seconds: limits.bodyWindowSeconds) { [self] context in
            if isWaitingForData && bytesInWindow < limits.bodyBytesPerWindow {
                context.close(promise: nil)
            } else {
                watchBody(context)
            }
        }
    }

    private func schedule(_ context: ChannelHandlerContext, seconds: Int, _ body: @escaping (ChannelHandlerContext) -> Void) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Int64(seconds))) { body(context) }
    }
}
