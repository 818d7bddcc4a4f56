internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization

/// A process of this executable that holds one plugin. It ends with `end`, with the host, or by itself; it is always reaped.
final class ChildProcess: Sendable {
    /// What a child is started with.
    struct Configuration: Sendable {
        var executable: String
        /// The plugin's name, for `ps`.
        var name: String
        var confinement: Confinement
        var openFiles: Int
        /// Private memory that the plugin may have.
        var limit: UInt64?
        /// The library's file.
        var library: Int32
    }

    /// The descriptors of a child, by position from 3.
    enum Descriptor: Int32 {
        case mailboxes = 3
        case library, arena
    }
    /// The word after the executable's name on the child's command line.
    static let command = "plugin-child"

    let pid: Int32
    /// Where the host calls.
    let lines: ChannelPool
    private let name: String
    private let descriptor: Int32
    private let served: ServedChannels
    private let life: Life

    /// What the keeper's thread tells; outlives the object.
    private final class Life: Sendable {
        struct State {
            var cause: ChildEnding.Cause?
            var ending: ChildEnding?
            var waiters: [DispatchSemaphore] = []
        }
        let state = Mutex(State())
        let farSide = Channel.FarSide()
    }

    /// Starts the process.
    /// - Throws: `StartFailure` when the system does not let it start.
    init(_ configuration: Configuration) throws(StartFailure) {
        guard let mailboxes = Mailboxes() else {
            throw StartFailure(reason: "no shared memory for a child process: \(String(cString: strerror(errno)))")
        }
        let life = Life()
        let lines = ChannelPool(mailboxes, isHost: true, life.farSide)
        let served = ServedChannels(mailboxes, isHost: true, life.farSide)
        let confinement = configuration.confinement
        let (pid, descriptor, error) = ChildKeeper.shared.start(
            configuration.executable,
            arguments: [
                "apus", Self.command, configuration.name, String(getpid()), String(confinement.user), String(confinement.capabilities),
                confinement.hasNetwork ? "1" : "0",
                String(configuration.openFiles),
            ],
            // A crash is to end the process at once, not after a debugger looked at it.
            environment: ["SWIFT_BACKTRACE=enable=no"],
            descriptors: [mailboxes.descriptor, configuration.library, SharedArena.shared.descriptor]
        ) { status in
            let crash = mailboxes.crash.pointee
            let memory = crash.signal == 0 || crash.data_bytes < crash.baseline ? 0 : crash.data_bytes - crash.baseline
            let waiters = life.state.withLock { state in
                state.ending = ChildEnding(cause: state.cause, status: status, memory: memory, limit: configuration.limit)
                return state.waiters
            }
            life.farSide.isGone.store(true, ordering: .sequentiallyConsistent)
            lines.lose()
            served.lose()
            for waiter in waiters { waiter.signal() }
        }
        guard pid >= 0 else {
            throw StartFailure(reason: "\(configuration.executable) cannot be started: \(String(cString: strerror(error)))")
        }
        self.pid = pid
        self.descriptor = descriptor
        self.lines = lines
        self.served = served
        self.life = life
        name = configuration.name
    }

    deinit {
        // Nobody else would end it.
        _ = apus_pidfd_signal(descriptor, SIGKILL)
        close(descriptor)
    }

    struct StartFailure: Error { let reason: String }

    /// Serves the child's calls from now on: `serve` is called for each channel, on a thread of its own, and returns when the channel is
    /// lost. Call it once.
    func serve(_ serve: @escaping @Sendable (any Line) -> Void) {
        startThread(name: "\(name)-calls") { [served, name] in served.follow(threadName: name, stack: 4 << 20, serve) }
    }

    /// Ends the process, unless it has ended. The first cause counts.
    func end(_ cause: ChildEnding.Cause) {
        life.state.withLock { if $0.cause == nil { $0.cause = cause } }
        _ = apus_pidfd_signal(descriptor, SIGKILL)
    }

    /// Why the process is no more; waits until it was reaped. `nil` when it still was not after `seconds`.
    func ending(seconds: Int) -> ChildEnding? {
        let waiter = DispatchSemaphore(value: 0)
        let ending = life.state.withLock { state in
            if state.ending == nil { state.waiters.append(waiter) }
            return state.ending
        }
        if let ending { return ending }
        _ = waiter.wait(timeout: .now() + .seconds(seconds))
        return life.state.withLock { $0.ending }
    }

    /// Waits until the process is no more.
    func waitUntilEnded() -> ChildEnding {
        while true { if let ending = ending(seconds: 3600) { return ending } }
    }

    var isRunning: Bool { life.state.withLock { $0.ending == nil } }

    /// Memory of the process that is in RAM; zero when it is gone.
    var residentBytes: UInt64 {
        guard isRunning, let file = fopen("/proc/\(pid)/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (UInt64(fields[1]) ?? 0) * UInt64(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}
