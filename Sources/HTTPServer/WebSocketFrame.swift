import NIOCore

/// One frame of RFC 6455, and its bytes.
struct WebSocketFrame: Equatable {
    enum Opcode: UInt8 {
        case continuation = 0
        case text, binary
        case close = 8
        case ping, pong
        var isControl: Bool { rawValue >= 8 }
    }

    var opcode: Opcode
    var isFinal = true
    var payload: ByteBuffer

    /// What is wrong with what the other side sent, as the close code says it.
    struct Violation: Error, CustomStringConvertible {
        var code: UInt16
        var message: String
        static func protocolError(_ message: String) -> Violation { Violation(code: 1002, message: message) }
        static let tooLarge = Violation(code: 1009, message: "message too large")
        var description: String { "websocket: \(message)" }
    }

    /// Takes one frame off `buffer`; `nil` when it is not whole yet. `masked`: what the other side must do.
    static func read(from buffer: inout ByteBuffer, masked: Bool, limit: Int) throws -> WebSocketFrame? {
        let start = buffer.readerIndex
        guard let first: UInt8 = buffer.getInteger(at: start), let second: UInt8 = buffer.getInteger(at: start + 1) else { return nil }
        guard first & 0x70 == 0 else { throw Violation.protocolError("reserved bits are set") }
        guard let opcode = Opcode(rawValue: first & 0x0F) else { throw Violation.protocolError("unknown opcode \(first & 0x0F)") }
        guard (second & 0x80 != 0) == masked else { throw Violation.protocolError(masked ? "frame is not masked" : "frame is masked") }
        var index = start + 2
        var length = UInt64(second & 0x7F)
        if length == 126 {
            guard let long: UInt16 = buffer.getInteger(at: index) else { return nil }
            (length, index) = (UInt64(long), index + 2)
        } else if length == 127 {
            guard let long: UInt64 = buffer.getInteger(at: index) else { return nil }
            (length, index) = (long, index + 8)
        }
        let isFinal = first & 0x80 != 0
        if opcode.isControl, length > 125 || !isFinal { throw Violation.protocolError("control frame is long or fragmented") }
        guard length <= UInt64(limit) else { throw Violation.tooLarge }
        var mask: UInt32 = 0
        if masked {
            guard let key: UInt32 = buffer.getInteger(at: index) else { return nil }
            (mask, index) = (key, index + 4)
        }
        guard buffer.writerIndex - index >= Int(length) else { return nil }
        buffer.moveReaderIndex(to: index)
        guard var payload = buffer.readSlice(length: Int(length)) else { return nil }
        if masked { payload.applyMask(mask) }
        return WebSocketFrame(opcode: opcode, isFinal: isFinal, payload: payload)
    }

    /// The frame's bytes, masked with `mask` when there is one.
    func bytes(mask: UInt32?) -> ByteBuffer {
        let count = payload.readableBytes
        var buffer = ByteBufferAllocator().buffer(capacity: count + 14)
        buffer.writeInteger((isFinal ? 0x80 : 0) | opcode.rawValue)
        let flag: UInt8 = mask == nil ? 0 : 0x80
        if count < 126 {
            buffer.writeInteger(flag | UInt8(count))
        } else if count <= Int(UInt16.max) {
            buffer.writeInteger(flag | 126)
            buffer.writeInteger(UInt16(count))
        } else {
            buffer.writeInteger(flag | 127)
            buffer.writeInteger(UInt64(count))
        }
        if let mask {
            buffer.writeInteger(mask)
            var masked = payload
            masked.applyMask(mask)
            buffer.writeBuffer(&masked)
        } else {
            buffer.writeImmutableBuffer(payload)
        }
        return buffer
    }
}

extension ByteBuffer {
    fileprivate mutating func applyMask(_ mask: UInt32) {
        let key = [UInt8(mask >> 24), UInt8(mask >> 16 & 0xFF), UInt8(mask >> 8 & 0xFF), UInt8(mask & 0xFF)]
        withUnsafeMutableReadableBytes { bytes in
            for index in bytes.indices { bytes[index] ^= key[index & 3] }
        }
    }
}
