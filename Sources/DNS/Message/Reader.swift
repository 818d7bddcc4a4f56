/// The bytes are no DNS message.
struct Malformed: Error {}

/// Reads a message from beginning to end. Never reads outside of `bytes`, whatever they are.
struct Reader {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func uint8() throws(Malformed) -> UInt8 {
        guard position < bytes.count else { throw Malformed() }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func uint16() throws(Malformed) -> UInt16 {
        guard bytes.count - position >= 2 else { throw Malformed() }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func uint32() throws(Malformed) -> UInt32 {
        let high = try uint16()
        return UInt32(high) << 16 | UInt32(try uint16())
    }

    mutating func take(_ count: Int) throws(Malformed) -> UnsafeRawBufferPointer {
        guard count >= 0, bytes.count - position >= count else { throw Malformed() }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    /// The name here, which may go on at an earlier place. Every jump leads further back than the one before it, so that there is an end.
    mutating func name() throws(Malformed) -> Name {
        var name: [UInt8] = []
        name.reserveCapacity(64)
        var place = position
        var floor = position
        var end: Int?
        while place < bytes.count {
            let length = Int(bytes[place])
            switch length {
            case 0:
                name.append(0)
                position = end ?? place + 1
                return Name(checked: name)
            case 1...63:
                guard bytes.count - place > length, name.count + length + 2 <= Name.limit else { throw Malformed() }
                name.append(UInt8(length))
                for index in (place + 1)...(place + length) { name.append(Name.lowercase(bytes[index])) }
                place += length + 1
            case 192...255:
                guard place + 1 < bytes.count, case let target = (length & 63) << 8 | Int(bytes[place + 1]), target < floor else {
                    throw Malformed()
                }
                end = end ?? place + 2
                (place, floor) = (target, target)
            default: throw Malformed()
            }
        }
        throw Malformed()
    }
}
