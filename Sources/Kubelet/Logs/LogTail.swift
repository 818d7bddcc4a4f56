import FileSystem

/// Finds the end of a log without reading all of it.
enum LogTail {
    private static let block = 64 << 10

    /// Where the last `count` lines begin. A line that has not ended counts.
    static func offset(_ count: Int, in file: OpenFile) -> Int64 {
        var end = file.size
        if count <= 0 { return end }
        var left = count
        // A newline at the very end ends the last line; it begins none.
        var isLast = true
        while end > 0 {
            let length = Int(min(Int64(block), end))
            let buffer = file.read(at: end - Int64(length), length)
            guard buffer.count == length else { return 0 }
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

    /// The last lines of a log, as far as a megabyte holds them.
    static func last(_ count: Int, of file: OpenFile) -> [LogLine] {
        let offset = offset(count, in: file)
        let bytes = file.read(at: offset, Int(min(max(file.size - offset, 0), 1 << 20)))
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { LogLine($0 + [UInt8(ascii: "\n")]) }
    }
}
