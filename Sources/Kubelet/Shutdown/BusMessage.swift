/// A message of D-Bus: as much of it as talking to logind takes. Numbers are little-endian.
struct BusMessage: Equatable, Sendable {
    enum Kind: UInt8, Sendable {
        case call = 1
        case answer, error, signal
    }

    /// What a call takes.
    enum Argument: Equatable, Sendable {
        case string(String)
        case int32(Int32)
    }

    var kind: Kind
    var serial: UInt32 = 0
    var replySerial: UInt32 = 0
    var path = ""
    var interface = ""
    var member = ""
    /// The name of an error.
    var error = ""
    var destination = ""
    var signature = ""
    /// How many descriptors come with it.
    var descriptors: UInt32 = 0
    var body: [UInt8] = []

    /// No message that is waited for is longer.
    static let limit = 1 << 20
    /// Where its length can be read from.
    static let headLength = 16

    init(_ kind: Kind) { self.kind = kind }

    /// A call of logind, of systemd or of the bus itself.
    init(call member: String, of interface: String, at path: String, to destination: String, _ arguments: [Argument] = []) {
        kind = .call
        (self.member, self.interface, self.path, self.destination) = (member, interface, path, destination)
        var writer = Writer()
        for argument in arguments {
            switch argument {
            case .string(let text):
                signature += "s"
                writer.string(text)
            case .int32(let number):
                signature += "i"
                writer.uint32(UInt32(bitPattern: number))
            }
        }
        body = writer.bytes
    }

    // MARK: Bytes

    var bytes: [UInt8] {
        var fields = Writer()
        func add(_ code: UInt8, _ type: String, _ write: (inout Writer) -> Void) {
            fields.align(8)
            fields.bytes.append(code)
            fields.signature(type)
            write(&fields)
        }
        for (code, type, text) in [(1, "o", path), (2, "s", interface), (3, "s", member), (4, "s", error), (6, "s", destination)]
        where !text.isEmpty { add(UInt8(code), type) { $0.string(text) } }
        if replySerial > 0 { add(5, "u") { $0.uint32(replySerial) } }
        if !signature.isEmpty { add(8, "g") { $0.signature(signature) } }
        if descriptors > 0 { add(9, "u") { $0.uint32(descriptors) } }
        var message = Writer()
        message.bytes = [UInt8(ascii: "l"), kind.rawValue, 0, 1]
        message.uint32(UInt32(body.count))
        message.uint32(serial)
        message.uint32(UInt32(fields.bytes.count))
        message.bytes += fields.bytes
        message.align(8)
        return message.bytes + body
    }

    /// How long a message is that begins with these `headLength` bytes; `nil` when it is none, or longer than anything that is waited for.
    static func length(_ head: [UInt8]) -> Int? {
        var reader = Reader(bytes: head)
        guard reader.byte() == UInt8(ascii: "l"), reader.skip(3), let body = reader.uint32(), reader.skip(4), let fields = reader.uint32(),
            body <= limit, fields <= limit
        else { return nil }
        return headLength + (Int(fields) + 7) / 8 * 8 + Int(body)
    }

    /// `nil` when that is no whole message.
    init?(_ bytes: [UInt8]) {
        guard let length = Self.length(bytes), length == bytes.count else { return nil }
        var reader = Reader(bytes: bytes)
        guard reader.skip(1), let kind = reader.byte().flatMap(Kind.init), reader.skip(2), let count = reader.uint32(),
            let serial = reader.uint32(), let fields = reader.uint32()
        else { return nil }
        (self.kind, self.serial) = (kind, serial)
        let end = Self.headLength + Int(fields)
        while reader.position < end {
            guard reader.align(8), let code = reader.byte(), let type = reader.signature() else { return nil }
            let text: String
            let number: UInt32
            switch type {
            case "s", "o":
                guard let value = reader.string() else { return nil }
                (text, number) = (value, 0)
            case "g":
                guard let value = reader.signature() else { return nil }
                (text, number) = (value, 0)
            case "u":
                guard let value = reader.uint32() else { return nil }
                (text, number) = ("", value)
            default: return nil
            }
            switch code {
            case 1: path = text
            case 2: interface = text
            case 3: member = text
            case 4: error = text
            case 5: replySerial = number
            case 6: destination = text
            case 8: signature = text
            case 9: descriptors = number
            default: break
            }
        }
        guard reader.position == end else { return nil }
        body = Array(bytes[(bytes.count - Int(count))...])
    }

    // MARK: What is in it

    /// The first thing in its body; `nil` when that is something else.
    var string: String? {
        var reader = Reader(bytes: body)
        return signature.hasPrefix("s") ? reader.string() : nil
    }
    var bool: Bool? {
        var reader = Reader(bytes: body)
        return signature.hasPrefix("b") ? reader.uint32().map { $0 != 0 } : nil
    }
    /// A number of 64 bits in a variant, as properties are answered.
    var number: UInt64? {
        var reader = Reader(bytes: body)
        guard signature == "v", reader.signature() == "t", reader.align(8), let low = reader.uint32(), let high = reader.uint32() else {
            return nil
        }
        return UInt64(high) << 32 | UInt64(low)
    }

    struct Writer {
        var bytes: [UInt8] = []

        mutating func align(_ size: Int) { while bytes.count % size != 0 { bytes.append(0) } }
        mutating func uint32(_ value: UInt32) {
            align(4)
            withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        }
        mutating func string(_ text: String) {
            uint32(UInt32(text.utf8.count))
            bytes += Array(text.utf8) + [0]
        }
        mutating func signature(_ text: String) { bytes += [UInt8(truncatingIfNeeded: text.utf8.count)] + Array(text.utf8) + [0] }
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func skip(_ count: Int) -> Bool {
            guard count <= bytes.count - position else { return false }
            position += count
            return true
        }
        mutating func align(_ size: Int) -> Bool { skip((size - position % size) % size) }
        mutating func byte() -> UInt8? { take(1)?.first }
        mutating func uint32() -> UInt32? {
            guard align(4), let bytes = take(4) else { return nil }
            return bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        mutating func string() -> String? { uint32().flatMap { text(Int($0)) } }
        mutating func signature() -> String? { byte().flatMap { text(Int($0)) } }
        private mutating func text(_ count: Int) -> String? {
            guard let bytes = take(count), take(1)?.first == 0 else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= bytes.count - position else { return nil }
            defer { position += count }
            return bytes[position..<position + count]
        }
    }
}
