public import NIOCore
public import Streaming
import Synchronization

/// A WebSocket after its handshake, of either side. Pings are answered and fragments put together while messages are received.
public final class WebSocketConnection: MessagePipe {
    public enum Role: Sendable { case server, client }

    public enum Message: Sendable, Equatable {
        case text(String)
        case binary([UInt8])
    }

    fileprivate struct Input {
        var buffer = ByteBuffer()
        /// The message whose fragments are coming.
        var opcode: WebSocketFrame.Opcode?
        var message: [UInt8] = []
    }

    private let pipe: any BytePipe
    private let role: Role
    private let limit: Int
    private let input = Mutex(Input())
    private let closeSent = Mutex(false)
    /// What the handshake settled on.
    public let subprotocol: String?

    /// `limit` is the size of the largest message taken; a larger one ends the connection.
    public init(_ pipe: any BytePipe, role: Role, subprotocol: String? = nil, limit: Int = 16 << 20) {
        self.pipe = pipe
        self.role = role
        self.subprotocol = subprotocol
        self.limit = limit
    }

    /// The next message, `nil` when the other side has closed. One task at a time. Throws when the other side breaks the protocol; the
    /// connection is closed then.
    public func next() async throws -> Message? {
        while true {
            do {
                while let frame = try input.withLock({ try WebSocketFrame.read(from: &$0.buffer, masked: role == .server, limit: limit) }) {
                    switch frame.opcode {
                    case .ping: try await send(.pong, frame.payload)
                    case .pong: break
                    case .close:
                        await close(code: frame.payload.getInteger(at: frame.payload.readerIndex) ?? 1000)
                        return nil
                    case .text, .binary, .continuation:
                        if let message = try input.withLock({ try $0.add(frame, limit: limit) }) { return message }
                    }
                }
            } catch let violation as WebSocketFrame.Violation {
                await close(code: violation.code, reason: violation.message)
                throw violation
            }
            guard var piece = try await pipe.read() else { return nil }
            input.withLock { input in
                input.buffer.discardReadBytes()
                input.buffer.writeBuffer(&piece)
            }
        }
    }

    /// The bytes of the next message, be it text or binary.
    public func receive() async throws -> [UInt8]? {
        switch try await next() {
        case .binary(let bytes): bytes
        case .text(let text): Array(text.utf8)
        case nil: nil
        }
    }

    public func send(_ message: [UInt8]) async throws { try await send(.binary, ByteBuffer(bytes: message)) }
    public func send(binary: ByteBuffer) async throws { try await send(.binary, binary) }
    public func send(text: String) async throws { try await send(.text, ByteBuffer(string: text)) }
    public func ping() async throws { try await send(.ping, ByteBuffer()) }

    private func send(_ opcode: WebSocketFrame.Opcode, _ payload: ByteBuffer) async throws {
        if closeSent.withLock({ $0 }) { throw ConnectionClosed() }
        try await pipe.write(WebSocketFrame(opcode: opcode, payload: payload).bytes(mask: mask()))
    }

    private func mask() -> UInt32? { role == .client ? UInt32.random(in: 0...UInt32.max) : nil }

    public func close() async { await close(code: 1000) }

    /// Says goodbye, once, and closes the connection.
    public func close(code: UInt16, reason: String = "") async {
        let first = closeSent.withLock { sent in
            defer { sent = true }
            return !sent
        }
        if first {
            var payload = ByteBuffer(integer: code)
            payload.writeBytes(reason.utf8.prefix(123))
            // The other side may be gone already.
            try? await pipe.write(WebSocketFrame(opcode: .close, payload: payload).bytes(mask: mask()))
        }
        await pipe.close()
    }
}

extension WebSocketConnection.Input {
    /// The whole message when `frame` was its last.
    fileprivate mutating func add(_ frame: WebSocketFrame, limit: Int) throws -> WebSocketConnection.Message? {
        if frame.opcode == .continuation {
            guard opcode != nil else { throw WebSocketFrame.Violation.protocolError("continuation of nothing") }
        } else {
            guard opcode == nil else { throw WebSocketFrame.Violation.protocolError("message within a message") }
            opcode = frame.opcode
        }
        guard message.count + frame.payload.readableBytes <= limit else { throw WebSocketFrame.Violation.tooLarge }
        message.append(contentsOf: frame.payload.readableBytesView)
        guard frame.isFinal else { return nil }
        defer { (opcode, message) = (nil, []) }
        guard opcode == .text else { return .binary(message) }
        guard let text = String(validating: message, as: UTF8.self) else {
            throw WebSocketFrame.Violation(code: 1007, message: "text is not UTF-8")
        }
        return .text(text)
    }
}
