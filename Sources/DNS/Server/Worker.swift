import NIOCore

/// What one thread needs to answer: a zone, whom to ask otherwise, and what they said. It shares nothing with other threads, so that no
/// query waits for a lock.
final class Worker: @unchecked Sendable {
    // All of it but `loop` is touched on `loop` alone.
    let loop: any EventLoop
    /// By TCP, open now.
    var connections = 0
    private var responder = Responder()
    private var plan = ForwardingPlan(servers: [])
    private var cache = AnswerCache()
    private var exchanges: [AnswerCache.Key: Exchange] = [:]
    /// Servers that did not answer, and until when, in seconds, others are asked first.
    private var silent: [ForwardingPlan.Server: UInt64] = [:]

    /// Questions to others at a time, and clients that wait for the answer to one. Who comes after is told that there is none.
    private static let mostExchanges = 512
    private static let mostWaiting = 128
    private static let silence: UInt64 = 5

    init(loop: any EventLoop) { self.loop = loop }

    func take(_ zone: Zone) {
        loop.preconditionInEventLoop()
        responder.zone = zone
    }

    /// What others said before may not be what those of now say.
    func take(_ plan: ForwardingPlan) {
        loop.preconditionInEventLoop()
        (self.plan, cache, silent) = (plan, AnswerCache(), [:])
    }

    func stop() {
        loop.preconditionInEventLoop()
        for exchange in exchanges.values { exchange.cancel() }
        exchanges = [:]
    }

    // MARK: Answering

    enum Reply {
        case now(ByteBuffer)
        /// To be given to `ask`.
        case later(Waiting)
        case nothing
    }

    /// A client that waits for what others say.
    struct Waiting {
        fileprivate var elsewhere: Responder.Elsewhere
        /// Header and question as the client sent them.
        fileprivate var message: [UInt8]
        fileprivate var isDatagram: Bool

        fileprivate var key: AnswerCache.Key {
            AnswerCache.Key(
                question: elsewhere.question, wantsDNSSEC: elsewhere.query.options?.wantsDNSSEC ?? false,
                isCheckingDisabled: elsewhere.query.flags & Wire.checkingDisabled != 0)
        }
    }

    /// - Parameter message: whatever a client sent.
    func respond(to message: ByteBuffer, isDatagram: Bool, _ allocator: ByteBufferAllocator) -> Reply {
        let size = Self.size(isDatagram)
        var reply = allocator.buffer(capacity: size)
        var outcome = Responder.Outcome.nothing
        message.withUnsafeReadableBytes { message in
            _ = reply.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
                outcome = responder.respond(
                    to: message, into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<size]), isDatagram: isDatagram)
                return if case .reply(let count) = outcome { count } else { 0 }
            }
        }
        switch outcome {
        case .reply: return .now(reply)
        case .nothing: return .nothing
        case .elsewhere(let elsewhere):
            let start = message.readableBytesView.prefix(elsewhere.query.questionEnd)
            let waiting = Waiting(elsewhere: elsewhere, message: Array(start), isDatagram: isDatagram)
            guard let (answer, age) = cache.answer(waiting.key, now: now) else { return .later(waiting) }
            return .now(Self.reply(to: waiting, answer, age: age))
        }
    }

    /// Has `then` be called, once, with the answer: from others, or that there is none.
    func ask(_ waiting: Waiting, then: @escaping (ByteBuffer) -> Void) {
        func answer(_ answer: Answer?) { then(Self.reply(to: waiting, answer, age: 0)) }
        let key = waiting.key
        if let exchange = exchanges[key] {
            guard exchange.waiting.count < Self.mostWaiting else { return answer(nil) }
            exchange.waiting.append(answer)
            return
        }
        let now = now
        let servers = plan.servers(for: key.question.name)
        let (late, good) = (servers.filter { silent[$0, default: 0] > now }, servers.filter { silent[$0, default: 0] <= now })
        guard !servers.isEmpty, exchanges.count < Self.mostExchanges else { return answer(nil) }
        let exchange = Exchange(key, servers: good + late, on: loop) { [self] answer, silent in end(key, answer, silent) }
        exchange.waiting.append(answer)
        exchanges[key] = exchange
        exchange.start()
    }

    private func end(_ key: AnswerCache.Key, _ answer: Answer?, _ silent: [ForwardingPlan.Server]) {
        for server in silent { self.silent[server] = now + Self.silence }
        if let answer { cache.add(answer, for: key, now: now) }
        for waiting in exchanges.removeValue(forKey: key)?.waiting ?? [] { waiting(answer) }
    }

    private static func reply(to waiting: Waiting, _ answer: Answer?, age: UInt32) -> ByteBuffer {
        var reply = ByteBuffer()
        waiting.message.withUnsafeBytes { message in
            _ = reply.writeWithUnsafeMutableBytes(minimumWritableBytes: size(waiting.isDatagram)) { bytes in
                let bytes = UnsafeMutableRawBufferPointer(rebasing: bytes[..<size(waiting.isDatagram)])
                var writer = Responder.writer(waiting.elsewhere.query, message, bytes, isDatagram: waiting.isDatagram)
                return Responder.finish(waiting.elsewhere, answer, age: age, &writer)
            }
        }
        return reply
    }

    private static func size(_ isDatagram: Bool) -> Int { isDatagram ? Query.largestSize : Int(UInt16.max) }

    private var now: UInt64 { NIODeadline.now().uptimeNanoseconds / 1_000_000_000 }
}
