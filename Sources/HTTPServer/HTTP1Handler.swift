import HTTPTypes
import NIOCore
import NIOHTTP1
import Streaming

/// One HTTP/1.1 connection: one exchange after the other; what a client pipelines waits its turn, and past a little of it the connection is
/// not read.
final class HTTP1Handler: ChannelDuplexHandler, RemovableChannelHandler, ResponseWire {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Of a body the responder did not read, so much is thrown away to keep the connection.
    private static let discardLimit = 256 * 1024

    private struct Current {
        var exchange: Exchange
        var task: Task<Void, Never>
        var encoder: HTTP1Encoder
        var wantsUpgrade: Bool
        /// The client may stop reading for as long as it likes.
        var mayPause = false
    }

    private let info: ConnectionInfo
    private var context: ChannelHandlerContext?
    private var head: HTTPRequestHead?
    private var current: Current?
    /// The current request has been read to its end.
    private var requestEnded = true
    private var discarded: Int?
    private var backlog = CircularBuffer<HTTPServerRequestPart>()
    private var reads = ReadGate()
    private var quiescing = false
    /// The last response is being sent; what the client still sends is not looked at.
    private var ending = false
    /// When the body of the current request must be whole.
    private var bodyEnd = NIODeadline.distantFuture
    private var deadline: Deadline { info.connection.deadline }

    init(info: ConnectionInfo) { self.info = info }

    // MARK: the connection

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelInactive(context: ChannelHandlerContext) {
        abandon()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let status = Self.refusal(of: error), current == nil else { return context.fireErrorCaught(error) }
        refuse(status)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            quiescing = true
            if current == nil { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        current?.exchange.gate.setWritable(isWritable)
        if isWritable { deadline.clear(.output) } else if current?.mayPause != true { deadline.set(.output, in: info.limits.stall) }
        context.fireChannelWritabilityChanged()
    }

    /// For the next piece of the body.
    private func waitForBody() { deadline.set(.input, min(.now() + TimeAmount(info.limits.bodyPause), bodyEnd)) }

    func read(context: ChannelHandlerContext) {
        if reads.mayRead() { context.read() }
    }

    private func resumeReading() {
        if reads.resume() { context?.read() }
    }

    private func abandon() {
        guard let current else { return }
        current.exchange.abandon()
        current.task.cancel()
        self.current = nil
    }

    private static func refusal(of error: any Error) -> String? {
        switch error {
        case HTTPParserError.headerOverflow, is ByteToMessageDecoderError.PayloadTooLargeError: "431 Request Header Fields Too Large"
        case is HTTPParserError: "400 Bad Request"
        default: nil
        }
    }

    private func refuse(_ status: String) {
        closing(
            after: ByteBuffer(
                string: "HTTP/1.1 \(status)\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\(status)"))
    }

    private func closing(after last: ByteBuffer) {
        guard let context else { return }
        ending = true
        deadline.clear(.input)
        deadline.set(.output, in: info.limits.stall)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in self.context?.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(last), promise: written)
    }

    // MARK: requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !ending { take(unwrapInboundIn(data)) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // A head whose body is still on its way; a request that is here whole was begun at its end.
        begin(withBody: true)
        context.fireChannelReadComplete()
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            guard current == nil, backlog.isEmpty else { return wait(part) }
            self.head = head
            requestEnded = false
        case .body(let piece):
            guard backlog.isEmpty else { return wait(part) }
            begin(withBody: true)
            if let discarded {
                self.discarded = discarded + piece.readableBytes
                if discarded > Self.discardLimit { context?.close(promise: nil) }
                waitForBody()
            } else if current?.exchange.body?.push(piece) == false {
                reads.pause()
                // It is the responder that is waited for now.
                deadline.clear(.input)
            } else {
                waitForBody()
            }
        case .end:
            guard backlog.isEmpty else { return wait(part) }
            begin(withBody: false)
            current?.exchange.body?.finish()
            requestEnded = true
            deadline.clear(.input)
            if discarded != nil { next() }
        }
    }

    private func wait(_ part: HTTPServerRequestPart) {
        backlog.append(part)
        reads.pause()
    }

    private func begin(withBody: Bool) {
        guard let head, let context else { return }
        self.head = nil
        info.connection.began()
        if withBody {
            bodyEnd = .now() + TimeAmount(info.limits.body)
            waitForBody()
        }
        if withBody, head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }
        guard let method = HTTPRequest.Method(head.method.rawValue) else {
            return refuse("400 Bad Request")
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let body = withBody ? InboundQueue { bound.execute { $0.bodyWanted() } } : nil
        let target = RequestTarget.parse(head.uri, limit: info.limits.parameters)
        let info = target == nil ? info.refusing(.uriTooLong) : info
        let request = Request(
            method: method, path: target?.path ?? "", query: target?.query ?? [], headers: HTTPFields(head.headers),
            body: body.map { queue in RequestBody { try await queue.next() } } ?? RequestBody(),
            peerCertificates: info.peerCertificates, remoteAddress: info.remoteAddress)
        let exchange = Exchange(
            isHead: method == .head, body: body, wire: NIOLoopBound(self as any ResponseWire, eventLoop: context.eventLoop))
        let wantsUpgrade =
            head.headers.contains(name: "upgrade") && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
        // The decoder reads no further after a request to upgrade, so without one the connection ends with it.
        let keepAlive = head.isKeepAlive && !head.headers.contains(name: "upgrade")
        current = Current(
            exchange: exchange, task: exchange.start(request, info),
            encoder: HTTP1Encoder(chunks: head.version == .http1_1, keepAlive: keepAlive), wantsUpgrade: wantsUpgrade)
        if !context.channel.isWritable { exchange.gate.setWritable(false) }
    }

    /// The responder has room for more of the body.
    private func bodyWanted() {
        if !requestEnded { waitForBody() }
        resumeReading()
    }

    /// The exchange is over both ways: on to the next one.
    private func next() {
        discarded = nil
        info.connection.ended()
        if quiescing, backlog.isEmpty {
            context?.close(promise: nil)
            return
        }
        let waiting = backlog
        backlog.removeAll()
        for part in waiting { take(part) }
        if backlog.isEmpty {
            begin(withBody: true)
            resumeReading()
        }
    }

    // MARK: responses

    func write(_ exchange: Exchange, head: ResponseHead?, body: ByteBuffer, end: Bool) -> Bool {
        guard let context, let current, current.exchange === exchange else { return false }
        var encoder = current.encoder
        if let head {
            if quiescing { encoder.keepAlive = false }
            context.write(wrapOutboundOut(encoder.head(head, body: exchange.isHead ? nil : body, end: end)), promise: nil)
        } else {
            encoder.body(body, end: end && !exchange.isHead) { context.write(wrapOutboundOut($0), promise: nil) }
        }
        self.current?.encoder = encoder
        if end, !encoder.keepAlive {
            self.current = nil
            closing(after: ByteBuffer())
            return false
        }
        context.flush()
        if end {
            self.current = nil
            if requestEnded {
                next()
            } else {
                discarded = 0
                bodyWanted()
            }
        }
        return context.channel.isWritable
    }

    func allowPauses(_ exchange: Exchange) {
        guard current?.exchange === exchange else { return }
        current?.mayPause = true
        deadline.clear(.output)
    }

    func abort(_ exchange: Exchange) {
        guard current?.exchange === exchange else { return }
        current = nil
        context?.close(promise: nil)
    }

    func upgrade(_ exchange: Exchange, headers: HTTPFields) throws -> ChannelPipe? {
        guard let context, var current, current.exchange === exchange else { throw ConnectionClosed() }
        guard current.wantsUpgrade else { return nil }
        var fields = headers
        fields[.connection] = "Upgrade"
        context.writeAndFlush(
            wrapOutboundOut(current.encoder.head(ResponseHead(status: .switchingProtocols, headers: fields), body: nil, end: true)),
            promise: nil)
        let operations = context.pipeline.syncOperations
        let connection = try ChannelPipe(on: context.channel)
        info.connections.addUpgraded(current.task, of: context.channel)
        for wait in [Deadline.Wait.input, .output] { deadline.clear(wait) }
        self.current = nil
        // First this handler, which expects HTTP, then the decoder, which passes on what it has read of the new protocol.
        let decoder = try operations.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
        operations.removeHandler(context: context, promise: nil)
        operations.removeHandler(context: decoder, promise: nil)
        return connection
    }
}

extension HTTPFields {
    init(_ headers: HTTPHeaders) {
        self.init()
        reserveCapacity(headers.count)
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { append(HTTPField(name: name, value: value)) }
        }
    }
}
