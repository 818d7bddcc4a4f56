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

    /// What a child is started with.
    struct Order: Sendable {
        var executable: String
        var arguments: [String]
        var environment: [String]
        /// The child has them as 3, 4, …
        var descriptors: [Int32]
        /// Its standard output and standard error.
        var output: Int32
        var errors: Int32
        /// `cgroup.procs` files, open for writing: the control groups that it enters.
        var groups: [Int32]
        var hasNetwork: Bool
    }

    /// Whether children can get users of their own. Those of others get a user namespace with this process's user alone.
    static var isRoot: Bool { geteuid() == 0 }

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
    func start(_ order: Order, ended: @escaping @Sendable (Int32) -> Void) -> (pid: Int32, descriptor: Int32, error: Int32) {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<(pid: Int32, descriptor: Int32, error: Int32)>((-1, -1, 0))
        jobs.withLock { jobs in
            jobs.append {
                defer { done.signal() }
                var descriptor: Int32 = -1
                let pid = order.withPlan { apus_child_start(&$0, &descriptor) }
                let copy = pid >= 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : -1
                guard copy >= 0 else {
                    result.withLock { $0.error = errno }
                    guard pid >= 0 else { return nil }
                    kill(pid, SIGKILL)
                    waitpid(pid, nil, 0)
                    close(descriptor)
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
                // What it started went with it: it was process 1 of a PID namespace.
                var status: Int32 = 0
                if waitpid(child.pid, &status, WNOHANG) != child.pid { status = 0 }
                close(child.descriptor)
                child.ended(status)
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

extension ChildKeeper.Order {
    /// The order in C's words, while `body` runs.
    fileprivate func withPlan<R>(_ body: (inout apus_child_plan) -> R) -> R {
        var arguments = arguments.map { strdup($0) } + [nil]
        var environment = environment.map { strdup($0) } + [nil]
        defer { for word in arguments + environment { free(word) } }
        return executable.withCString { executable in
            arguments.withUnsafeMutableBufferPointer { arguments in
                environment.withUnsafeMutableBufferPointer { environment in
                    // A pointer to nothing is still a pointer.
                    (descriptors + [-1]).withUnsafeBufferPointer { descriptors in
                        (groups + [-1]).withUnsafeBufferPointer { groups in
                            var plan = apus_child_plan(
                                executable: executable, arguments: arguments.baseAddress!, environment: environment.baseAddress!,
                                descriptors: descriptors.baseAddress!, descriptor_count: Int32(descriptors.count - 1), output: output,
                                errors: errors, groups: groups.baseAddress!, group_count: Int32(groups.count - 1),
                                own_network: hasNetwork ? 0 : 1, own_users: ChildKeeper.isRoot ? 0 : 1)
                            return body(&plan)
                        }
                    }
                }
            }
        }
    }
}
