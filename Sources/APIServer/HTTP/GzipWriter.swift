import CISAL

/// Puts pieces through gzip, one after another, by Intel's storage library: an eighth of zlib's time at its quickest, and no larger. Of one
/// task.
final class GzipWriter {
    // The library remembers where its stream stands.
    private let stream: UnsafeMutablePointer<isal_zstream>
    private let working = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Int(apus_isal_level_1))
    private let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64 * 1024)
    private var output: [[UInt8]] = []

    init() {
        stream = .allocate(capacity: 1)
        isal_deflate_init(stream)
        stream.pointee.level = 1
        stream.pointee.level_buf = working.baseAddress
        stream.pointee.level_buf_size = UInt32(working.count)
        stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
        makeRoom()
    }

    deinit {
        stream.deallocate()
        working.deallocate()
        room.deallocate()
    }

    func write(_ piece: [UInt8]) { feed(piece) }

    /// What has come out so far.
    func taken() -> [[UInt8]] {
        defer { output = [] }
        return output
    }

    /// All that has not been taken. Called once, at the end.
    func finished() -> [[UInt8]] {
        stream.pointee.end_of_stream = 1
        feed([])
        output.append(Array(room.dropLast(Int(stream.pointee.avail_out))))
        return output
    }

    private func feed(_ piece: [UInt8]) {
        piece.withUnsafeBufferPointer { piece in
            stream.pointee.next_in = piece.baseAddress.map { UnsafeMutablePointer(mutating: $0) }
            stream.pointee.avail_in = UInt32(piece.count)
            while true {
                precondition(isal_deflate(stream) == COMP_OK, "the stream does not go on")
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
