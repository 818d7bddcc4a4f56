internal import CLinux
internal import Glibc

/// The mounts of this process's namespace.
public enum MountTable {
    /// Unmounts everything below a directory, the last mounted first.
    /// - Throws: `.failed` naming the first mount that stays.
    public static func unmount(below directory: String) throws(ContainerdError) {
        let points = (File.readText("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { return nil }
            let point = unescaped(fields[4])
            return point.hasPrefix(directory + "/") ? point : nil
        }
        for point in points.reversed() where apus_unmount(point) != 0 && errno != EINVAL && errno != ENOENT {
            throw File.failure("cannot unmount \(point)")
        }
    }

    /// The kernel writes a space in a path as `\040`, and so on.
    static func unescaped(_ field: Substring) -> String {
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
