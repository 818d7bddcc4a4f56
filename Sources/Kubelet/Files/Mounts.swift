import Glibc

/// Mounts of the kubelet: memory file systems and sub-paths of volumes.
enum Mounts {
    static func isMountPoint(_ path: String) -> Bool {
        guard let own = Files.status(path), let parent = Files.status(path + "/..") else { return false }
        return own.st_dev != parent.st_dev || own.st_ino == parent.st_ino
    }

    /// Mounts a file system in memory, unless one is there.
    static func memory(at path: String, size: Int64?) throws(Files.Failure) {
        try Files.makeDirectories(path)
        if isMountPoint(path) { return }
        let options = size.map { "size=\($0)" } ?? ""
        // What lies in memory is not to reach the disk by way of swap; kernels before 6.3 do not know the option.
        let withoutSwap = options.isEmpty ? "noswap" : options + ",noswap"
        if mount("tmpfs", path, "tmpfs", 0, withoutSwap) == 0 { return }
        if mount("tmpfs", path, "tmpfs", 0, options) != 0 { throw Files.Failure(operation: "mount", path: path, code: errno) }
    }

    static func bind(_ source: String, at path: String) throws(Files.Failure) {
        if mount(source, path, nil, UInt(MS_BIND | MS_REC), nil) != 0 { throw Files.Failure(operation: "mount", path: path, code: errno) }
    }

    /// Takes away all mounts at `path` and below, the last made first.
    static func unmountAll(below path: String) {
        for point in points(below: path).reversed() { umount2(point, Int32(MNT_DETACH)) }
    }

    static func points(below path: String) -> [String] {
        guard let table = Files.text("/proc/self/mountinfo") else { return [] }
        return table.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 5)
            guard words.count > 4 else { return nil }
            let point = unescaped(words[4])
            return point == path || point.hasPrefix(path + "/") ? point : nil
        }
    }

    /// The kernel writes blanks as `\040`.
    private static func unescaped(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
