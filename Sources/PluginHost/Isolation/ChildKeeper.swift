internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization

/// The thread that starts every child and reaps it.
///
/// One thread for the life of this process, because Linux ends a child that wants to end with its parent when the *thread* that started it
/// does.
final class ChildKeeper: Sendable {
    static let shared = ChildKeeper()

    private struct Child: Sendable {
        let pid: Int32
        /// Becomes readable when the process ends.
        let descriptor: Int32
        let ended: @Sendable (Int32) -> Void
    }

    private let jobs = Mutex<[@Sendable () -> Child?]>([])
    /// Becomes readable when there is a job.
    private let bell: Int32

    private init() {
        bell = apus_event_create()
        guard bell >= 0 else { fatalError("the system gives no event descriptor: \(String(cString: strerror(errno)))") }
        startThread(name: "plugin-children") { [self] in run() }
    }

    /// Starts a process. `ended` is called with its `waitpid` status, once, on the keeper's thread, when it has been reaped.
    /// - Returns: its id and a descriptor of the process which the caller must close, or `errno`.
    func start(
        _ executable: String, arguments: [String], environment: [String], descriptors: [Int32], ended: @escaping @Sendable (Int32) -> Void
    ) -> (pid: Int32, descriptor: Int32, error: Int32) {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<(pid: Int32, descriptor: Int32, error: Int32)>((-1, -1, 0))
        jobs.withLock { jobs in
            jobs.append {
                defer { done.signal() }
                var arguments = arguments.map { strdup($0) } + [nil]
                var environment = environment.map { strdup($0) } + [nil]
                defer { for word in arguments + environment { free(word) } }
                let pid = apus_child_start(executable, &arguments, &environment, descriptors, Int32(descriptors.count))
                guard pid >= 0 else {
                    result.withLock { $0.error = errno }
                    return nil
                }
                // It cannot have been reaped, so the number is still its own.
                let descriptor = apus_pidfd_open(pid)
                let copy = descriptor >= 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : -1
                guard copy >= 0 else {
                    result.withLock { $0.error = errno }
                    kill(pid, SIGKILL)
                    waitpid(pid, nil, 0)
                    if descriptor >= 0 { close(descriptor) }
                    return nil
                }
                result.withLock { $0 = (pid, copy, 0) }
                return Child(pid: pid, descriptor: descriptor, ended: ended)
            }
        }
        _ = apus_event_signal(bell)
        done.wait()
        return result.withLock { $0 }
    }

    private func run() -> Never {
        var children: [Child] = []
        while true {
            var waits = ([bell] + children.map(\.descriptor)).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&waits, nfds_t(waits.count), -1) > 0 else { continue }
            children = zip(children, waits.dropFirst()).filter { child, wait in
                guard wait.revents != 0 else { return true }
                let status = apus_child_reap(child.pid)
                close(child.descriptor)
                child.ended(max(0, status))
                return false
            }.map(\.0)
            if waits[0].revents != 0 {
                var count: UInt64 = 0
                _ = read(bell, &count, 8)
                let jobs = jobs.withLock { jobs in
                    defer { jobs = [] }
                    return jobs
                }
                children += jobs.compactMap { $0() }
            }
        }
    }
}
