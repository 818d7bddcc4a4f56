internal import Glibc

/// Settings of the kernel that are files below `/proc/sys`.
public enum KernelSetting {
    /// - Returns: whether it is so now: the kernel may not have it, and it may be somebody else's to change.
    @discardableResult
    public static func set(_ path: String, _ value: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return write(descriptor, value, value.utf8.count) == value.utf8.count
    }

    /// `nil` where there is no such setting, or no number.
    public static func number(_ path: String) -> Int? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? Int(String(decoding: bytes[..<count].prefix { $0 > 32 }, as: UTF8.self)) : nil
    }
}
