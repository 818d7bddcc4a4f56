import Glibc
import NIOCore
import NIOPosix

/// The sockets of the server: for each address on each thread one for UDP and one for TCP, all on the same port, so that the kernel spreads
/// clients over the threads.
final class Listeners: Sendable {
    /// The server cannot start: which address, and why.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let port: Int
    let workers: [Worker]
    private let group: MultiThreadedEventLoopGroup
    private let channels: [any Channel]

    /// Connections on one thread; who comes after is turned away.
    private static let mostConnections = 512
    private static let sharesPort = ChannelOptions.Types.SocketOption(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_REUSEPORT))
    private static let datagramsAtOnce = 32

    /// Listens from now on. Answers that there is no telling yet, until the workers have a zone.
    ///
    /// - Parameter port: 0 for any that is free.
    static func open(_ hosts: [String], port: Int, threads: Int) async throws -> Listeners {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(threads, 1))
        var channels: [any Channel] = []
        var port = port
        do {
            let workers = group.makeIterator().map { Worker(loop: $0) }
            for worker in workers {
                for host in hosts {
                    let datagrams = try await bindDatagrams(worker).bind(host: host, port: port).get()
                    channels.append(datagrams)
                    port = datagrams.localAddress?.port ?? port
                    channels.append(try await bindStreams(worker).bind(host: host, port: port).get())
                }
            }
            return Listeners(port, workers, group, channels)
        } catch {
            for channel in channels { try? await channel.close() }
            try? await group.shutdownGracefully()
            throw Failure(
                description:
                    "cluster DNS cannot listen on \(hosts.joined(separator: ", ")), port \(port): \((error as? IOError)?.description ?? "\(error)")"
            )
        }
    }

    private init(_ port: Int, _ workers: [Worker], _ group: MultiThreadedEventLoopGroup, _ channels: [any Channel]) {
        self.port = port
        self.workers = workers
        self.group = group
        self.channels = channels
    }

    /// Has every worker do something, on its thread.
    func tell(_ body: @escaping @Sendable (Worker) -> Void) {
        for worker in workers { worker.loop.execute { body(worker) } }
    }

    func close() async {
        for channel in channels { try? await channel.close() }
        for worker in workers { try? await worker.loop.submit { worker.stop() }.get() }
        try? await group.shutdownGracefully()
    }

    private static func bindDatagrams(_ worker: Worker) -> DatagramBootstrap {
        DatagramBootstrap(group: worker.loop)
            .channelOption(sharesPort, value: 1)
            .channelOption(.datagramVectorReadMessageCount, value: datagramsAtOnce)
            // One buffer for all of them. No query is longer.
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: datagramsAtOnce * 2048))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(DatagramHandler(worker)) }
            }
    }

    private static func bindStreams(_ worker: Worker) -> ServerBootstrap {
        ServerBootstrap(group: worker.loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(sharesPort, value: 1)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard worker.connections < mostConnections else { throw ChannelError.eof }
                    worker.connections += 1
                    channel.closeFuture.whenComplete { _ in worker.connections -= 1 }
                    try channel.pipeline.syncOperations.addHandlers([
                        IdleStateHandler(allTimeout: StreamHandler.idleTime), StreamHandler(worker),
                    ])
                }
            }
    }
}
