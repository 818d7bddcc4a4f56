import Glibc

/// Finds the end of a log without reading all of it.
enum LogTail {
    private static let block = 64 << 10

    /// Where the last `count` lines begin. A line that has not ended counts.
    static func offset(_ count: Int, in file: Int32, size: Int64) -> Int64 {
        if count <= 0 { return size }
        var left = count
        var end = size
        var buffer = [UInt8](repeating: 0, count: block)
        // A newline at the very end ends the last line; it begins none.
        var isLast = true
        while end > 0 {
            let length = Int(min(Int64(block), end))
            let read = pread(file, &buffer, length, Int(end) - length)
            guard read == length else { return 0 }
            for index in stride(from: length - 1, through: 0, by: -1) {
                defer { isLast = false }
                guard buffer[index] == UInt8(ascii: "\n"), !isLast else { continue }
                left -= 1
                if left == 0 { return end - Int64(length) + Int64(index) + 1 }
            }
            end -= Int64(length)
        }
        return 0
    }

    /// The last lines of a log file, none when it cannot be read.
    static func last(_ count: Int, of path: String) -> [LogLine] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return [] }
        let offset = offset(count, in: file, size: Int64(status.st_size))
        var bytes = [UInt8](repeating: 0, count: Int(min(Int64(status.st_size) - offset, 1 << 20)))
        let read = pread(file, &bytes, bytes.count, Int(offset))
        return bytes.prefix(max(read, 0)).split(separator: UInt8(ascii: "\n")).compactMap { LogLine($0 + [UInt8(ascii: "\n")]) }
    }
}
