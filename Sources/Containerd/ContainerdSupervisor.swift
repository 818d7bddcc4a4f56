internal import CLinux
internal import FileSystem
internal import Glibc
public import Logging
internal import Synchronization

/// Our own containerd: started under the data directory, found again by the next Apus, stopped only on request.
///
/// containerd runs in a session of its own and knows nothing of us. When Apus ends, by whatever means, containerd and the pods go on; the
/// next `start` finds it by its pid file and takes it over. `stop` ends containerd and leaves the pods; `takeDown` ends everything and
/// removes what it left in the kernel.
///
/// Methods may be called from any task, `start` before `run`; the blocking parts run on threads of their own.
public final class ContainerdSupervisor: Sendable {
    public let paths: ContainerdPaths
    let configuration: ContainerdConfiguration
    let log: Logger
    private let process = Mutex<Child?>(nil)

    /// - Parameter directory: `DATA/containerd`, absolute; made by `start`.
    public init(directory: String, configuration: ContainerdConfiguration = ContainerdConfiguration(), log: Logger) {
        paths = ContainerdPaths(directory: directory)
        self.configuration = configuration
        self.log = log
    }

    /// How `start` found containerd.
    public enum Outcome: Sendable { case started, adopted }

    /// Makes sure that containerd runs and its CRI answers. A second call finds it running and does nothing.
    /// - Throws: `.missing` naming the package, `.notAllowed` without root, `.failed` with containerd's own words when it does not start,
    ///   `.timedOut`.
    @discardableResult
    public func start(within duration: Duration = .seconds(15)) async throws(ContainerdError) -> Outcome {
        try await onOwnThread { [self] () throws(ContainerdError) in try bringUp(Deadline(after: duration)) }
    }

    /// Watches over containerd, starting it again when it ends, until the task is cancelled. containerd then goes on alone.
    public func run() async throws(ContainerdError) {
        let waker = try Waker()
        await withTaskCancellationHandler {
            // The watch itself throws nothing: a containerd that does not start is tried again.
            _ = try? await onOwnThread { [self] in watch(waker) }
        } onCancel: {
            waker.wake()
        }
    }

    /// Ends containerd with SIGTERM, after the deadline with SIGKILL. Pods go on.
    public func stop(within duration: Duration = .seconds(5)) async throws(ContainerdError) {
        try await onOwnThread { [self] () throws(ContainerdError) in end(Deadline(after: duration)) }
    }

    /// Whether CRI answers at this moment.
    public func isHealthy(within duration: Duration = .seconds(2)) async -> Bool {
        let socket = CRISocket(path: paths.socket)
        return (try? await onOwnThread { socket.answers(Deadline(after: duration)) }) ?? false
    }
}

extension CRISocket {
    /// Whether CRI has finished its own start: before that it refuses every call but `Version`.
    func answers(_ deadline: Deadline) -> Bool { call("RuntimeService/Status", [], deadline: deadline) != nil }
}

extension ContainerdSupervisor {
    /// The running containerd of this directory, whoever started it.
    func running() -> Child? {
        guard let fields = Files.text(paths.pidFile)?.split(whereSeparator: \.isWhitespace), fields.count == 2,
            let pid = pid_t(fields[0]),
            let child = Child(pid: pid), Child.startTime(pid) == String(fields[1])
        else { return nil }
        return child
    }

    private func bringUp(_ deadline: Deadline) throws(ContainerdError) -> Outcome {
        if let child = running() {
            do throws(ContainerdError) {
                try awaitCRI(child, deadline)
                try ensurePauseImage(deadline)
                process.withLock { $0 = child }
                return .adopted
            } catch {
                log.warning(
                    "containerd runs but does not answer, starting it anew", metadata: ["pid": "\(child.pid)", "reason": "\(error)"])
                child.signal(SIGKILL)
                _ = child.waitUntilGone(Deadline(after: .seconds(5)))
            }
        }
        var info = stat()
        let logged = stat(paths.log, &info) == 0 && info.st_size <= Self.logLimit ? Int(info.st_size) : 0
        let shims = Files.exists(paths.state) ? Shims(of: paths).ids : []
        let child = try launch()
        do throws(ContainerdError) {
            try awaitCRI(child, deadline, logged: logged)
            killForgotten(shims, deadline)
            try ensurePauseImage(deadline)
        } catch {
            child.signal(SIGKILL)
            _ = child.waitUntilGone(Deadline(after: .seconds(5)))
            unlink(paths.pidFile)
            throw error
        }
        process.withLock { $0 = child }
        return .started
    }

    private func launch() throws(ContainerdError) -> Child {
        guard geteuid() == 0 else {
            throw ContainerdError(.notAllowed, "containers need root: run apus as root, or give --container-runtime-endpoint")
        }
        guard let program = Environment.program("containerd") else {
            throw ContainerdError(
                .missing, "containerd is not installed: install the package containerd, or give --container-runtime-endpoint")
        }
        for (name, package) in [("runc", "runc"), ("containerd-shim-runc-v2", "containerd")] where Environment.program(name) == nil {
            throw ContainerdError(.missing, "\(name) is not installed: install the package \(package)")
        }
        // The kernel's limit for a socket's path; containerd adds `.ttrpc`.
        guard paths.socket.utf8.count + 6 < 108 else {
            throw ContainerdError(.failed, "the path \(paths.socket) is too long for a socket: choose a shorter --data-dir")
        }
        let cniDirectory = try configuration.cniDirectory()
        try ContainerdError.telling { () throws(Files.Failure) in
            for directory in [paths.directory, paths.root, paths.state, paths.cniConfiguration] {
                try Files.makeDirectory(directory, mode: 0o711)
            }
        }
        let facts = HostFacts.detect(directory: paths.directory)
        tell(facts)
        try write(configuration.toml(paths: paths, cniDirectory: cniDirectory, facts: facts), to: paths.configuration)
        unlink(paths.socket)
        unlink(paths.socket + ".ttrpc")

        let output = try openLog()
        defer { close(output) }
        let child = try Child.start(
            [program, "--config", paths.configuration, "--log-level", "warn"], environment: Environment.forPrograms(), output: output,
            newSession: true)
        try write("\(child.pid) \(Child.startTime(child.pid) ?? "0")\n", to: paths.pidFile)
        return child
    }

    private func write(_ text: String, to path: String) throws(ContainerdError) {
        try ContainerdError.telling { () throws(Files.Failure) in
            try Files.replace(path, Array(text.utf8), mode: 0o600, durable: false)
        }
    }

    private func tell(_ facts: HostFacts) {
        if !facts.canLowerOOMScore { log.info("without CAP_SYS_RESOURCE no container gets an oom_score_adj below containerd's own") }
        if !facts.hasOverlay {
            log.warning("overlayfs does not work here, images are copied for each container", metadata: ["directory": "\(paths.root)"])
        }
        if !facts.hasCgroups { log.warning("no control groups that can be written to: containers run without limits") }
    }

    /// A log that is larger is put aside at the next start.
    private static let logLimit = 16 << 20

    private func openLog() throws(ContainerdError) -> Int32 {
        var info = stat()
        if stat(paths.log, &info) == 0, info.st_size > Self.logLimit { rename(paths.log, paths.log + ".1") }
        let descriptor = open(paths.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ContainerdError.system("cannot write \(paths.log)") }
        return descriptor
    }

    /// Waits for the socket to appear, then for CRI to have read its state back.
    /// - Parameter logged: where in the log this containerd's own words begin; nil when they are not known.
    private func awaitCRI(_ child: Child, _ deadline: Deadline, logged: Int? = nil) throws(ContainerdError) {
        let socket = CRISocket(path: paths.socket)
        let watch = apus_watch_directory(paths.directory)
        defer { close(watch) }
        var pause: Int32 = 2
        while true {
            let accepts = socket.accepts()
            if accepts, socket.answers(deadline) { return }
            // containerd also runs without the part that we need it for.
            if accepts, let logged,
                let reason = Files.text(paths.log)?.utf8.dropFirst(logged).split(separator: 10).first(where: {
                    String($0)?.contains(Self.withoutCRI) == true
                })
            {
                throw ContainerdError(.failed, "containerd started without CRI: \(String(reason) ?? ""); see \(paths.log)")
            }
            guard !deadline.isPast else {
                throw ContainerdError(.timedOut, "containerd did not answer on \(paths.socket) in time: see \(paths.log)")
            }
            // A file that appears may be the socket, which listens a moment later; nothing tells when CRI is done. So both are looked at
            // again after a growing pause.
            var waits = [
                pollfd(fd: child.descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: watch, events: Int16(POLLIN), revents: 0),
            ]
            poll(&waits, 2, min(pause, max(deadline.milliseconds, 1)))
            pause = min(pause * 2, 50)
            if waits[0].revents != 0 {
                _ = child.waitUntilGone(deadline)
                throw ContainerdError(.failed, "containerd ended at once: \(lastWords() ?? "it said nothing"); see \(paths.log)")
            }
            var drained = [UInt8](repeating: 0, count: 4096)
            while read(watch, &drained, drained.count) > 0 {}
        }
    }

    private static let withoutCRI = "failed to load plugin io.containerd.grpc.v1.cri"

    private func lastWords() -> String? { Files.text(paths.log)?.split(separator: "\n").last.map(String.init) }

    private func watch(_ waker: Waker) {
        var pause = 100
        while !waker.isAwake {
            guard let child = process.withLock({ $0 }) ?? running() else {
                do throws(ContainerdError) {
                    _ = try bringUp(Deadline(after: .seconds(15)))
                    log.notice("containerd is back")
                } catch {
                    log.error("containerd does not start", metadata: ["reason": "\(error)"])
                    if waker.wait(milliseconds: Int32(pause)) { return }
                    pause = min(pause * 2, 10_000)
                }
                continue
            }
            let since = ContinuousClock.now
            guard waker.wait(orReadable: child.descriptor) else { return }
            _ = child.waitUntilGone(Deadline(after: .zero))
            log.error("containerd ended, starting it again", metadata: ["pid": "\(child.pid)", "log": "\(paths.log)"])
            process.withLock { $0 = nil }
            if since.duration(to: .now) > .seconds(10) { pause = 100 }
            if waker.wait(milliseconds: Int32(pause)) { return }
            pause = min(pause * 2, 10_000)
        }
    }

    /// Ends containerd itself.
    func end(_ deadline: Deadline) {
        guard let child = process.withLock({ $0 }) ?? running() else { return }
        child.signal(SIGTERM)
        if !child.waitUntilGone(deadline) {
            log.warning("containerd did not end in time, killing it", metadata: ["pid": "\(child.pid)"])
            child.signal(SIGKILL)
            _ = child.waitUntilGone(Deadline(after: .seconds(5)))
        }
        process.withLock { $0 = nil }
        for file in [paths.pidFile, paths.socket, paths.socket + ".ttrpc"] { unlink(file) }
    }
}
