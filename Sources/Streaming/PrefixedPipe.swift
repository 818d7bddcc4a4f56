import NIOCore
import Synchronization

/// A pipe some bytes of which have been read already.
final class PrefixedPipe: BytePipe {
    private let prefix: Mutex<ByteBuffer?>
    private let pipe: any BytePipe

    init(_ prefix: ByteBuffer, _ pipe: any BytePipe) {
        self.prefix = Mutex(prefix.readableBytes > 0 ? prefix : nil)
        self.pipe = pipe
    }

    func read() async throws -> ByteBuffer? {
        if let first = prefix.withLock({ $0.take() }) { return first }
        return try await pipe.read()
    }
    func write(_ piece: ByteBuffer) async throws { try await pipe.write(piece) }
    func close() async { await pipe.close() }
}
