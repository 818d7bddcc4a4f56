internal import Glibc

/// Ranges of a file, or of bytes in memory. A range that does not lie inside throws: nothing that the file says about itself is believed.
struct FileBytes: ~Copyable {
    /// More than any table of a real library; a file that claims more is not read into memory.
    private static let limit = 512 << 20

    private let descriptor: Int32
    private let memory: [UInt8]
    let count: Int

    init(_ bytes: [UInt8]) {
        descriptor = -1
        memory = bytes
        count = bytes.count
    }

    init(path: String) throws(ELFError) {
        // A FIFO would keep `open` waiting.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ELFError("cannot be read: \(String(cString: strerror(errno)))") }
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ELFError("is not a regular file")
        }
        self.descriptor = descriptor
        memory = []
        count = Int(information.st_size)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func read(_ offset: UInt64, _ length: UInt64, _ what: String) throws(ELFError) -> [UInt8] {
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow, end <= UInt64(count) else { throw ELFError("is cut off or damaged: its \(what) lies beyond the end of the file") }
        guard length <= UInt64(Self.limit) else { throw ELFError("is damaged: its \(what) has \(length) bytes") }
        guard descriptor >= 0 else { return Array(memory[Int(offset)..<Int(end)]) }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        var done = 0
        while done < bytes.count {
            let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + done, $0.count - done, Int(offset) + done) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw ELFError("cannot be read: its \(what) is not there any more") }
            done += got
        }
        return bytes
    }
}

extension [UInt8] {
    /// A little-endian number at `offset`.
    func number<T: FixedWidthInteger>(_ offset: Int, as type: T.Type = T.self) throws(ELFError) -> T {
        guard offset >= 0, offset <= count - MemoryLayout<T>.size else {
            throw ELFError("is damaged: a table ends in the middle of an entry")
        }
        return T(littleEndian: withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) })
    }

    /// The NUL-terminated text at `offset` of a string table.
    func text(_ offset: UInt64) throws(ELFError) -> String {
        guard offset < UInt64(count), let end = self[Int(offset)...].firstIndex(of: 0) else {
            throw ELFError("is damaged: a name lies outside the string table")
        }
        return String(decoding: self[Int(offset)..<end], as: UTF8.self)
    }
}
