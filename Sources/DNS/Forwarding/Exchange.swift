import Glibc
import NIOCore
import NIOPosix

/// Asks others one question: one server after the other, each for a while, until one knows or the time is over.
///
/// Every attempt has a port and a number of its own, drawn at random: an answer that somebody forges must guess both. What does not answer
/// the question is not heard. An answer that was cut off is asked for again over TCP.
final class Exchange: @unchecked Sendable {
    // All of it is touched on the event loop of its worker alone.
    private let loop: any EventLoop
    private let key: AnswerCache.Key
    private let servers: [ForwardingPlan.Server]
    private let done: (Answer?, _ silent: [ForwardingPlan.Server]) -> Void
    /// Who waits for the answer.
    var waiting: [(Answer?) -> Void] = []

    private var attempt = 0
    private var id: UInt16 = 0
    private var channel: (any Channel)?
    private var timer: Scheduled<Void>?
    private var strays = 0
    private var silent: [ForwardingPlan.Server] = []
    /// What a server said that could not answer: better than nothing.
    private var refusal: Answer?
    private var isOver = false

    /// All attempts together end before the resolver of a pod asks again, after five seconds.
    static let attempts = 3
    static let patience = TimeAmount.milliseconds(1500)
    /// So many wrong answers to one attempt, and it is given up.
    private static let mostStrays = 32

    /// - Parameters:
    ///   - servers: at least one; those that are to be asked first come first.
    ///   - done: is called once, with `nil` when nobody could be reached, and with those that did not answer.
    init(
        _ key: AnswerCache.Key, servers: [ForwardingPlan.Server], on loop: any EventLoop,
        done: @escaping (Answer?, _ silent: [ForwardingPlan.Server]) -> Void
    ) {
        self.key = key
        self.servers = servers
        self.loop = loop
        self.done = done
    }

    func start() {
        guard attempt < Self.attempts, attempt == 0 || servers.count > 1 || refusal == nil else { return end(refusal) }
        ask(overStream: false)
    }

    /// Gives up, without an answer.
    func cancel() {
        isOver = true
        close()
    }

    private var server: ForwardingPlan.Server { servers[attempt % servers.count] }

    private func ask(overStream: Bool) {
        close()
        id = UInt16.random(in: .min ... .max)
        strays = 0
        let current = attempt
        timer = loop.scheduleTask(in: Self.patience) { [self] in fail(current) }
        guard let address = SocketAddress(server) else { return fail(current) }
        let opening = overStream ? openStream(address, current) : openDatagram(address, current)
        opening.assumeIsolated().whenComplete { [self] result in
            guard case .success(let channel) = result else { return fail(current) }
            guard current == attempt, !isOver else { return channel.close(promise: nil) }
            self.channel = channel
            if overStream {
                var frame = channel.allocator.buffer(capacity: 512)
                frame.writeInteger(UInt16(clamping: query.count))
                frame.writeBytes(query)
                channel.writeAndFlush(frame, promise: nil)
            } else {
                let datagram = AddressedEnvelope(remoteAddress: address, data: channel.allocator.buffer(bytes: query))
                channel.writeAndFlush(datagram, promise: nil)
            }
        }
    }

    private func openDatagram(_ address: SocketAddress, _ current: Int) -> EventLoopFuture<any Channel> {
        DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096))
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramListener(self, current))
                }
            }
            .connect(to: address)
    }

    private func openStream(_ address: SocketAddress, _ current: Int) -> EventLoopFuture<any Channel> {
        ClientBootstrap(group: loop)
            .connectTimeout(Self.patience)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(StreamListener(self, current)) }
            }
            .connect(to: address)
    }

    private var query: [UInt8] {
        let flags = Wire.recursionDesired | (key.isCheckingDisabled ? Wire.checkingDisabled : 0)
        func words(_ words: [UInt16]) -> [UInt8] { words.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
        return words([id, flags, 1, 0, 0, 1]) + key.question.name.bytes + words([key.question.type.rawValue, Wire.internet]) + [0]
            + words([RecordType.opt.rawValue, UInt16(Query.largestSize), 0, key.wantsDNSSEC ? UInt16(Wire.wantsDNSSEC) : 0, 0])
    }

    // MARK: What is heard

    /// - Parameter isWhole: over TCP, where nobody else can put in a word.
    fileprivate func hear(_ bytes: UnsafeRawBufferPointer, _ current: Int, isWhole: Bool) {
        guard current == attempt, !isOver else { return }
        guard let message = try? Message(bytes), message.isResponse, message.id == id, message.questions == [key.question] else {
            strays += 1
            if isWhole || strays > Self.mostStrays { fail(current) }
            return
        }
        if message.isTruncated, !isWhole { return ask(overStream: true) }
        let answer = Answer(message)
        guard answer.code == .noError || answer.code == .nameError else {
            refusal = answer
            return next()
        }
        end(answer)
    }

    fileprivate func fail(_ current: Int) {
        guard current == attempt, !isOver else { return }
        silent.append(server)
        next()
    }

    private func next() {
        attempt += 1
        start()
    }

    private func end(_ answer: Answer?) {
        isOver = true
        close()
        done(answer, silent)
    }

    private func close() {
        timer?.cancel()
        channel?.close(promise: nil)
        (timer, channel) = (nil, nil)
    }
}

extension SocketAddress {
    /// `nil` where it is to be reached by a link that is not there.
    fileprivate init?(_ server: ForwardingPlan.Server) {
        let parts = server.host.split(separator: "%", maxSplits: 1)
        guard var address = try? SocketAddress(ipAddress: String(parts[0]), port: server.port) else { return nil }
        if parts.count == 2, case .v6(let ipv6) = address {
            let link = if_nametoindex(String(parts[1]))
            guard link != 0 else { return nil }
            // The last of `struct sockaddr_in6`, `sin6_scope_id`, whose members are not sure to be seen here.
            var name = ipv6.address
            withUnsafeMutableBytes(of: &name) { $0.storeBytes(of: link, toByteOffset: 24, as: UInt32.self) }
            address = SocketAddress(name, host: "")
        }
        self = address
    }
}

private final class DatagramListener: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let exchange: Exchange
    private let attempt: Int

    init(_ exchange: Exchange, _ attempt: Int) { (self.exchange, self.attempt) = (exchange, attempt) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).data.withUnsafeReadableBytes { exchange.hear($0, attempt, isWhole: false) }
    }

    /// Nobody listens there.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { exchange.fail(attempt) }
}

private final class StreamListener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let exchange: Exchange
    private let attempt: Int
    private var frames = Frames()

    init(_ exchange: Exchange, _ attempt: Int) { (self.exchange, self.attempt) = (exchange, attempt) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        frames.add(unwrapInboundIn(data))
        if let frame = frames.next() { frame.withUnsafeReadableBytes { exchange.hear($0, attempt, isWhole: true) } }
    }

    func channelInactive(context: ChannelHandlerContext) { exchange.fail(attempt) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { exchange.fail(attempt) }
}
