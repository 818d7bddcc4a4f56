import NIOCore

/// Stands before the decoder and starts the clock of a head with its first byte.
final class HeadClock: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.headBegan()
        context.fireChannelRead(data)
    }
}
