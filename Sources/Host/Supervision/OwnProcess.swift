internal import CLinux
internal import Glibc

/// Starts this executable in another role of its own: the supervisor, and the host under it.
enum OwnProcess {
    /// What the new process has open, beside what everyone has.
    struct Descriptors {
        /// Its standard output and error, with no input; `nil` leaves all three as they are here.
        var output: Int32?
        /// Becomes number 3.
        var ready: Int32?
    }

    /// Starts this very executable, also when another has its place on the disk by now. The process leads a group of its own, so that what
    /// a terminal sends comes to who started it alone; with `isOwnSession` it belongs to no terminal.
    ///
    /// - Throws: `StartupFailure`.
    static func start(_ arguments: [String], _ descriptors: Descriptors = Descriptors(), isOwnSession: Bool) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let output = descriptors.output {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_adddup2(&actions, output, 1)
            posix_spawn_file_actions_adddup2(&actions, output, 2)
        }
        // dup2 onto itself would leave close-on-exec set, so the descriptor is moved out of the way of its own number first.
        let copy = descriptors.ready.map { fcntl($0, F_DUPFD_CLOEXEC, readyNumber + 1) }
        defer { if let copy { close(copy) } }
        if let copy { posix_spawn_file_actions_adddup2(&actions, copy, readyNumber) }
        // Whoever called us may have left descriptors open to us, and may wait for them to close.
        _ = apus_spawn_closing_from(&actions, copy == nil ? readyNumber : readyNumber + 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, isOwnSession ? 0x80 : 0x02)  // POSIX_SPAWN_SETSID or POSIX_SPAWN_SETPGROUP
        var words = ([name] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        let failed = posix_spawn(&process, "/proc/self/exe", &actions, &attributes, &words, environ)
        guard failed == 0 else { throw StartupFailure("apus could not be started again: \(String(cString: strerror(failed)))") }
        return process
    }

    static let readyNumber: Int32 = 3
    /// What it is called by, and shown as.
    static let name = "apus"
}
