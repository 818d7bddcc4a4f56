internal import CLinux
internal import Dispatch
internal import Glibc
internal import Logging
internal import Synchronization

/// A process of this executable that holds one plugin. It ends with `end`, with the host, or by itself; it is always reaped.
final class ChildProcess: Sendable {
    /// What a child is started with.
    struct Configuration: Sendable {
        var executable: String
        /// The plugin's name, for `ps`.
        var name: String
        var confinement: Confinement
        var limits: ResolvedLimits
        /// The library's file.
        var library: Int32
        /// What the library is linked with, for a child that sees none of the host's files.
        var sharedObjects: [String]
        var log: Logger
    }

    /// The descriptors of a child, by position from 3.
    enum Descriptor: Int32 {
        case mailboxes = 3
        case library, arena
    }
    /// The word after the executable's name on the child's command line.
    static let command = "plugin-child"
    /// Threads of a child that are not the plugin's: those that serve calls, and the first.
    private static let threads = Mailboxes.calls + 1

    let pid: Int32
    /// What the host could not take from the child, in words that follow "isolated"; `nil` when all is as it should be.
    let caveat: String?
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
        let farSide = Channel.FarSide(room: Channel.room)
    }

    /// Starts the process.
    /// - Throws: `StartFailure` when the system does not let it start.
    init(_ configuration: Configuration) throws(StartFailure) {
        guard let mailboxes = Mailboxes(), let output = ChildOutput.Pipes() else {
            throw StartFailure(reason: "no memory or no pipe for a child process: \(String(cString: strerror(errno)))")
        }
        let life = Life()
        let lines = ChannelPool(mailboxes, isHost: true, count: Mailboxes.calls, life.farSide)
        let served = ServedChannels(mailboxes, isHost: true, count: configuration.confinement.upcalls, life.farSide)
        let group = ControlGroup(plugin: configuration.name, configuration.limits, threads: Self.threads)
        let order = ChildKeeper.Order(
            executable: configuration.executable, arguments: Self.arguments(configuration),
            // A crash is to end the process at once, not after a debugger looked at it.
            environment: ["SWIFT_BACKTRACE=enable=no"],
            descriptors: [mailboxes.descriptor, configuration.library, SharedArena.shared.descriptor], output: output.output,
            errors: output.errors, groups: group.descriptors, hasNetwork: configuration.confinement.hasNetwork)
        let (pid, descriptor, error) = ChildKeeper.shared.start(order) { status in
            let ranOut = group.ranOutOfMemory
            group.remove()
            let crash = mailboxes.crash.pointee
            let waiters = life.state.withLock { state in
                var ending = ChildEnding(
                    cause: state.cause, status: Self.status(status, crash), memory: Self.memory(crash),
                    limit: UInt64(clamping: configuration.limits.memory),
                    ranOutOfMemory: ranOut, wasSent: crash.sender != 0)
                // Now, while those who call still wait for their answers.
                if ending.isFault { ending.key = lines.inHand(on: crash.channel) }
                state.ending = ending
                return state.waiters
            }
            life.farSide.isGone.store(true, ordering: .sequentiallyConsistent)
            lines.lose()
            served.lose()
            for waiter in waiters { waiter.signal() }
        }
        output.closeWritten()
        guard pid >= 0 else {
            output.closeRead()
            group.remove()
            throw StartFailure(reason: Self.reason(configuration.executable, error))
        }
        ChildOutput.follow(output, plugin: configuration.name, log: configuration.log)
        self.pid = pid
        self.descriptor = descriptor
        self.lines = lines
        self.served = served
        self.life = life
        name = configuration.name
        let caveats = (ChildKeeper.isRoot ? [] : ["without a user of its own, because this host is not root"]) + group.caveats
        caveat = caveats.isEmpty ? nil : caveats.joined(separator: ", and ")
    }

    deinit {
        // Nobody else would end it.
        _ = apus_pidfd_signal(descriptor, SIGKILL)
        close(descriptor)
    }

    struct StartFailure: Error { let reason: String }

    private static func reason(_ executable: String, _ error: Int32) -> String {
        "\(executable) cannot be started\(error == EPERM ? " in namespaces of its own" : ""): \(String(cString: strerror(error)))"
    }

    /// What `CLinux` reads before `main`.
    private static func arguments(_ configuration: Configuration) -> [String] {
        let confinement = configuration.confinement
        let user = confinement.user == .own && ChildKeeper.isRoot ? PluginUser.id(of: configuration.name) : 0
        // Of one user, also while one version takes over from another.
        let processes = 2 * (configuration.limits.processes + threads)
        var paths: [String] = []
        var hasOwnRoot = false
        if case .own(let shown) = confinement.files {
            hasOwnRoot = true
            paths = configuration.sharedObjects + shown
        }
        return ["apus", command, configuration.name]
            + [
                "\(user)", "\(confinement.capabilities)", "\(configuration.limits.openFiles)", "\(processes)",
                "\(confinement.calls.number)", hasOwnRoot ? "1" : "0",
            ] + paths
    }

    /// Process 1 of a PID namespace cannot end itself by a signal: it exits and leaves its number.
    private static func status(_ status: Int32, _ crash: apus_crash_record) -> Int32 {
        crash.signal != 0 && status == (128 &+ Int32(truncatingIfNeeded: crash.signal)) << 8
            ? Int32(truncatingIfNeeded: crash.signal) : status
    }

    private static func memory(_ crash: apus_crash_record) -> UInt64 {
        crash.signal == 0 || crash.data_bytes < crash.baseline ? 0 : crash.data_bytes - crash.baseline
    }

    /// Serves the child's calls from now on: `serve` is called for each channel, on a thread of its own, and returns when the channel is
    /// lost. Call it once.
    func serve(_ serve: @escaping @Sendable (any Line) -> Void) {
        startThread(name: "\(name)-calls") { [served, name] in served.follow(threadName: name, stack: 4 << 20) { serve($1) } }
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

extension ControlGroup {
    fileprivate var caveats: [String] {
        refusals.isEmpty ? [] : ["without all of its limits: \(refusals.joined(separator: "; "))"]
    }
}
