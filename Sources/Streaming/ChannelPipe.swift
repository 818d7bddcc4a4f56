public import NIOCore

/// A channel's bytes as a pipe: after an upgrade, and of a dialled connection.
public final class ChannelPipe: BytePipe {
    private let channel: any Channel
    private let queue: InboundQueue
    private let gate = OutboundGate()
    private let handler: NIOLoopBound<ChannelPipeHandler>

    /// Adds itself at the end of the channel's pipeline, where bytes must arrive and be accepted as `ByteBuffer`. Event loop only.
    package init(on channel: any Channel) throws {
        let handler = ChannelPipeHandler()
        let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        let queue = InboundQueue { bound.execute { $0.resumeReading() } }
        self.channel = channel
        self.queue = queue
        self.handler = bound
        handler.queue = queue
        handler.gate = gate
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    public func read() async throws -> ByteBuffer? { try await queue.next() }

    public func write(_ piece: ByteBuffer) async throws {
        let bytes = piece.readableBytes
        try gate.charge(bytes)
        handler.execute { $0.write(piece, charged: bytes) }
        try await gate.pass()
    }

    public func close() async {
        handler.execute { $0.closeWhenWritten() }
        // Only ever succeeds; NIO fails it for no reason but its own shutdown, when the channel is gone as well.
        try? await channel.closeFuture.get()
    }
}

extension NIOLoopBound {
    /// Runs `body` on the event loop, at once when already there.
    package func execute(_ body: @escaping @Sendable (Value) -> Void) {
        if eventLoop.inEventLoop { body(value) } else { eventLoop.execute { body(value) } }
    }
}

/// The event loop's end of a `ChannelPipe`.
final class ChannelPipeHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var queue: InboundQueue?
    var gate: OutboundGate?
    private var context: ChannelHandlerContext?
    private var paused = false
    private var readWanted = false
    private var unwritten = 0
    private var closing = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        end(.failure(ConnectionClosed()))
        // The queue holds on to this handler to resume reading.
        queue = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if queue?.push(unwrapInboundIn(data)) == false { paused = true }
    }

    func read(context: ChannelHandlerContext) {
        if paused { readWanted = true } else { context.read() }
    }

    func resumeReading() {
        paused = false
        guard readWanted else { return }
        readWanted = false
        context?.read()
    }

    func write(_ piece: ByteBuffer, charged bytes: Int) {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        unwritten += 1
        context.writeAndFlush(wrapOutboundOut(piece), promise: written)
        written.futureResult.assumeIsolated().whenComplete { _ in
            self.unwritten -= 1
            if self.closing { self.closeWhenWritten() }
        }
        gate?.settle(bytes, writable: context.channel.isWritable)
    }

    /// What was written is sent first: closing a channel drops what it has not sent.
    /// How long a peer may take to read what was written before the end.
    private static let patience = TimeAmount.seconds(5)

    func closeWhenWritten() {
        closing = true
        guard unwritten > 0 else {
            context?.close(promise: nil)
            return
        }
        // A peer that reads no more must not keep the connection for ever.
        if let channel = context?.channel { channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) } }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        gate?.setWritable(context.channel.isWritable)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { queue?.finish() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.success(()))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failure(error))
        context.close(promise: nil)
    }

    private func end(_ result: Result<Void, any Error>) {
        queue?.finish(result)
        gate?.fail(ConnectionClosed())
    }
}
