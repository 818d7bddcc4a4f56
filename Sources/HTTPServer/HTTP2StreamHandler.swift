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

    init(info: ConnectionInfo) { self.info = info }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        abandon()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        abandon()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abandon()
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        current?.exchange.gate.setWritable(context.channel.isWritable)
        context.fireChannelWritabilityChanged()
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
            if trailers.endStream { current?.exchange.body?.finish() }
        case .data(let frame):
            if case .byteBuffer(let piece) = frame.data, current?.exchange.body?.push(piece) == false { reads.pause() }
            if frame.endStream { current?.exchange.body?.finish() }
        default: break
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ frame: HTTP2Frame.FramePayload.Headers) {
        began = true
        var method: HTTPRequest.Method?
        var target: String?
        var fields = HTTPFields()
        fields.reserveCapacity(frame.headers.count)
        for (name, value, _) in frame.headers {
            switch name {
            case ":method": method = HTTPRequest.Method(value)
            case ":path": target = value
            case ":authority": fields[Self.host] = value
            default:
                if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
            }
        }
        guard let method, let target else {
            context.writeAndFlush(wrapOutboundOut(.rstStream(.protocolError)), promise: nil)
            return
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let body = frame.endStream ? nil : InboundQueue { bound.execute { $0.resumeReading() } }
        let (path, query) = RequestTarget.parse(target)
        let request = Request(
            method: method, path: path, query: query, headers: fields,
            body: body.map { queue in RequestBody { try await queue.next() } } ?? RequestBody(),
            peerCertificates: info.peerCertificates, remoteAddress: info.remoteAddress)
        let exchange = Exchange(
            isHead: method == .head, body: body, wire: NIOLoopBound(self as any ResponseWire, eventLoop: context.eventLoop))
        if !context.channel.isWritable { exchange.gate.setWritable(false) }
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
        context.flush()
        // The client may go on sending a body nobody reads; it ends with the stream.
        if end { current = nil }
        return context.channel.isWritable
    }

    func abort(_ exchange: Exchange) {
        guard let context, current?.exchange === exchange else { return }
        current = nil
        context.writeAndFlush(wrapOutboundOut(.rstStream(.internalError)), promise: nil)
    }

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
