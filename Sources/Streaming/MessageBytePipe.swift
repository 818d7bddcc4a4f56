public import NIOCore

/// A byte pipe through messages whose borders mean nothing: SPDY inside a WebSocket.
public struct MessageBytePipe: BytePipe {
    private let messages: any MessagePipe

    public init(_ messages: any MessagePipe) { self.messages = messages }

    public func read() async throws -> ByteBuffer? { try await messages.receive().map { ByteBuffer(bytes: $0) } }
    public func write(_ piece: ByteBuffer) async throws { try await messages.send(Array(piece.readableBytesView)) }
    public func close() async { await messages.close() }
}
