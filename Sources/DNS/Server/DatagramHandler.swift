import NIOCore

/// Answers what comes by UDP. A client that does not take its answers loses them.
final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    private let worker: Worker

    init(_ worker: Worker) { self.worker = worker }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let datagram = unwrapInboundIn(data)
        let client = datagram.remoteAddress
        guard context.channel.isWritable, client.port != 0 else { return }
        switch worker.respond(to: datagram.data, isDatagram: true, context.channel.allocator) {
        case .now(let reply): context.write(wrapOutboundOut(AddressedEnvelope(remoteAddress: client, data: reply)), promise: nil)
        case .later(let waiting):
            let channel = context.channel
            worker.ask(waiting) { reply in
                guard channel.isWritable else { return }
                channel.writeAndFlush(AddressedEnvelope(remoteAddress: client, data: reply), promise: nil)
            }
        case .nothing: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    /// A client that is gone is no reason to leave the others.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
