/// The fields of one protobuf message, as far as the few messages read here need it: strings by number, and nothing of the rest.
struct ProtobufFields {
    /// Length-delimited fields with their numbers, in the order they stand. What comes after a malformed field is left out.
    static func lengthDelimited(_ message: [UInt8]) -> [(number: UInt64, bytes: [UInt8])] {
        var result: [(UInt64, [UInt8])] = []
        var offset = 0
        func varint() -> UInt64? {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while offset < message.count, shift < 64 {
                let byte = message[offset]
                offset += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            return nil
        }
        while let tag = varint() {
            switch tag & 7 {
            case 0: guard varint() != nil else { return result }
            case 1: offset += 8
            case 2:
                guard let count = varint(), count <= UInt64(message.count - offset) else { return result }
                result.append((tag >> 3, Array(message[offset..<offset + Int(count)])))
                offset += Int(count)
            case 5: offset += 4
            default: return result
            }
        }
        return result
    }

    /// A message with one field of bytes and, if given, one number.
    static func encode(_ number: UInt8, _ bytes: some Collection<UInt8>, _ second: (number: UInt8, value: UInt64)? = nil) -> [UInt8] {
        var result = [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
        if let second, second.value != 0 { result += [second.number << 3] + varint(second.value) }
        return result
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var result: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return result + [UInt8(rest)]
    }
}
