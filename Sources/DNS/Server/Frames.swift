import NIOCore

/// Messages out of a stream, where each has two bytes of length before it.
struct Frames {
    private var received = ByteBuffer()

    mutating func add(_ bytes: ByteBuffer) {
        received.discardReadBytes()
        received.writeImmutableBuffer(bytes)
    }

    /// The next message that is there as a whole.
    mutating func next() -> ByteBuffer? {
        guard let size = received.getInteger(at: received.readerIndex, as: UInt16.self), received.readableBytes >= 2 + Int(size) else {
            return nil
        }
        received.moveReaderIndex(forwardBy: 2)
        return received.readSlice(length: Int(size))
    }
}
