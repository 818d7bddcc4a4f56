internal import Client
internal import Dispatch
internal import Logging
internal import PluginHost
internal import Synchronization

/// One controller at work, from here until `end`, which its owner calls, and then waits with `waitUntilOver`.
final class ControllerRun: Sendable {
    private struct State {
        var isOver = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let controller: ControllerPlugin
    private let runner: ControllerRunner
    private let incarnation: UInt64
    private let log: Logger
    private let state = Mutex(State())
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// How long the last `reconcile` of one that goes is waited for: what never ends must not keep its successor out.
    private static let patience = 60

    /// - Parameter predecessors: runs that are ending. The work begins when they are over, so that a controller and the one it takes the
    ///   place of never work at once.
    init(_ controller: ControllerPlugin, after predecessors: [ControllerRun], _ services: HostServices, quarantine: Quarantine, log: Logger)
    {
        self.controller = controller
        self.log = log
        incarnation = controller.incarnation
        let runner = ControllerRunner(controller, services, quarantine: quarantine, log: log)
        self.runner = runner
        task.withLock {
            $0 = Task { [self] in
                for run in predecessors { await run.waitUntilOver() }
                if !Task.isCancelled { await runner.run() }
                // A task of its own, for this one is cancelled by now.
                await Task { await controller.waitUntilCaughtUp() }.value
                finish()
            }
        }
    }

    /// Whether this is `controller` as it is now. One whose process was started anew has forgotten what it was about: it gets everything
    /// again, as a new one does.
    func isOf(_ controller: ControllerPlugin) -> Bool { self.controller === controller && incarnation == controller.incarnation }

    /// Under the controller's name what has become of the keys in its queue.
    var figures: (name: String, figures: QueueFigures) { (controller.name, runner.figures) }

    /// Whether the last `reconcile` has ended and the cache shows what it wrote, or it was waited for in vain.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// No further `reconcile` begins. Call it once.
    func end() {
        task.withLock { $0 }?.cancel()
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(Self.patience)) { [weak self] in
            guard let self, !isOver else { return }
            log.error("controller \(controller.name): a reconcile has not ended within \(Self.patience) s and is left behind")
            finish()
        }
    }

    /// Returns when the run `isOver`, whether or not the caller is cancelled.
    func waitUntilOver() async {
        await withCheckedContinuation { waiter in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiters.append(waiter) }
                return state.isOver
            }
            if isOver { waiter.resume() }
        }
    }

    private func finish() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            state.isOver = true
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
