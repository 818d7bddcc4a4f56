internal import CLinux
internal import Client
internal import Glibc
internal import Logging

/// Keeps a host running: starts it, starts it again when it ended without having been asked to, and passes on what it is told itself. It
/// holds nothing of the cluster's, and does nothing while the host lives.
///
/// The host, for its part, starts another supervisor when this one ends, which `adopts` it.
struct Supervisor {
    private let directory: DataDirectory
    /// Of `up`, for the host.
    private let arguments: [String]
    /// Whoever waits for the cluster to be ready.
    private var ready: Int32?
    private let log = Logger(label: "supervisor")
    private var life: HostLife
    private var host: Running
    private let signals: Int32
    /// When the host is no longer waited for, once it was asked to stop.
    private var deadline: ContinuousClock.Instant?

    private struct Running {
        var process: pid_t
        /// Becomes readable when it ends.
        var descriptor: Int32
        var isChild = true
        let start = ContinuousClock.now
    }

    /// Takes the directory, and starts a host or adopts the one that runs.
    ///
    /// - Throws: `StartupFailure` when another has the directory.
    init(_ directory: DataDirectory, arguments: [String], ready: Int32?, adopting adopted: pid_t?) throws {
        self.directory = directory
        self.arguments = arguments
        self.ready = ready
        try directory.make()
        guard try directory.supervisor.take() else { throw directory.inUse(by: directory.owner) }
        // A stack trace may take longer than another start, and the log has the reason without it.
        setenv("SWIFT_BACKTRACE", "enable=no", 0)
        signals = try Signals.descriptor(of: [SIGTERM, SIGINT, SIGHUP, Self.isReady])
        life = HostLife(wasReady: adopted != nil)
        if let adopted {
            host = Running(process: adopted, descriptor: apus_pidfd_open(adopted), isChild: false)
        } else {
            host = try Self.start(arguments, ready, after: nil)
        }
    }

    /// What the host sends when it is ready.
    static let isReady = SIGUSR1
    /// How much longer than it may take the host gets when it was asked to stop.
    private static let grace = Duration.seconds(2)

    /// Returns when the host ended and is not started again.
    /// - Returns: the exit code for this process.
    mutating func run() throws -> Int32 {
        while true {
            waitForHost()
            let end = reap()
            switch life.ended(end, after: ContinuousClock.now - host.start) {
            case .end(let end): return end.exitCode
            case .giveUp(let end):
                let reason = "apus \(end.sentence) \(HostLife.tries) times before it was ready"
                if let ready { ReadyMessage.failed(reason).send(to: ready) }
                throw StartupFailure(reason)
            case .restart(let delay):
                let when = delay == .zero ? "at once" : "after \(Text.duration(delay))"
                log.error("the host, process \(host.process), \(end.sentence); it is started again \(when)")
                guard wait(delay) else { return 0 }
                host = try Self.start(arguments, ready, after: (host.process, end))
            }
        }
    }

    private static func start(_ arguments: [String], _ ready: Int32?, after before: (process: pid_t, end: ProcessEnd)?) throws -> Running {
        var words = arguments + ["--\(UpCommand.Hidden.supervisor)", "\(getpid())"]
        if ready != nil { words += ["--\(UpCommand.Hidden.readyDescriptor)", "\(OwnProcess.readyNumber)"] }
        if let before { words += ["--\(UpCommand.Hidden.ended)", "\(before.process):\(before.end.text)"] }
        let process = try OwnProcess.start(words, OwnProcess.Descriptors(ready: ready), isOwnSession: false)
        return Running(process: process, descriptor: apus_pidfd_open(process))
    }

    /// Returns when the host has ended, and does what signals ask for meanwhile.
    private mutating func waitForHost() {
        while true {
            var waits = [signals, host.descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let left = deadline.map { max(.zero, $0 - .now) }
            let count = poll(&waits, 2, left.map(Text.milliseconds) ?? -1)
            if count == 0 {
                log.error("the host, process \(host.process), did not end in time and is killed")
                kill(host.process, SIGKILL)
                deadline = nil
            }
            while let number = Signals.next(from: signals) { hear(number) }
            if count > 0, waits[1].revents != 0 { return }
        }
    }

    private mutating func hear(_ number: Int32) {
        if number == Self.isReady {
            life.wasReady = true
            // From here on there is little to do.
            StartCode.letGo()
            ready.map { _ = close($0) }
            ready = nil
            return
        }
        life.isStopping = true
        if deadline == nil { deadline = .now + Shutdown.bound + Self.grace }
        _ = apus_pidfd_signal(host.descriptor, SIGTERM)
    }

    /// How the host, which has ended, did so.
    private func reap() -> ProcessEnd {
        defer { close(host.descriptor) }
        // An adopted one that ends well leaves no record of what it had in hand.
        guard host.isChild else { return access(CrashFiles(directory).inHand, F_OK) == 0 ? .unknown : .exited(0) }
        var status: Int32 = 0
        while waitpid(host.process, &status, 0) < 0 { if errno != EINTR { return .unknown } }
        return ProcessEnd(status: status)
    }

    /// Returns `false` when the process was asked to stop meanwhile.
    private mutating func wait(_ delay: Duration) -> Bool {
        let end = ContinuousClock.now + delay
        while case let left = end - .now, left > .zero {
            var wait = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
            _ = poll(&wait, 1, Text.milliseconds(left))
            while let number = Signals.next(from: signals) { if number != Self.isReady { return false } }
        }
        return true
    }
}
