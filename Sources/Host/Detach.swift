internal import CLinux
internal import Glibc

/// Starts this executable again in the background and waits until it says that it is ready.
///
/// The child inherits one end of a pipe. One line on it means ready; its end without a line means that the child ended before it was.
enum Detach {
    /// The flag by which the child knows the descriptor.
    static let flag = "--ready-descriptor"

    /// - Returns: the line the child wrote.
    /// - Throws: `StartupFailure` with the end of the child's log.
    static func start(arguments: [String], logFile: String) throws -> String {
        var ends: [Int32] = [0, 0]
        guard apus_pipe(&ends) == 0 else { throw StartupFailure("no pipe: \(String(cString: strerror(errno)))") }
        let descriptor: Int32 = 3
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, logFile, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // dup2 onto itself would leave close-on-exec set, so the pipe is moved out of the way of its own number first.
        let writeEnd = fcntl(ends[1], F_DUPFD_CLOEXEC, 10)
        close(ends[1])
        posix_spawn_file_actions_adddup2(&actions, writeEnd, descriptor)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, 0x80)  // POSIX_SPAWN_SETSID

        // Whoever called us may have left descriptors open to us, and may wait for them to close: a program in the background must not hold
        // them.
        for inherited in 3..<sysconf(Int32(_SC_OPEN_MAX)).clamped(to: 3...4096) { _ = fcntl(Int32(inherited), F_SETFD, FD_CLOEXEC) }

        let logStart = size(of: logFile)
        var words: [UnsafeMutablePointer<CChar>?] =
            (["/proc/self/exe"] + arguments + [flag, String(descriptor)]).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child = pid_t()
        let failed = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, &words, environ)
        close(writeEnd)
        guard failed == 0 else { throw StartupFailure("apus could not be started again: \(String(cString: strerror(failed)))") }

        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(ends[0], &byte, 1)
            if count == 1, byte != UInt8(ascii: "\n") { line.append(byte) } else if count >= 0 || errno != EINTR { break }
        }
        close(ends[0])
        if line.isEmpty {
            var status: Int32 = 0
            waitpid(child, &status, 0)
            throw StartupFailure(reason(status, logFile, from: logStart))
        }
        return String(decoding: line, as: UTF8.self)
    }

    private static func size(of file: String) -> off_t {
        var status = stat()
        return stat(file, &status) == 0 ? status.st_size : 0
    }

    /// What the child said on its way out: its `error:` line, or the end of what it logged.
    private static func reason(_ status: Int32, _ logFile: String, from start: off_t) -> String {
        let descriptor = open(logFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "apus ended while it started" }
        defer { close(descriptor) }
        let end = size(of: logFile)
        let count = Int(min(end - start, 16384))
        var buffer = [UInt8](repeating: 0, count: max(1, count))
        let got = pread(descriptor, &buffer, count, end - off_t(count))
        let lines = String(decoding: buffer.prefix(max(0, got)), as: UTF8.self).split(separator: "\n")
        if let error = lines.last(where: { $0.hasPrefix("error: ") }) { return String(error.dropFirst("error: ".count)) }
        let signal = status & 0x7f
        let ending =
            signal == 0
            ? "apus ended while it started."
            : "apus was ended by signal \(signal) while it started. If a plugin did it, --disable-plugin NAME leaves that one out."
        return "\(ending) The end of \(logFile):\n\(lines.suffix(10).joined(separator: "\n"))"
    }
}

extension Int {
    fileprivate func clamped(to range: ClosedRange<Int>) -> Int { Swift.min(Swift.max(self, range.lowerBound), range.upperBound) }
}
