internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// One call on its HTTP/2 stream: writes the request whole, then takes messages until the status comes. Completes its promise exactly once.
final class GRPCCallHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let call: GRPCCall
    private var ended: EventLoopPromise<Void>?
    private var input = ByteBuffer()
    private var alarm: Scheduled<Void>?

    /// What containerd itself keeps to.
    private static let messageLimit = 16 << 20

    init(_ call: GRPCCall, _ ended: EventLoopPromise<Void>) {
        self.call = call
        self.ended = ended
    }

    func channelActive(context: ChannelHandlerContext) {
        guard call.begin(on: context.channel) else { return fail(GRPCFailure(code: "Canceled", message: "context canceled"), context) }
        var body = context.channel.allocator.buffer(capacity: call.request.count + 5)
        body.writeInteger(UInt8(0))
        body.writeInteger(UInt32(call.request.count))
        body.writeBytes(call.request)
        context.write(wrapOutboundOut(.headers(.init(headers: call.headers))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(body), endStream: true))), promise: nil)
        if let timeout = call.timeout {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            alarm = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
                let (me, context) = bound.value
                me.fail(GRPCFailure(code: "DeadlineExceeded", message: "context deadline exceeded"), context)
            }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .data(let frame):
            guard case .byteBuffer(var piece) = frame.data else { return }
            input.writeBuffer(&piece)
            takeMessages(context)
        case .headers(let frame):
            if frame.headers.contains(name: "grpc-status") {
                takeStatus(frame.headers, context)
            } else if let status = frame.headers.first(name: ":status"), status != "200" {
                fail(GRPCFailure(code: "Unavailable", message: "unexpected HTTP status code received from server: \(status)"), context)
            }
        default: break
        }
    }

    private func takeMessages(_ context: ChannelHandlerContext) {
        while let isCompressed: UInt8 = input.getInteger(at: input.readerIndex),
            let count: UInt32 = input.getInteger(at: input.readerIndex + 1)
        {
            guard isCompressed == 0, count <= Self.messageLimit else {
                return fail(
                    GRPCFailure(
                        code: "Internal", message: "the server sent a message that is \(isCompressed == 0 ? "too large" : "compressed")"),
                    context)
            }
            guard input.readableBytes >= 5 + Int(count) else { break }
            input.moveReaderIndex(forwardBy: 5)
            call.receive(input.readBytes(length: Int(count)) ?? [])
        }
        input.discardReadBytes()
    }

    private func takeStatus(_ headers: HPACKHeaders, _ context: ChannelHandlerContext) {
        let status = headers.first(name: "grpc-status").flatMap { Int($0) } ?? 2
        guard status != 0 else { return complete(.success(()), context) }
        complete(.failure(GRPCFailure(status: status, message: Self.decoded(headers.first(name: "grpc-message") ?? ""))), context)
    }

    /// A message's bytes that are not printable ASCII stand as `%` and two digits.
    private static func decoded(_ text: String) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                result.append(value)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(GRPCFailure(code: "Unavailable", message: "transport error: \(error)"), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        complete(.failure(GRPCFailure(code: "Unavailable", message: "error reading from server: EOF")), context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // The stream could not even be opened.
        complete(.failure(GRPCFailure(code: "Unavailable", message: "the connection is closing")), context)
    }

    private func fail(_ error: GRPCFailure, _ context: ChannelHandlerContext) {
        complete(.failure(error), context)
        context.close(promise: nil)
    }

    private func complete(_ result: Result<Void, any Error>, _ context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = nil
        ended.take()?.completeWith(result)
    }
}
