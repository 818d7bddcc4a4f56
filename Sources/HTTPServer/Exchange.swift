import HTTPTypes
import NIOCore
import Streaming

/// One request on its way to its response: runs the responder in a task of its own and passes on what it answers.
final class Exchange: Sendable {
    /// Written at once, as one piece; what is larger waits for the connection piece by piece.
    private static let pieceSize = 256 * 1024

    let isHead: Bool
    /// What is still to come of the request's body; `nil` when it has none.
    let body: InboundQueue?
    let gate = OutboundGate()
    private let wire: NIOLoopBound<any ResponseWire>

    init(isHead: Bool, body: InboundQueue?, wire: NIOLoopBound<any ResponseWire>) {
        self.isHead = isHead
        self.body = body
        self.wire = wire
    }

    /// The client is gone or the connection is being closed.
    func abandon() {
        gate.fail(ConnectionClosed())
        body?.finish(.failure(ConnectionClosed()))
    }

    func run(_ request: Request, _ responder: any Responder) async {
        switch await responder.respond(to: request) {
        case .full(let status, let headers, let pieces): await full(ResponseHead(status: status, headers: headers), pieces)
        case .stream(let status, let headers, let write): await stream(ResponseHead(status: status, headers: headers), write)
        case .upgrade(let headers, let run): await upgrade(headers, run)
        }
    }

    private func full(_ head: ResponseHead, _ pieces: [[UInt8]]) async {
        var head = head
        let length = pieces.reduce(0) { $0 + $1.count }
        head.length = length
        if length <= Self.pieceSize || isHead {
            var whole = ByteBufferAllocator().buffer(capacity: isHead ? 0 : length)
            if !isHead { for piece in pieces { whole.writeBytes(piece) } }
            wire.execute { [whole, head] in $0.write(self, head: head, body: whole, end: true) }
            return
        }
        do {
            wire.execute { [head] in $0.write(self, head: head, body: ByteBuffer(), end: false) }
            try await send(pieces, length)
            wire.execute { $0.write(self, head: nil, body: ByteBuffer(), end: true) }
        } catch {
            wire.execute { $0.abort(self) }
        }
    }

    /// Small pieces are put together and large ones are cut, each byte copied once.
    private func send(_ pieces: [[UInt8]], _ length: Int) async throws {
        var left = length
        var buffer = ByteBufferAllocator().buffer(capacity: min(left, Self.pieceSize))
        for piece in pieces {
            // Most fit, and there are thousands of them.
            if piece.count < Self.pieceSize - buffer.readableBytes {
                buffer.writeBytes(piece)
                continue
            }
            var rest = piece[...]
            while !rest.isEmpty {
                let part = rest.prefix(Self.pieceSize - buffer.readableBytes)
                buffer.writeBytes(part)
                rest = rest.dropFirst(part.count)
                guard buffer.readableBytes == Self.pieceSize else { continue }
                try await send(buffer)
                left -= Self.pieceSize
                buffer = ByteBufferAllocator().buffer(capacity: min(left, Self.pieceSize))
            }
        }
        try await send(buffer)
    }

    private func stream(_ head: ResponseHead, _ write: @Sendable (BodyWriter) async throws -> Void) async {
        wire.execute { $0.write(self, head: head, body: ByteBuffer(), end: false) }
        let writer = BodyWriter(
            executor: LoopExecutor.of(wire.eventLoop), write: { try await self.send($0) },
            allowPauses: { self.wire.execute { $0.allowPauses(self) } })
        do {
            if !isHead { try await write(writer) }
            wire.execute { $0.write(self, head: nil, body: ByteBuffer(), end: true) }
        } catch {
            wire.execute { $0.abort(self) }
        }
    }

    private func send(_ piece: ByteBuffer) async throws {
        let bytes = piece.readableBytes
        // An empty chunk would end the body.
        guard bytes > 0 else { return }
        try gate.charge(bytes)
        wire.execute {
            let writable = $0.write(self, head: nil, body: piece, end: false)
            self.gate.settle(bytes, writable: writable)
        }
        try await gate.pass()
    }

    private func upgrade(_ headers: HTTPFields, _ run: @Sendable (any RawConnection) async throws -> Void) async {
        let connection = try? await wire.eventLoop.submit { try self.wire.value.upgrade(self, headers: headers) }.get()
        guard let connection else {
            return await full(
                ResponseHead(status: .badRequest, headers: [.contentType: "text/plain; charset=utf-8"]),
                [Array("upgrade request required\n".utf8)])
        }
        // What broke the connection off has no one left to be told to.
        try? await run(connection)
        await connection.close()
    }
}

/// A response without its body.
struct ResponseHead: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    /// `nil` when the body is streamed.
    var length: Int?
}

/// Puts one response at a time on a connection. Event loop only. Whatever comes for an exchange that is no longer current is dropped.
protocol ResponseWire: AnyObject {
    /// Writes what there is and flushes once. Returns whether the connection can take more.
    @discardableResult
    func write(_ exchange: Exchange, head: ResponseHead?, body: ByteBuffer, end: Bool) -> Bool
    /// The client may stop reading for as long as it likes.
    func allowPauses(_ exchange: Exchange)
    /// Breaks the response off so that the client sees that it is not whole.
    func abort(_ exchange: Exchange)
    /// Answers 101 and hands over the connection, `nil` when the request asked for no upgrade.
    func upgrade(_ exchange: Exchange, headers: HTTPFields) throws -> ChannelPipe?
}

/// What all requests of one connection share.
struct ConnectionInfo: Sendable {
    var peerCertificates: [[UInt8]]
    var remoteAddress: String
    var responder: any Responder
    var connections: Connections
    var connection: Connection
    var limits: Limits

    /// Answers what nobody needs to be asked about.
    func refusing(_ status: HTTPResponse.Status) -> ConnectionInfo {
        var info = self
        info.responder = Refusal(status: status)
        return info
    }
}

/// Answers every request alike.
private struct Refusal: Responder {
    let status: HTTPResponse.Status

    func respond(to request: Request) async -> Response {
        .full(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: [Array("\(status.code) \(status.reasonPhrase)\n".utf8)])
    }
}

extension Exchange {
    /// Starts the task, which the handler owns and cancels, on the connection's event loop: a request whose answer is in memory wakes no
    /// other thread.
    func start(_ request: Request, _ info: ConnectionInfo) -> Task<Void, Never> {
        info.connections.taskStarted()
        return Task(executorPreference: LoopExecutor.of(wire.eventLoop)) {
            await self.run(request, info.responder)
            info.connections.taskEnded()
        }
    }
}
