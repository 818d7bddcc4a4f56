import Glibc
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Synchronization

/// Serves gRPC calls of one request and one answer on a Unix socket.
final class UnaryServer: Sendable {
    enum Answer: Sendable {
        case message([UInt8])
        case failure(code: Int, message: String)
        /// The call does not end.
        case never
    }
    typealias Serve = @Sendable (_ method: String, _ request: [UInt8]) -> Answer

    private let path: String
    private let listener: any Channel
    private let connections: Connections

    private final class Connections: Sendable {
        let open = Mutex<[any Channel]>([])
    }

    init(_ path: String, _ serve: @escaping Serve) async throws {
        self.path = path
        let connections = Connections()
        self.connections = connections
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                connections.open.withLock { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(Call(serve)) }
                    }
                }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
    }

    /// Ends as a process does that is killed; its socket file goes, too.
    func stop() async {
        try? await listener.close()
        for connection in connections.open.withLock({ $0 }) { try? await connection.close() }
        unlink(path)
    }

    private final class Call: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        typealias OutboundOut = HTTP2Frame.FramePayload

        private let serve: Serve
        private var method = ""
        private var body = ByteBuffer()

        init(_ serve: @escaping Serve) { self.serve = serve }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .headers(let frame): method = String((frame.headers.first(name: ":path") ?? "").dropFirst())
            case .data(let frame):
                if case .byteBuffer(var piece) = frame.data { body.writeBuffer(&piece) }
                if frame.endStream { answer(context) }
            default: break
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            // A message has a byte and four of its length before it.
            body.moveReaderIndex(forwardBy: 5)
            let (status, text): (Int, String)
            var head: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
            switch serve(method, body.readBytes(length: body.readableBytes) ?? []) {
            case .never: return
            case .failure(let code, let message): (status, text) = (code, message)
            case .message(let bytes):
                (status, text) = (0, "")
                context.write(wrapOutboundOut(.headers(.init(headers: head))), promise: nil)
                head = [:]
                var message = context.channel.allocator.buffer(capacity: bytes.count + 5)
                message.writeInteger(UInt8(0))
                message.writeInteger(UInt32(bytes.count))
                message.writeBytes(bytes)
                context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(message)))), promise: nil)
            }
            head.add(name: "grpc-status", value: String(status))
            head.add(name: "grpc-message", value: text)
            context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: head, endStream: true))), promise: nil)
        }
    }
}
