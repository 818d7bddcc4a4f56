internal import APIModel
internal import Dispatch
internal import Logging
internal import PluginAPI
internal import Synchronization

/// An instance in a process of its own. When the process ends, calls answer UNAVAILABLE with a sentence that says why, and after a while
/// another is started, with `create` and `start` as before.
///
/// `start`, `stop` and `destroy` are called one at a time. `destroy` must be called: it ends the process.
final class IsolatedInstance: ComponentInstance {
    private let name: String
    private let config: [UInt8]
    private let launcher: ChildLauncher
    private let log: Logger
    private let notice: @Sendable (InstanceNotice) -> Void
    /// The extension's slots, for callers.
    private let slots: ImportedTable
    let inspection: LibraryInspection?
    let caveat: String?

    private struct State {
        var supervision = Supervision()
        var launch: ChildLauncher.Launch
    }
    private let state: Mutex<State>
    private let generation = Atomic<UInt64>(1)
    /// Ends the supervisor's wait.
    private let giveUp = DispatchSemaphore(value: 0)
    /// Signalled when the supervisor has ended.
    private let supervised = DispatchSemaphore(value: 0)

    /// Starts the process and calls `create`. Blocks.
    /// - Parameter notice: called on a thread of the instance.
    /// - Throws: `PluginError` when the process cannot be started, the library cannot be used, or `create` refuses.
    init(
        _ manifest: PluginManifest, _ library: Library, services: [(TableDescriptor, UnsafeRawPointer)], childExecutable: String,
        log: Logger,
        notice: @escaping @Sendable (InstanceNotice) -> Void
    ) throws {
        name = manifest.name
        config = JSON.encode(manifest.config)
        launcher = ChildLauncher(manifest, library, services: services, executable: childExecutable, log: log)
        self.log = log
        self.notice = notice
        let launch = try launcher.launch()
        slots = ImportedTable(
            manifest.kind.descriptor, present: launch.report.slots, number: launch.report.number, deadline: manifest.deadline)
        inspection = launch.report.library
        caveat = launch.child.caveat
        state = Mutex(State(launch: launch))
        do {
            try launch.lifeCycle.create(config)
        } catch {
            launch.end()
            throw error
        }
        if let caveat { log.warning("plugin \(name) is isolated \(caveat)") }
        _ = state.withLock { $0.supervision.created(at: .now) }
        slots.connect(launch.peer)
        startThread(name: "\(name)-keeper") { [weak self, supervised] in
            // Not held while it waits: who drops the instance without `destroy` gets the process ended by `deinit`.
            var launch: ChildLauncher.Launch? = launch
            while let ended = launch {
                let ending = ended.child.waitUntilEnded()
                launch = self?.replace(ended, ending)
            }
            supervised.signal()
        }
    }

    deinit { state.withLock { $0.launch }.child.end(.stopped) }

    var table: UnsafeRawPointer { slots.table }
    var me: UnsafeMutableRawPointer? { slots.me }
    var incarnation: UInt64 { generation.load(ordering: .acquiring) }

    var process: ProcessStatus? {
        let (child, restarts) = state.withLock { ($0.launch.child, $0.supervision.restarts) }
        return ProcessStatus(pid: child.isRunning ? child.pid : 0, restarts: restarts, residentBytes: child.residentBytes)
    }

    /// In a process that ends meanwhile, and in those that follow, the supervisor calls `start`.
    func start() throws {
        let (action, launch) = state.withLock { ($0.supervision.start(), $0.launch) }
        switch action {
        case .wait: break
        case .refuse: throw PluginError(.startFailed, plugin: name, "it was stopped")
        case .callStart:
            do {
                try launch.lifeCycle.start()
            } catch {
                state.withLock { $0.supervision.startFailed() }
                throw error
            }
        }
    }

    /// After this no process is started any more.
    func stop() {
        switch state.withLock({ $0.supervision.stop() }) {
        case .nothing: break
        case .callStop: state.withLock { $0.launch }.lifeCycle.stop()
        case .giveUp:
            state.withLock { $0.launch }.child.end(.stopped)
            giveUp.signal()
        }
    }

    /// Returns when the process is gone.
    func destroy() {
        stop()
        let launch = state.withLock { $0.launch }
        launch.lifeCycle.destroy()
        launch.child.end(.stopped)
        giveUp.signal()
        if supervised.wait(timeout: .now() + .seconds(20)) == .timedOut { log.error("the process of plugin \(name) does not end") }
        supervised.signal()
        slots.disconnect("plugin \(name) was stopped")
    }
}

// The supervisor, on its own thread.
extension IsolatedInstance {
    /// Starts processes in place of one that ended until one serves. `nil` when nobody wants one any more.
    private func replace(_ ended: ChildLauncher.Launch, _ ending: ChildEnding) -> ChildLauncher.Launch? {
        ended.peer.lose("plugin \(name) \(ending.sentence)")
        var next = state.withLock { $0.supervision.fell(at: .now) }
        var reason = ending.sentence
        var crash: PluginCrash? = PluginCrash(process: ended.child.pid, end: reason, isFault: ending.isFault, key: ending.key)
        while let delay = next {
            slots.disconnect("plugin \(name) \(reason); it is started again after \(ChildEnding.text(delay))")
            notice(.crashed(reason: reason, restartAfter: delay, crash: crash))
            crash = nil
            guard giveUp.wait(timeout: .now() + .nanoseconds(delay.nanoseconds)) == .timedOut, state.withLock({ $0.supervision.tryAgain() })
            else { return nil }
            do {
                let launch = try rise()
                notice(.restarted(incarnation: incarnation))
                return launch
            } catch {
                reason = "could not be started again: \((error as? PluginError)?.message ?? "\(error)")"
                next = state.withLock { $0.supervision.failed() }
            }
        }
        return nil
    }

    private func rise() throws -> ChildLauncher.Launch {
        let launch = try launcher.launch()
        do {
            try state.withLock { state in
                state.launch = launch
                guard state.supervision.phase == .rising else { throw CancellationError() }
            }
            try launch.lifeCycle.create(config)
            let action = state.withLock { state in
                let action = state.supervision.created(at: .now)
                // Whoever starts it from here on may call it as soon as that is done.
                if action == .serve { slots.connect(launch.peer) }
                return action
            }
            switch action {
            case .giveUp: throw CancellationError()
            case .serve: break
            case .callStart:
                try launch.lifeCycle.start()
                guard state.withLock({ $0.supervision.rose(at: .now) }) else { throw CancellationError() }
            }
        } catch {
            launch.end()
            throw error
        }
        generation.add(1, ordering: .acquiringAndReleasing)
        slots.connect(launch.peer)
        return launch
    }
}

extension Duration {
    fileprivate var nanoseconds: Int { Int(components.seconds) * 1_000_000_000 + Int(components.attoseconds / 1_000_000_000) }
}
