public import NIOCore

/// A connection's bytes in both directions.
public protocol BytePipe: Sendable {
    /// The next bytes, `nil` when the other side is done. One task at a time.
    func read() async throws -> ByteBuffer?
    /// Returns when the connection can take more. Any task; whole pieces are never mixed.
    func write(_ piece: ByteBuffer) async throws
    /// Sends what was written, then closes both directions. Idempotent.
    func close() async
}

/// A connection that keeps messages apart, as a WebSocket does.
public protocol MessagePipe: Sendable {
    /// The next message, `nil` when the other side is done. One task at a time.
    func receive() async throws -> [UInt8]?
    /// Returns when the connection can take more. Any task.
    func send(_ message: [UInt8]) async throws
    /// Idempotent.
    func close() async
}
