internal import CLinux
internal import Glibc

/// The kernel's table of what is mounted for this process.
package enum MountPoints {
    /// The points at `path` and below, in the order they were made.
    package static func below(_ path: String) -> [String] {
        guard let table = Files.text("/proc/self/mountinfo") else { return [] }
        return table.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 5)
            guard words.count > 4 else { return nil }
            let point = unescaped(words[4])
            return point == path || point.hasPrefix(path + "/") ? point : nil
        }
    }

    /// Unmounts everything below a directory, the last mounted first. What is in use goes when that ends.
    /// - Throws: naming the first that stays.
    package static func unmount(below directory: String) throws(Files.Failure) {
        for point in below(directory).reversed() where point != directory && apus_unmount(point) != 0 && errno != EINVAL && errno != ENOENT
        {
            throw Files.Failure(operation: "unmount", path: point, code: errno)
        }
    }

    /// The kernel writes a space in a path as `\040`, and so on.
    package static func unescaped(_ field: Substring) -> String {
        var result: [UInt8] = []
        var bytes = Array(field.utf8)[...]
        while let byte = bytes.popFirst() {
            let digits = bytes.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8) {
                result.append(value)
                bytes = bytes.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
