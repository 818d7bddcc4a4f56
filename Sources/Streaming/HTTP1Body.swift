import NIOCore
import Synchronization

/// A response's body without its framing.
final class HTTP1Body: Sendable {
    enum Framing: Equatable {
        case length(Int)
        case chunked
        case untilClose

        /// Throws for a length that is none: where the response ends could not be told.
        init(_ headers: [(name: String, value: String)]) throws {
            func value(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
            if value("transfer-encoding")?.lowercased() == "chunked" {
                self = .chunked
            } else if let text = value("content-length") {
                guard let length = Int(text), length >= 0 else { throw NetworkError("malformed Content-Length in a response") }
                self = .length(length)
            } else {
                self = .untilClose
            }
        }
    }

    private let decoder: Mutex<HTTP1BodyDecoder>
    private let pipe: any BytePipe

    init(framing: Framing, rest: ByteBuffer, pipe: any BytePipe) {
        decoder = Mutex(HTTP1BodyDecoder(framing: framing, buffer: rest))
        self.pipe = pipe
    }

    func next() async throws -> ByteBuffer? {
        while true {
            switch try decoder.withLock({ try $0.next() }) {
            case .piece(let piece): return piece
            case .end: return nil
            case .needsMore:
                let more = try await pipe.read()
                try decoder.withLock { try $0.feed(more) }
            }
        }
    }
}

/// Takes a body's framing off, without any input or output of its own.
struct HTTP1BodyDecoder {
    enum Step: Equatable {
        case piece(ByteBuffer)
        case end
        case needsMore
    }

    private enum State {
        /// Bytes of the body, or of the current chunk, still to come.
        case bytes(Int)
        case chunkSize
        case chunkEnd
        case trailers
        case untilClose
        case ended
    }

    private var state: State
    private let chunked: Bool
    private var buffer: ByteBuffer

    init(framing: HTTP1Body.Framing, buffer: ByteBuffer) {
        self.buffer = buffer
        chunked = framing == .chunked
        switch framing {
        case .length(let length): state = .bytes(length)
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        }
    }

    /// `nil` says that the connection has ended.
    mutating func feed(_ more: ByteBuffer?) throws {
        if var more {
            buffer.discardReadBytes()
            buffer.writeBuffer(&more)
        } else if case .untilClose = state {
            state = .ended
        } else {
            throw NetworkError("the connection was closed in the middle of a response")
        }
    }

    mutating func next() throws -> Step {
        while true {
            switch state {
            case .ended: return .end
            case .untilClose:
                guard buffer.readableBytes > 0 else { return .needsMore }
                defer { buffer.clear() }
                return .piece(buffer)
            case .bytes(0): state = chunked ? .chunkEnd : .ended
            case .bytes(let count):
                guard buffer.readableBytes > 0, let piece = buffer.readSlice(length: min(count, buffer.readableBytes)) else {
                    return .needsMore
                }
                state = .bytes(count - piece.readableBytes)
                return .piece(piece)
            case .chunkSize:
                guard let line = try readLine() else { return .needsMore }
                guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else { throw NetworkError("malformed chunk in a response") }
                state = size == 0 ? .trailers : .bytes(size)
            case .chunkEnd:
                guard let line = try readLine() else { return .needsMore }
                guard line.isEmpty else { throw NetworkError("malformed chunk in a response") }
                state = .chunkSize
            case .trailers:
                guard let line = try readLine() else { return .needsMore }
                if line.isEmpty { state = .ended }
            }
        }
    }

    private mutating func readLine() throws -> String? {
        guard let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            guard buffer.readableBytes < 64 * 1024 else { throw NetworkError("malformed chunk in a response") }
            return nil
        }
        var line = buffer.readSlice(length: end - buffer.readerIndex + 1)?.readableBytesView[...] ?? []
        line.removeLast()
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }
}
