import HTTPTypes
import NIOCore
import NIOHTTP1

/// Writes one HTTP/1.1 response. The head and a small body go into one buffer, so that TLS makes one record and the kernel one packet of
/// them.
struct HTTP1Encoder {
    /// Larger pieces are worth a record of their own more than a copy.
    private static let copyLimit = 16 * 1024

    /// The client understands chunks; for others a streamed response ends with the connection.
    let chunks: Bool
    var keepAlive: Bool
    private var chunked = false

    init(chunks: Bool, keepAlive: Bool) {
        self.chunks = chunks
        self.keepAlive = keepAlive
    }

    /// `body` is `nil` where the response must have none (to a HEAD, and 101).
    mutating func head(_ head: ResponseHead, body: ByteBuffer?, end: Bool) -> ByteBuffer {
        let bodiless = head.status.code < 200 || head.status.code == 204 || head.status.code == 304
        var buffer = ByteBufferAllocator().buffer(capacity: 256 + (body?.readableBytes ?? 0))
        buffer.writeString("HTTP/1.1 ")
        buffer.writeString(String(head.status.code))
        buffer.writeString(" ")
        // Old clients show people the phrase; a status that was made of a number has none.
        let phrase = head.status.reasonPhrase
        buffer.writeString(phrase.isEmpty ? HTTPResponseStatus(statusCode: head.status.code).reasonPhrase : phrase)
        buffer.writeString("\r\n")
        for field in head.headers where field.name != .contentLength && field.name != .transferEncoding {
            buffer.write(field.name.rawName, field.value)
        }
        if head.status.code >= 200 {
            if !head.headers.contains(.date) { buffer.write("Date", HTTPDate.now()) }
            if let length = head.length {
                if !bodiless { buffer.write("Content-Length", String(length)) }
            } else if !bodiless {
                chunked = chunks
                if chunked { buffer.write("Transfer-Encoding", "chunked") } else { keepAlive = false }
            }
            if !keepAlive { buffer.write("Connection", "close") }
        }
        buffer.writeString("\r\n")
        if var body, !bodiless, body.readableBytes > 0 { buffer.writeBuffer(&body) }
        return buffer
    }

    /// A piece of a body whose head is out, and its end.
    func body(_ piece: ByteBuffer, end: Bool, write: (ByteBuffer) -> Void) {
        let count = piece.readableBytes
        guard chunked else {
            if count > 0 { write(piece) }
            return
        }
        var buffer = ByteBufferAllocator().buffer(capacity: 32 + (count <= Self.copyLimit ? count : 0))
        if count > 0 {
            buffer.writeString(String(count, radix: 16))
            buffer.writeString("\r\n")
            if count <= Self.copyLimit {
                buffer.writeImmutableBuffer(piece)
            } else {
                write(buffer)
                write(piece)
                buffer.clear()
            }
            buffer.writeString("\r\n")
        }
        if end { buffer.writeString("0\r\n\r\n") }
        if buffer.readableBytes > 0 { write(buffer) }
    }
}

extension ByteBuffer {
    fileprivate mutating func write(_ name: String, _ value: String) {
        writeString(name)
        writeString(": ")
        writeString(value)
        writeString("\r\n")
    }
}
