internal import Glibc

/// Files of the machine itself, by path: of the kernel, of its configuration, and the places whose path no pod has a say in. What belongs
/// to a pod goes through a `Directory`. Blocks.
package enum Files {
    package struct Failure: Error, CustomStringConvertible {
        package var operation: String
        package var path: String
        /// `errno`; 0 when the kernel had no part in it.
        package var code: Int32
        package var reason: String

        package init(operation: String, path: String, code: Int32) {
            (self.operation, self.path, self.code, reason) = (operation, path, code, Files.text(code))
        }

        package init(operation: String, path: String, reason: String) {
            (self.operation, self.path, code, self.reason) = (operation, path, 0, reason)
        }

        /// As Go words it: `open /x: no such file or directory`.
        package var description: String { "\(operation) \(path): \(reason)" }
        package var isMissing: Bool { code == ENOENT }
    }

    package static func text(_ code: Int32) -> String {
        let text = String(cString: strerror(code))
        return text.prefix(1).lowercased() + text.dropFirst()
    }

    /// The whole file.
    package static func content(of path: String) throws(Failure) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure(operation: "open", path: path, code: errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Failure(operation: "read", path: path, code: errno) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    /// The same, `nil` when it cannot be read.
    package static func read(_ path: String) -> [UInt8]? { try? content(of: path) }

    /// The text of a file, `nil` when there is none.
    package static func textIfThere(_ path: String) throws(Failure) -> String? {
        do throws(Failure) { return String(decoding: try content(of: path), as: UTF8.self) } catch {
            if error.isMissing { return nil }
            throw error
        }
    }

    package static func text(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Writes to a file of the kernel, if it is there and lets itself be written. Answers whether the kernel took it.
    @discardableResult
    package static func writeExisting(_ text: String, to path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return (try? writeAll(Array(text.utf8), to: file, path)) != nil
    }

    package static func writeAll(_ bytes: [UInt8], to file: Int32, _ path: String) throws(Failure) {
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

    /// Puts a whole file in place in one step: whoever reads sees the old one or the new one.
    /// - Parameter durable: whether it is on the disk, for the time after a crash of the machine, when this returns.
    package static func replace(_ path: String, _ bytes: [UInt8], mode: UInt32, durable: Bool = true) throws(Failure) {
        let temporary = path + ".new"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard file >= 0 else { throw Failure(operation: "open", path: temporary, code: errno) }
        do throws(Failure) {
            defer { close(file) }
            try writeAll(bytes, to: file, temporary)
            guard !durable || fsync(file) == 0 else { throw Failure(operation: "sync", path: temporary, code: errno) }
            guard rename(temporary, path) == 0 else { throw Failure(operation: "rename", path: temporary, code: errno) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Makes a directory, and those above it with mode 0755. One that is there is left as it is.
    package static func makeDirectory(_ path: String, mode: UInt32) throws(Failure) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        let parent = parent(of: path)
        guard errno == ENOENT, parent != path else { throw Failure(operation: "mkdir", path: path, code: errno) }
        try makeDirectory(parent, mode: 0o755)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw Failure(operation: "mkdir", path: path, code: errno) }
    }

    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    package static func status(_ path: String) -> FileStatus? { FileStatus(path) }

    package static func isDirectory(_ path: String) -> Bool { status(path)?.isDirectory ?? false }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 && !isDirectory(path) }

    /// The path without links and dots, as far as it exists.
    package static func resolved(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        let parent = parent(of: path)
        guard path.contains("/"), parent != "/", parent != path else { return path }
        return "\(resolved(parent))/\(path.dropFirst(parent.utf8.count + 1))"
    }

    /// The names in a directory of the machine, sorted; none when it cannot be read.
    package static func names(in path: String) -> [String] { (try? Directory.open(path).names()) ?? [] }

    /// Removes a file or a directory with all that is below it, as `Directory.removeTree` does, and answers whether it is gone.
    @discardableResult
    package static func removeTree(_ path: String) -> Bool {
        let parent = parent(of: path)
        guard let directory = try? Directory.open(parent) else { return !exists(path) }
        return directory.removeTree(path.split(separator: "/").last.map(String.init) ?? "")
    }

    /// Removes a directory of the kernel's and those below it, where it lets them go; files in them are the kernel's own.
    package static func removeDirectories(_ path: String) {
        guard isDirectory(path) else { return }
        for name in names(in: path) where isDirectory("\(path)/\(name)") { removeDirectories("\(path)/\(name)") }
        rmdir(path)
    }
}
