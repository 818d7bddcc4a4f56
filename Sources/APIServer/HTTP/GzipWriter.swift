import CZlib

/// Puts pieces through gzip, one after another. Of one task.
final class GzipWriter {
    private static let windowWithGzipHeader: Int32 = 15 + 16
    private static let memoryLevel: Int32 = 8

    // zlib remembers where its stream stands.
    private let stream: UnsafeMutablePointer<z_stream>
    private let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 * 1024)
    private var output: [[UInt8]] = []

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let began = deflateInit2_(
            stream, Z_BEST_SPEED, Z_DEFLATED, Self.windowWithGzipHeader, Self.memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(began == Z_OK, "zlib cannot start")
        makeRoom()
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        room.deallocate()
    }

    func write(_ piece: [UInt8]) { feed(piece, Z_NO_FLUSH) }

    /// What has come out so far.
    func taken() -> [[UInt8]] {
        defer { output = [] }
        return output
    }

    /// All that has not been taken. Called once, at the end.
    func finished() -> [[UInt8]] {
        feed([], Z_FINISH)
        output.append(Array(room.dropLast(Int(stream.pointee.avail_out))))
        return output
    }

    private func feed(_ piece: [UInt8], _ flush: Int32) {
        piece.withUnsafeBufferPointer { piece in
            stream.pointee.next_in = piece.baseAddress.map { UnsafeMutablePointer(mutating: $0) }
            stream.pointee.avail_in = UInt32(piece.count)
            while true {
                precondition(deflate(stream, flush) != Z_STREAM_ERROR, "zlib does not go on")
                guard stream.pointee.avail_out == 0 else { return }
                output.append(Array(room))
                makeRoom()
            }
        }
    }

    private func makeRoom() {
        stream.pointee.next_out = room.baseAddress
        stream.pointee.avail_out = UInt32(room.count)
    }
}
