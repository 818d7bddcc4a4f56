package import NIOCore
import NIOPosix

/// Opens plain connections.
public enum Dial {
    /// Throws `NetworkError` with the address when nobody answers.
    public static func tcp(host: String, port: Int, timeout: Duration = .seconds(10)) async throws -> ChannelPipe {
        try await tcp(host: host, port: port, timeout: timeout) { _ in }
    }

    public static func unix(path: String, timeout: Duration = .seconds(10)) async throws -> ChannelPipe {
        try await connect(path, timeout: timeout) { $0.connect(unixDomainSocketPath: path) }
    }

    /// `configure` puts handlers, TLS for one, in front of the pipe; `admits` is asked with the IP address that the name came to.
    package static func tcp(
        host: String, port: Int, timeout: Duration, admits: @Sendable (String) -> Bool = { _ in true },
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> ChannelPipe {
        guard (0...65535).contains(port) else { throw NetworkError("cannot connect to \(host):\(port): invalid port") }
        return try await connect("\(host):\(port)", timeout: timeout, admits: admits, configure: configure) {
            $0.connect(host: host, port: port)
        }
    }

    private static func connect(
        _ address: String, timeout: Duration, admits: @Sendable (String) -> Bool = { _ in true },
        configure: @escaping @Sendable (any Channel) throws -> Void = { _ in },
        _ start: (ClientBootstrap) -> EventLoopFuture<any Channel>
    ) async throws -> ChannelPipe {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let made = loop.makePromise(of: ChannelPipe.self)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try configure(channel)
                    let pipe = try ChannelPipe(on: channel)
                    channel.closeFuture.whenComplete { _ in made.fail(ConnectionClosed()) }
                    made.succeed(pipe)
                }
            }
        do {
            let channel = try await start(bootstrap).get()
            if let peer = channel.remoteAddress?.ipAddress, !admits(peer) {
                channel.close(promise: nil)
                throw NetworkError("address not allowed")
            }
            return try await made.futureResult.get()
        } catch {
            made.fail(error)
            throw NetworkError("cannot connect to \(address): \(reason(error))", cause: error)
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: error.reasonText
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first?.error { reason(failure) } else { "no such host" }
        case is ChannelError: "timed out"
        default: "\(error)"
        }
    }
}
