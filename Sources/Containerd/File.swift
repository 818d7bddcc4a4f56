internal import Glibc

/// The few file operations the module needs, without Foundation. All of them block for as long as the disk does.
enum File {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
    static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 && !isDirectory(path) }

    static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// The path without links and dots, as far as it exists.
    static func resolved(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return path }
        return resolved(String(path[..<slash])) + path[slash...]
    }

    /// The whole file, nil when it cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return content }
            content += buffer[..<count]
        }
    }

    static func readText(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Puts the whole file in place in one step: a reader sees the old or the new content.
    static func write(_ path: String, _ content: [UInt8], mode: mode_t = 0o600) throws(ContainerdError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("cannot write \(temporary)") }
        var offset = 0
        while offset < content.count {
            let count = content.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + offset, content.count - offset) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure("cannot write \(temporary)")
                close(descriptor)
                unlink(temporary)
                throw error
            }
            offset += count
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw failure("cannot write \(path)") }
    }

    static func write(_ path: String, _ text: String, mode: mode_t = 0o600) throws(ContainerdError) {
        try write(path, Array(text.utf8), mode: mode)
    }

    /// Makes the directory and those above it. One that exists is left as it is.
    static func makeDirectory(_ path: String, mode: mode_t = 0o711) throws(ContainerdError) {
        if isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("cannot make the directory \(path)") }
    }

    /// The names in a directory, in no order; none when it cannot be read.
    static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file or a whole tree, never across a mount: what is mounted there stays and is the error.
    static func remove(_ path: String) throws(ContainerdError) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        if info.st_mode & S_IFMT == S_IFDIR {
            for name in names(in: path) { try remove(path + "/" + name) }
            guard rmdir(path) == 0 || errno == ENOENT else { throw failure("cannot remove \(path)") }
        } else {
            guard unlink(path) == 0 || errno == ENOENT else { throw failure("cannot remove \(path)") }
        }
    }

    /// The error of the system call that just failed.
    static func failure(_ what: String) -> ContainerdError {
        let number = errno
        return ContainerdError(number == EACCES || number == EPERM ? .notAllowed : .failed, "\(what): \(String(cString: strerror(number)))")
    }
}
