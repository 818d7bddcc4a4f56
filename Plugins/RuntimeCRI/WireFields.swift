/// The fields of one protobuf message as they come, for the few that this plugin looks into itself. What follows a malformed field is left
/// out.
struct WireFields: Sequence, IteratorProtocol {
    enum Content {
        case number(UInt64)
        case bytes(ArraySlice<UInt8>)
    }

    private var rest: ArraySlice<UInt8>

    init(_ message: some Collection<UInt8>) { rest = ArraySlice(message) }

    mutating func next() -> (number: UInt64, content: Content)? {
        while let tag = varint() {
            switch tag & 7 {
            case 0: return varint().map { (tag >> 3, .number($0)) }
            case 1: rest = rest.dropFirst(8)
            case 2:
                guard let count = varint(), count <= UInt64(rest.count) else { return nil }
                defer { rest = rest.dropFirst(Int(count)) }
                return (tag >> 3, .bytes(rest.prefix(Int(count))))
            case 5: rest = rest.dropFirst(4)
            default: return nil
            }
        }
        return nil
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// The string field with that number, empty when there is none.
    static func string(_ number: UInt64, in message: some Collection<UInt8>) -> String {
        String(decoding: bytes(number, in: message), as: UTF8.self)
    }

    /// The last field with that number, empty when there is none.
    static func bytes(_ number: UInt64, in message: some Collection<UInt8>) -> ArraySlice<UInt8> {
        var found: ArraySlice<UInt8> = []
        for case (number, .bytes(let bytes)) in WireFields(message) { found = bytes }
        return found
    }

    /// The number with that field number, 0 when there is none.
    static func number(_ number: UInt64, in message: some Collection<UInt8>) -> UInt64 {
        var found: UInt64 = 0
        for case (number, .number(let value)) in WireFields(message) { found = value }
        return found
    }

    /// A message of one string.
    static func message(_ number: UInt8, _ text: String) -> [UInt8] {
        var bytes = [number << 3 | 2]
        var count = text.utf8.count
        while count > 0x7f {
            bytes.append(UInt8(count & 0x7f) | 0x80)
            count >>= 7
        }
        return bytes + [UInt8(count)] + text.utf8
    }
}
