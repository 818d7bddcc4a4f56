import Logging
import NIOCore

/// The end of every connection's pipeline: what nobody handled is logged and ends the connection.
final class ConnectionErrorHandler: ChannelInboundHandler {
    typealias InboundIn = Any

    private let log: Logger
    init(_ log: Logger) { self.log = log }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        log.debug("connection error", metadata: ["peer": "\(context.remoteAddress.map { "\($0)" } ?? "unknown")", "error": "\(error)"])
        context.close(promise: nil)
    }
}
