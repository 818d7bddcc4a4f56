import NIOCore

/// The frames of SPDY/3.1. Header blocks are still compressed.
enum SPDYFrame: Equatable {
    case synStream(id: UInt32, associated: UInt32, block: [UInt8], fin: Bool)
    case synReply(id: UInt32, block: [UInt8], fin: Bool)
    case rstStream(id: UInt32, status: UInt32)
    case settings
    case ping(id: UInt32)
    case goAway(lastID: UInt32, status: UInt32)
    case headers(id: UInt32, block: [UInt8], fin: Bool)
    case windowUpdate(id: UInt32, delta: UInt32)
    /// A piece of a data frame as it comes; `fin` with the last one.
    case data(id: UInt32, piece: ByteBuffer, fin: Bool)
    /// A control frame with a type of the future, to be ignored.
    case unknown(type: UInt16)

    enum Status {
        static let protocolError: UInt32 = 1
        static let refusedStream: UInt32 = 3
        static let cancel: UInt32 = 5
    }

    private static let version: UInt16 = 3
    private static let finFlag: UInt8 = 1

    func write(into buffer: inout ByteBuffer) {
        switch self {
        case .synStream(let id, let associated, let block, let fin):
            Self.control(1, fin ? Self.finFlag : 0, 10 + block.count, &buffer)
            buffer.writeMultipleIntegers(id, associated, UInt16(0))
            buffer.writeBytes(block)
        case .synReply(let id, let block, let fin):
            Self.control(2, fin ? Self.finFlag : 0, 4 + block.count, &buffer)
            buffer.writeInteger(id)
            buffer.writeBytes(block)
        case .rstStream(let id, let status):
            Self.control(3, 0, 8, &buffer)
            buffer.writeMultipleIntegers(id, status)
        case .settings:
            Self.control(4, 0, 4, &buffer)
            buffer.writeInteger(UInt32(0))
        case .ping(let id):
            Self.control(6, 0, 4, &buffer)
            buffer.writeInteger(id)
        case .goAway(let lastID, let status):
            Self.control(7, 0, 8, &buffer)
            buffer.writeMultipleIntegers(lastID, status)
        case .headers(let id, let block, let fin):
            Self.control(8, fin ? Self.finFlag : 0, 4 + block.count, &buffer)
            buffer.writeInteger(id)
            buffer.writeBytes(block)
        case .windowUpdate(let id, let delta):
            Self.control(9, 0, 8, &buffer)
            buffer.writeMultipleIntegers(id, delta)
        case .data(let id, let piece, let fin):
            buffer.writeInteger(id)
            buffer.writeInteger(UInt32(fin ? Self.finFlag : 0) << 24 | UInt32(piece.readableBytes))
            buffer.writeImmutableBuffer(piece)
        case .unknown: preconditionFailure("only frames of this version are sent")
        }
    }

    private static func control(_ type: UInt16, _ flags: UInt8, _ length: Int, _ buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(0x8000 | version, type, UInt32(flags) << 24 | UInt32(length))
    }

    fileprivate init(control type: UInt16, version: UInt16, flags: UInt8, body: inout ByteBuffer) throws {
        guard version == Self.version else { throw SPDYError("version \(version) is not supported") }
        let fin = flags & Self.finFlag != 0
        func word() throws -> UInt32 {
            guard let word: UInt32 = body.readInteger() else { throw SPDYError("control frame \(type) is too short") }
            return word
        }
        func id() throws -> UInt32 { try word() & 0x7FFF_FFFF }
        func rest() -> [UInt8] { body.readBytes(length: body.readableBytes) ?? [] }
        switch type {
        case 1:
            let (id, associated) = (try id(), try id())
            guard body.readInteger(as: UInt16.self) != nil else { throw SPDYError("control frame \(type) is too short") }
            self = .synStream(id: id, associated: associated, block: rest(), fin: fin)
        case 2: self = .synReply(id: try id(), block: rest(), fin: fin)
        case 3: self = .rstStream(id: try id(), status: try word())
        case 4: self = .settings
        case 6: self = .ping(id: try word())
        case 7: self = .goAway(lastID: try id(), status: try word())
        case 8: self = .headers(id: try id(), block: rest(), fin: fin)
        case 9: self = .windowUpdate(id: try id(), delta: try id())
        default: self = .unknown(type: type)
        }
    }
}

/// Cuts a stream of bytes into frames; data comes out as it comes in.
struct SPDYFrameParser {
    private static let controlLimit = 1 << 18
    private var buffer = ByteBuffer()
    private var data: (id: UInt32, left: Int, fin: Bool)?

    mutating func feed(_ piece: ByteBuffer) {
        buffer.discardReadBytes()
        buffer.writeImmutableBuffer(piece)
    }

    /// The next frame, `nil` when more bytes are needed.
    mutating func next() throws -> SPDYFrame? {
        if let data { return take(data) }
        guard let first: UInt32 = buffer.getInteger(at: buffer.readerIndex),
            let second: UInt32 = buffer.getInteger(at: buffer.readerIndex + 4)
        else { return nil }
        let flags = UInt8(second >> 24)
        let length = Int(second & 0xFF_FFFF)
        guard first & 0x8000_0000 != 0 else {
            buffer.moveReaderIndex(forwardBy: 8)
            return take((first, length, flags & 1 != 0))
        }
        guard length <= Self.controlLimit else { throw SPDYError("control frame is larger than \(Self.controlLimit) bytes") }
        guard buffer.readableBytes >= 8 + length else { return nil }
        buffer.moveReaderIndex(forwardBy: 8)
        var body = buffer.readSlice(length: length) ?? ByteBuffer()
        return try SPDYFrame(control: UInt16(first & 0xFFFF), version: UInt16(first >> 16 & 0x7FFF), flags: flags, body: &body)
    }

    private mutating func take(_ data: (id: UInt32, left: Int, fin: Bool)) -> SPDYFrame? {
        let piece = buffer.readSlice(length: min(data.left, buffer.readableBytes)) ?? ByteBuffer()
        let left = data.left - piece.readableBytes
        self.data = left > 0 ? (data.id, left, data.fin) : nil
        if left > 0, piece.readableBytes == 0 { return nil }
        return .data(id: data.id, piece: piece, fin: data.fin && left == 0)
    }
}
