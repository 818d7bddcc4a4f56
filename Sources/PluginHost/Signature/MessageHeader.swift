/// The first sixteen bytes of every message.
struct MessageHeader {
    enum Kind: UInt8 {
        /// Calls slot `slot` of table `table`.
        case call = 1
        /// Calls function `slot` of the callbacks lent under `id`.
        case lentCallback
        /// Calls function `slot` of the callbacks that stand in argument `table` of the call with serial `id`, which is still under way on
        /// the sender's thread.
        case nestedCallback
        /// The answer to the last call on this line that has none yet; `id` is the result.
        case answer
        /// The callee has written more than `id` bytes into a sink. Nothing follows on this line.
        case flooded
    }
    var kind: Kind
    var table: UInt8 = 0
    var slot: UInt8 = 0
    /// The sender's number for the call, so that callbacks can name it.
    var serial: UInt32 = 0
    var id: UInt64 = 0

    func write(to writer: inout MessageWriter) {
        writer.word(UInt64(kind.rawValue) | UInt64(table) << 8 | UInt64(slot) << 16 | UInt64(serial) << 32)
        writer.word(id)
    }

    var message: [UInt8] {
        var writer = MessageWriter(capacity: 16)
        write(to: &writer)
        return writer.bytes
    }
}

extension MessageHeader {
    init(_ reader: inout MessageReader) throws(WireError) {
        let word = try reader.word()
        guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: word)) else { throw .malformed("a message of kind \(word & 0xff)") }
        self.init(
            kind: kind, table: UInt8(truncatingIfNeeded: word >> 8), slot: UInt8(truncatingIfNeeded: word >> 16),
            serial: UInt32(truncatingIfNeeded: word >> 32),
            id: try reader.word())
    }
}
