/// Reads one message of the far side, which may hold anything. Blocks are not copied: they are pointers into the message, which may be
/// written to.
struct MessageReader {
    private var cursor: UnsafeMutableRawPointer
    private(set) var remaining: Int

    /// `buffer` must outlive all that was read, and begin at a multiple of eight.
    init(_ buffer: UnsafeMutableRawBufferPointer) throws(WireError) {
        guard let start = buffer.baseAddress, UInt(bitPattern: start) & 7 == 0 else { throw .malformed("an empty message") }
        guard buffer.count <= MessageWriter.limit else { throw .malformed("a message of \(buffer.count) bytes") }
        cursor = start
        remaining = buffer.count
    }

    mutating func word() throws(WireError) -> UInt64 {
        guard remaining >= 8 else { throw .malformed("a message that ends early") }
        defer { advance(8) }
        return cursor.load(as: UInt64.self)
    }

    /// The next `count` bytes. Of an empty block, too, the pointer is valid.
    mutating func block(_ count: Int) throws(WireError) -> UnsafeMutableRawPointer {
        guard count >= 0, count <= remaining else { throw .malformed("a block of \(count) bytes in a message with \(remaining) left") }
        defer { advance(min(remaining, (count + 7) & ~7)) }
        return cursor
    }

    /// A block with its length before it, or `nil` where there is none.
    mutating func counted() throws(WireError) -> UnsafeMutableRawBufferPointer? {
        let count = try word()
        if count == .max { return nil }
        guard count <= UInt64(remaining) else { throw .malformed("a block of \(count) bytes in a message with \(remaining) left") }
        return UnsafeMutableRawBufferPointer(start: try block(Int(count)), count: Int(count))
    }

    /// Nothing may follow.
    func end() throws(WireError) {
        guard remaining == 0 else { throw .malformed("a message with \(remaining) bytes too many") }
    }

    private mutating func advance(_ count: Int) {
        cursor += count
        remaining -= count
    }
}
