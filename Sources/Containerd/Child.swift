internal import CLinux
internal import FileSystem
internal import Glibc

/// A process, ours or one that was started by an Apus before us.
final class Child: Sendable {
    let pid: pid_t
    /// Becomes readable when the process ends.
    let descriptor: Int32

    private init(pid: pid_t, descriptor: Int32) {
        self.pid = pid
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The running process `pid`, nil when there is none.
    init?(pid: pid_t) {
        let descriptor = apus_pidfd_open(pid)
        guard descriptor >= 0 else { return nil }
        self.pid = pid
        self.descriptor = descriptor
    }

    /// Starts a program. With `newSession` it belongs to no terminal and to no process group of ours, so that it outlives us.
    /// - Parameter output: a descriptor for its standard output and error; its input is `/dev/null`.
    static func start(_ arguments: [String], environment: [String], output: Int32, newSession: Bool) throws(ContainerdError) -> Child {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        // It outlives us, and would keep our ports.
        _ = apus_spawn_closing_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The child starts with the signals as a shell would give them, whatever we block or ignore.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // POSIX_SPAWN_SETSID
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (newSession ? 0x80 : 0)))

        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var pid = pid_t()
        let status = posix_spawn(&pid, arguments[0], &actions, &attributes, &argv, &envp)
        guard status == 0 else {
            errno = status
            throw ContainerdError.system("cannot start \(arguments[0])")
        }
        // It cannot be gone before it is waited for, so the number is still its own.
        let descriptor = apus_pidfd_open(pid)
        guard descriptor >= 0 else { throw ContainerdError.system("cannot watch process \(pid)") }
        return Child(pid: pid, descriptor: descriptor)
    }

    /// Runs a program to its end and returns what it wrote, output and errors together.
    /// - Throws: `.timedOut` after killing it, `.failed` when its exit code is not 0; the message ends with its last line.
    @discardableResult
    static func run(_ arguments: [String], environment: [String], deadline: Deadline) throws(ContainerdError) -> String {
        var pipe: [Int32] = [0, 0]
        guard apus_pipe(&pipe) == 0 else { throw ContainerdError.system("cannot make a pipe") }
        let child: Child
        do throws(ContainerdError) {
            child = try start(arguments, environment: environment, output: pipe[1], newSession: false)
        } catch {
            close(pipe[0])
            close(pipe[1])
            throw error
        }
        close(pipe[1])
        defer { close(pipe[0]) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            var wait = pollfd(fd: pipe[0], events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, deadline.milliseconds) > 0 else {
                if errno == EINTR, !deadline.isPast { continue }
                child.signal(SIGKILL)
                _ = child.reap()
                throw ContainerdError(.timedOut, "\(arguments[0]) did not end in time")
            }
            let count = read(pipe[0], &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            output += buffer[..<count]
        }
        let status = child.reap()
        let text = String(decoding: output, as: UTF8.self)
        guard status == 0 else {
            let line = text.split(separator: "\n").last.map(String.init) ?? "exit status \(status)"
            throw ContainerdError(.failed, "\(arguments[0].split(separator: "/").last ?? ""): \(line)")
        }
        return text
    }

    /// Never hits another process that got the same id later.
    func signal(_ number: Int32) { _ = apus_pidfd_signal(descriptor, number) }

    /// Whether the process ended before the deadline.
    func waitUntilGone(_ deadline: Deadline) -> Bool {
        while true {
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let count = poll(&wait, 1, deadline.milliseconds)
            if count > 0 {
                _ = waitpid(pid, nil, WNOHANG)
                return true
            }
            if count < 0, errno == EINTR, !deadline.isPast { continue }
            return false
        }
    }

    /// Waits for a child of ours and returns its exit code, 128 and the signal's number when a signal ended it. Also reaps.
    func reap() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 { if errno != EINTR { return 0 } }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f
    }

    /// When the process was started, in the kernel's ticks since boot: tells two processes with the same id apart. Nil when there is none,
    /// and for a zombie.
    static func startTime(_ pid: pid_t) -> String? {
        guard let text = Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return String(fields[19])
    }
}
