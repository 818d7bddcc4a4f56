import Glibc

/// Files of the machine itself, by path: of the kernel, of its configuration, and the places whose path no pod has a say in. What belongs
/// to a pod goes through a `Directory`. Blocks.
enum Files {
    struct Failure: Error, CustomStringConvertible {
        var operation: String
        var path: String
        /// `errno`; 0 when the kernel had no part in it.
        var code: Int32
        var reason: String

        init(operation: String, path: String, code: Int32) {
            (self.operation, self.path, self.code, reason) = (operation, path, code, Files.text(code))
        }

        init(operation: String, path: String, reason: String) {
            (self.operation, self.path, code, self.reason) = (operation, path, 0, reason)
        }

        /// As Go words it: `open /x: no such file or directory`.
        var description: String { "\(operation) \(path): \(reason)" }
        var isMissing: Bool { code == ENOENT }
    }

    static func text(_ code: Int32) -> String {
        let text = String(cString: strerror(code))
        return text.prefix(1).lowercased() + text.dropFirst()
    }

    static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }

    static func text(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Writes to a file of the kernel, if it is there and lets itself be written. Answers whether the kernel took it.
    @discardableResult
    static func writeExisting(_ text: String, to path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return (try? writeAll(Array(text.utf8), to: file, path)) != nil
    }

    static func writeAll(_ bytes: [UInt8], to file: Int32, _ path: String) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, bytes.count - written) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(operation: "write", path: path, code: errno)
            }
            written += count
        }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    static func isDirectory(_ path: String) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

    /// The names in a directory of the machine, sorted.
    static func entries(_ path: String) -> [String] { (try? Directory.open(path).names()) ?? [] }

    static func removeDirectory(_ path: String) { rmdir(path) }
}
