import HTTPTypes
import NIOCore
import NIOHPACK
import NIOHTTP2
import Streaming

/// One HTTP/2 stream: one exchange. NIO holds the windows; a body that is not read is not granted more of its window.
final class HTTP2StreamHandler: ChannelDuplexHandler, ResponseWire {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Under HTTP/1.1's name, so that a responder finds it in one place.
    private static let host = HTTPField.Name("Host")!

    private let info: ConnectionInfo
    private var context: ChannelHandlerContext?
    private var current: (exchange: Exchange, task: Task<Void, Never>)?
    private var began = false
    private var reads = ReadGate()
    /// Made when the stream has to wait for its client; most never do.
    private var deadline: Deadline?
    private var bodyEnd = NIODeadline.distantFuture
    private var mayPause = false
    private var isBodyEnded = false
    private var isOver = false

    init(info: ConnectionInfo) { self.info = info }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        abandon()
        over()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        abandon()
        over()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abandon()
        context.close(promise: nil)
    }

    private func over() {
        guard !isOver else { return }
        isOver = true
        if began { info.connection.ended() }
        if let deadline { info.connections.forget(deadline) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        current?.exchange.gate.setWritable(isWritable)
        if isWritable { deadline?.clear(.output) } else if !mayPause { wait(.output, .now() + TimeAmount(info.limits.stall)) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: patience

    private func wait(_ wait: Deadline.Wait, _ end: NIODeadline) {
        guard !isOver, let context else { return }
        if deadline == nil {
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            let new = Deadline { bound.execute { $0.giveUp() } }
            info.connections.watch(new)
            deadline = new
        }
        deadline?.set(wait, end)
    }

    private func waitForBody() { wait(.input, min(.now() + TimeAmount(info.limits.bodyPause), bodyEnd)) }

    private func giveUp() {
        guard !isOver, let context else { return }
        abandon()
        context.writeAndFlush(wrapOutboundOut(.rstStream(.cancel)), promise: nil)
    }

    /// The responder has room for more of the body.
    private func bodyWanted() {
        if !isBodyEnded { waitForBody() }
        resumeReading()
    }

    func read(context: ChannelHandlerContext) {
        if reads.mayRead() { context.read() }
    }

    private func resumeReading() {
        if reads.resume() { context?.read() }
    }

    private func abandon() {
        guard let current else { return }
        self.current = nil
        current.exchange.abandon()
        current.task.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame) where !began: begin(context, frame)
        case .headers(let trailers):
            if trailers.endStream { bodyEnded() }
        case .data(let frame):
            waitForBody()
            if case .byteBuffer(let piece) = frame.data, current?.exchange.body?.push(piece) == false {
                reads.pause()
                deadline?.clear(.input)
            }
            if frame.endStream { bodyEnded() }
        default: break
        }
    }

    private func bodyEnded() {
        current?.exchange.body?.finish()
        isBodyEnded = true
        deadline?.clear(.input)
    }

    private func begin(_ context: ChannelHandlerContext, _ frame: HTTP2Frame.FramePayload.Headers) {
        began = true
        info.connection.began()
        isBodyEnded = frame.endStream
        if !frame.endStream {
            bodyEnd = .now() + TimeAmount(info.limits.body)
            waitForBody()
        }
        var method: HTTPRequest.Method?
        var target: String?
        var fields = HTTPFields()
        fields.reserveCapacity(frame.headers.count)
        for (name, value, _) in frame.headers {
            switch name {
            case ":method": method = HTTPRequest.Method(value)
            case ":path": target = value
            case ":authority": fields.append(HTTPField(name: Self.host, value: value))
            default:
                if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
            }
        }
        guard let method, let target else {
            context.writeAndFlush(wrapOutboundOut(.rstStream(.protocolError)), promise: nil)
            return
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let body = frame.endStream ? nil : InboundQueue { bound.execute { $0.bodyWanted() } }
        let parsed = RequestTarget.parse(target, limit: info.limits.parameters)
        let info = parsed == nil ? info.refusing(.uriTooLong) : info
        let request = Request(
            method: method, path: parsed?.path ?? "", query: parsed?.query ?? [], headers: fields,
            body: body.map { queue in RequestBody { try await queue.next() } } ?? RequestBody(),
            peerCertificates: info.peerCertificates, remoteAddress: info.remoteAddress)
        let exchange = Exchange(
            isHead: method == .head, body: body, wire: NIOLoopBound(self as any ResponseWire, eventLoop: context.eventLoop))
        if !context.channel.isWritable {
            exchange.gate.setWritable(false)
            wait(.output, .now() + TimeAmount(info.limits.stall))
        }
        current = (exchange, exchange.start(request, info))
    }

    func write(_ exchange: Exchange, head: ResponseHead?, body: ByteBuffer, end: Bool) -> Bool {
        guard let context, current?.exchange === exchange else { return false }
        let hasBody = body.readableBytes > 0 && !exchange.isHead
        if let head {
            context.write(wrapOutboundOut(.headers(.init(headers: HPACKHeaders(head), endStream: end && !hasBody))), promise: nil)
        }
        if hasBody || (end && head == nil) {
            context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(body), endStream: end))), promise: nil)
        }
        // What ends well is not abandoned when the stream closes.
        if end { current = nil }
        context.flush()
        // What the client does not take, or a body that nobody reads, keeps the stream, for a while.
        if end { wait(.output, .now() + TimeAmount(info.limits.stall)) }
        return context.channel.isWritable
    }

    func allowPauses(_ exchange: Exchange) {
        guard current?.exchange === exchange else { return }
        mayPause = true
        deadline?.clear(.output)
    }

    func abort(_ exchange: Exchange) {
        guard let context, current?.exchange === exchange else { return }
        current = nil
        // Not in one record with what was written before: a client that reads both at once may pass over the data.
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.reset() }
    }

    private func reset() { context?.writeAndFlush(wrapOutboundOut(.rstStream(.internalError)), promise: nil) }

    func upgrade(_ exchange: Exchange, headers: HTTPFields) -> ChannelPipe? { nil }
}

extension HPACKHeaders {
    fileprivate init(_ head: ResponseHead) {
        self.init()
        reserveCapacity(head.headers.count + 3)
        add(name: ":status", value: String(head.status.code))
        for field in head.headers where field.name != .connection && field.name != .transferEncoding && field.name != .contentLength {
            add(name: field.name.canonicalName, value: field.value)
        }
        if !head.headers.contains(.date) { add(name: "date", value: HTTPDate.now()) }
        if let length = head.length, head.status.code != 204, head.status.code != 304 { add(name: "content-length", value: String(length)) }
    }
}
