import NIOCore

/// Sends together what the streams of one connection write in one turn of the event loop, each flushing for itself: one packet where there
/// would be as many as streams, and one record of TLS where there would be two or three for each of them, since every frame is written in
/// pieces.
final class FlushGatherer: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// As much as goes into one record. What is larger than a quarter of it is not copied.
    private static let record = 16 * 1024

    /// What was written and is not passed on yet, and who is told when it is out.
    private var gathered = ByteBuffer()
    private var promise: EventLoopPromise<Void>?
    private var isDue = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let piece = unwrapOutboundIn(data)
        let isSmall = piece.readableBytes <= Self.record / 4
        if !isSmall || gathered.readableBytes + piece.readableBytes > Self.record { passOn(context) }
        guard isSmall else { return context.write(data, promise: promise) }
        gathered.writeImmutableBuffer(piece)
        guard let promise else { return }
        if let first = self.promise { first.futureResult.cascade(to: promise) } else { self.promise = promise }
    }

    private func passOn(_ context: ChannelHandlerContext) {
        guard gathered.readableBytes > 0 || promise != nil else { return }
        context.write(wrapOutboundOut(gathered), promise: promise)
        // No connection keeps room for what it may write some day.
        gathered = ByteBuffer()
        promise = nil
    }

    func flush(context: ChannelHandlerContext) {
        guard !isDue else { return }
        isDue = true
        // Runs when the loop has done what is to be done already.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (gatherer, context) = bound.value
            gatherer.flushNow(context)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        passOn(context)
        flushNow(context)
        context.close(mode: mode, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        isDue = false
        promise?.fail(ChannelError.ioOnClosedChannel)
        promise = nil
    }

    private func flushNow(_ context: ChannelHandlerContext) {
        guard isDue else { return }
        isDue = false
        passOn(context)
        context.flush()
    }
}
