internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2
internal import NIOPosix
internal import Synchronization

/// Serves gRPC calls of one request on a Unix socket, without TLS. Safe from any thread and any task.
public final class GRPCServer: Sendable {
    /// Hears of a call on its connection's own thread, which must not be held up. The call ends by `reply.end` or with its connection.
    public typealias Serve = @Sendable (_ method: String, _ request: [UInt8], _ reply: GRPCReply) -> Void

    private let listener: any Channel
    private let connections: Connections

    private final class Connections: Sendable {
        private struct State {
            var isOver = false
            var open: [ObjectIdentifier: any Channel] = [:]
        }
        private let state = Mutex(State())

        /// One that comes after the end is refused.
        func add(_ channel: any Channel) -> Bool {
            let key = ObjectIdentifier(channel)
            let isWelcome = state.withLock { state in
                if !state.isOver { state.open[key] = channel }
                return !state.isOver
            }
            channel.closeFuture.whenComplete { _ in self.state.withLock { $0.open[key] = nil } }
            return isWelcome
        }

        func end() -> [any Channel] {
            state.withLock { state in
                state.isOver = true
                return Array(state.open.values)
            }
        }
    }

    private init(_ listener: any Channel, _ connections: Connections) { (self.listener, self.connections) = (listener, connections) }

    /// Listens. A socket that lies there already is replaced. Throws what the system says.
    public static func listen(on path: String, _ serve: @escaping Serve) async throws -> GRPCServer {
        let connections = Connections()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                guard connections.add(channel) else {
                    return channel.eventLoop.makeFailedFuture(GRPCFailure(code: "Unavailable", message: "the server is closing"))
                }
                return channel.eventLoop.makeCompletedFuture {
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(GRPCServing(serve)) }
                    }
                }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        return GRPCServer(listener, connections)
    }

    /// Ends all calls and connections, as a process does that ends.
    public func stop() async {
        try? await listener.close()
        for connection in connections.end() { try? await connection.close() }
    }
}

/// The answer to one call. What is said after its end, or that of its connection, goes nowhere. Safe from any thread and any task.
public final class GRPCReply: Sendable {
    private let channel: any Channel
    private enum State { case fresh, begun, ended }
    private let state = Mutex(State.fresh)

    init(_ channel: any Channel) { self.channel = channel }

    /// Sends a message; a call can have many.
    public func send(_ message: [UInt8]) {
        state.withLock { state in
            guard state != .ended else { return }
            if state == .fresh { channel.write(HTTP2Frame.FramePayload.headers(.init(headers: Self.head)), promise: nil) }
            state = .begun
            var body = channel.allocator.buffer(capacity: message.count + 5)
            body.writeInteger(UInt8(0))
            body.writeInteger(UInt32(message.count))
            body.writeBytes(message)
            channel.writeAndFlush(HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(body))), promise: nil)
        }
    }

    /// Ends the call, well unless there is a failure.
    public func end(_ failure: GRPCFailure? = nil) {
        state.withLock { state in
            guard state != .ended else { return }
            var headers = state == .fresh ? Self.head : [:]
            state = .ended
            headers.add(name: "grpc-status", value: String(failure?.status ?? 0))
            headers.add(name: "grpc-message", value: Self.encoded(failure?.message ?? ""))
            channel.writeAndFlush(HTTP2Frame.FramePayload.headers(.init(headers: headers, endStream: true)), promise: nil)
        }
    }

    private static let head: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]

    /// Bytes that are not printable ASCII, and `%`, stand as `%` and two digits.
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                result.append(Character(Unicode.Scalar(byte)))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return result
    }
}

/// Takes one call's request whole.
private final class GRPCServing: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let serve: GRPCServer.Serve
    private var method = ""
    private var body = ByteBuffer()

    /// What Go's servers take.
    private static let limit = 4 << 20

    init(_ serve: @escaping GRPCServer.Serve) { self.serve = serve }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame): method = String((frame.headers.first(name: ":path") ?? "").dropFirst())
        case .data(let frame):
            if case .byteBuffer(var piece) = frame.data { body.writeBuffer(&piece) }
            let isTooLarge = body.readableBytes > Self.limit
            guard frame.endStream || isTooLarge else { return }
            let reply = GRPCReply(context.channel)
            // A message has a byte and four of its length before it.
            guard !isTooLarge, let isCompressed: UInt8 = body.readInteger(), let count: UInt32 = body.readInteger(), isCompressed == 0,
                body.readableBytes == Int(count)
            else { return reply.end(GRPCFailure(code: "Internal", message: "the request is not one message that can be read")) }
            serve(method, body.readBytes(length: body.readableBytes) ?? [], reply)
        default: break
        }
    }
}
