internal import CLinux
internal import Glibc

/// A file that one process has for as long as it lives, with its number in it. Nobody but its owner can open it, so nobody else can hold it.
struct ProcessFile {
    let path: String

    /// Takes the file for this process; that ends with the process, however it ends.
    /// - Returns: `false` when another has it.
    /// - Throws: `StartupFailure` when the file cannot be made.
    func take() throws -> Bool {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        // One that was made with wider rights, too.
        guard descriptor >= 0, fchown(descriptor, geteuid(), getegid()) == 0, fchmod(descriptor, 0o600) == 0 else {
            throw StartupFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard apus_file_take(descriptor) == 0 else {
            close(descriptor)
            return false
        }
        let text = "\(getpid())\n"
        ftruncate(descriptor, 0)
        guard pwrite(descriptor, text, text.utf8.count, 0) == text.utf8.count else {
            throw StartupFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        // The descriptor stays open: it is the lock.
        return true
    }

    /// The process that has the file, `nil` when none does.
    var holder: pid_t? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard apus_file_is_taken(descriptor) != 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor, &buffer, buffer.count)
        return pid_t(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).prefix { $0.isNumber })
    }
}
