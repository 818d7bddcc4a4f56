import NIOCore

/// Answers what comes over one TCP connection, each query when its answer is there.
///
/// A client that sends more than it takes answers for is not read from meanwhile; one that does nothing is left.
final class StreamHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    static let idleTime = TimeAmount.seconds(10)
    private static let mostWaiting = 64

    private let worker: Worker
    private var frames = Frames()
    private var waiting = 0
    private var isReadHeld = false

    init(_ worker: Worker) { self.worker = worker }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        frames.add(unwrapInboundIn(data))
        work(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        goOn(context)
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) { if isFull(context) { isReadHeld = true } else { context.read() } }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) } else { context.fireUserInboundEventTriggered(event) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func isFull(_ context: ChannelHandlerContext) -> Bool { waiting >= Self.mostWaiting || !context.channel.isWritable }

    private func work(_ context: ChannelHandlerContext) {
        while !isFull(context), let message = frames.next() {
            switch worker.respond(to: message, isDatagram: false, context.channel.allocator) {
            case .now(let reply): send(reply, context)
            case .later(let query):
                waiting += 1
                worker.ask(query) { [self] reply in
                    waiting -= 1
                    guard context.channel.isActive else { return }
                    send(reply, context)
                    context.flush()
                    goOn(context)
                }
            // A stream of what is no query is no client's.
            case .nothing: return context.close(promise: nil)
            }
        }
    }

    private func goOn(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        work(context)
        context.flush()
        guard isReadHeld, !isFull(context) else { return }
        isReadHeld = false
        context.read()
    }

    private func send(_ reply: ByteBuffer, _ context: ChannelHandlerContext) {
        var size = context.channel.allocator.buffer(capacity: 2)
        size.writeInteger(UInt16(clamping: reply.readableBytes))
        context.write(wrapOutboundOut(size), promise: nil)
        context.write(wrapOutboundOut(reply), promise: nil)
    }
}
