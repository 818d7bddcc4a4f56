import CZlib
import NIOCore

/// Names, in lower case, and values of a SPDY stream.
public typealias SPDYHeaders = [(name: String, value: String)]

/// Compresses the header blocks of one direction of a connection, in the order they are sent.
final class SPDYHeaderCompressor {
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let level = Z_BEST_SPEED
        precondition(deflateInit_(stream, level, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK, "zlib cannot start")
        let dictionary = SPDYDictionary.bytes
        precondition(deflateSetDictionary(stream, dictionary, UInt32(dictionary.count)) == Z_OK, "zlib does not take the dictionary")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func compress(_ headers: SPDYHeaders) -> [UInt8] {
        var plain = ByteBuffer(integer: UInt32(headers.count))
        for (name, value) in headers {
            for text in [name.lowercased(), value] {
                plain.writeInteger(UInt32(text.utf8.count))
                plain.writeString(text)
            }
        }
        var input = Array(plain.readableBytesView)
        var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(input.count))) + 64)
        return input.withUnsafeMutableBufferPointer { input in
            let count = output.withUnsafeMutableBufferPointer { output in
                stream.pointee.next_in = input.baseAddress
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                precondition(
                    deflate(stream, Z_SYNC_FLUSH) == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0,
                    "zlib needs more room than it said")
                return output.count - Int(stream.pointee.avail_out)
            }
            return Array(output[..<count])
        }
    }
}

/// Decompresses the header blocks of one direction of a connection, in the order they come.
final class SPDYHeaderDecompressor {
    /// A block that becomes larger is an attack.
    private static let limit = 256 * 1024
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        precondition(inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK, "zlib cannot start")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func decompress(_ block: [UInt8]) throws -> SPDYHeaders {
        var plain = ByteBuffer(bytes: try inflate(block))
        guard let count: UInt32 = plain.readInteger(), count <= UInt32(plain.readableBytes) / 8 else {
            throw SPDYError("malformed header block")
        }
        return try (0..<count).map { _ in
            guard let nameLength: UInt32 = plain.readInteger(), let name = plain.readString(length: Int(nameLength)),
                let valueLength: UInt32 = plain.readInteger(),
                let value = plain.readString(length: Int(valueLength))
            else { throw SPDYError("malformed header block") }
            return (name, value)
        }
    }

    private func inflate(_ block: [UInt8]) throws -> [UInt8] {
        var block = block
        var result: [UInt8] = []
        var output = [UInt8](repeating: 0, count: 4096)
        try block.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            while true {
                let (status, count) = output.withUnsafeMutableBufferPointer { output in
                    stream.pointee.next_out = output.baseAddress
                    stream.pointee.avail_out = UInt32(output.count)
                    let status = CZlib.inflate(stream, Z_SYNC_FLUSH)
                    return (status, output.count - Int(stream.pointee.avail_out))
                }
                result += output[..<count]
                guard result.count <= Self.limit else { throw SPDYError("header block is larger than \(Self.limit) bytes") }
                switch status {
                case Z_NEED_DICT:
                    let dictionary = SPDYDictionary.bytes
                    guard inflateSetDictionary(stream, dictionary, UInt32(dictionary.count)) == Z_OK else {
                        throw SPDYError("header block needs an unknown dictionary")
                    }
                case Z_OK where count == output.count || stream.pointee.avail_in > 0: continue
                // Z_BUF_ERROR says that everything there was has been taken.
                case Z_OK, Z_BUF_ERROR: return
                default: throw SPDYError("header block is not zlib's")
                }
            }
        }
        return result
    }
}

/// The other side does not keep to SPDY/3.1.
public struct SPDYError: Error, CustomStringConvertible {
    public var message: String
    init(_ message: String) { self.message = message }
    public var description: String { "SPDY: \(message)" }
}
