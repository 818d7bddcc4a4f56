/// Writes one message: 64-bit words and blocks of bytes, each block filled up to a multiple of eight, so that everything in a message is
/// aligned.
struct MessageWriter {
    /// No message is longer.
    static let limit = 256 << 20

    private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: what most messages fit into without growing; a Pod takes some 370 bytes before its JSON.
    init(capacity: Int = 768) { bytes.reserveCapacity(capacity) }

    mutating func word(_ value: UInt64) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }

    mutating func block(_ start: UnsafeRawPointer?, _ count: Int) throws(WireError) {
        try checkRoom(count)
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
        fill(count)
    }

    private func checkRoom(_ count: Int) throws(WireError) {
        guard count <= Self.limit - bytes.count - 64 else {
            throw .refused("a message of more than \(Self.limit >> 20) MiB does not cross")
        }
    }

    private mutating func fill(_ count: Int) {
        let rest = -count & 7
        if rest > 0 { withUnsafeBytes(of: UInt64(0)) { bytes.append(contentsOf: $0[..<rest]) } }
    }

    /// A block with its length before it; `nil` is told from one that is empty.
    mutating func counted(_ start: UnsafeRawPointer?, _ count: Int) throws(WireError) {
        word(UInt64(count))
        try block(start, count)
    }

    mutating func counted(_ block: [UInt8]) throws(WireError) {
        word(UInt64(block.count))
        try checkRoom(block.count)
        bytes.append(contentsOf: block)
        fill(block.count)
    }

    /// In place of a counted block: there is none.
    mutating func none() { word(.max) }
}
