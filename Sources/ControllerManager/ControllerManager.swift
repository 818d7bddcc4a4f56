public import Client
internal import Exposition
public import Logging
public import PluginHost
internal import Synchronization

/// The controller loop: for each controller plugin a work queue, fed from the shared cache as the plugin's manifest says, and workers that
/// call its `reconcile`.
///
/// It follows the plugin host: a controller that is swapped in while the loop runs takes over once the last `reconcile` of the one before
/// has ended and the cache shows what that wrote. Run as one of several, it works only while it holds the Lease
/// `kube-system/kube-controller-manager`.
public final class ControllerManager: Sendable {
    private let services: HostServices
    private let plugins: PluginHost
    private let elector: LeaderElector?
    private let quarantine: Quarantine
    private let log: Logger
    private let failure = Mutex<String?>("not started")
    /// Those that work now.
    private let runs = Mutex<[ControllerRun]>([])

    /// - Parameters:
    ///   - services: those that the plugins have.
    ///   - plugins: whose controllers to run.
    ///   - elector: `nil` where no second controller manager can be.
    ///   - quarantine: the objects that a controller passes over.
    public init(
        services: HostServices, plugins: PluginHost, elector: LeaderElector? = nil, quarantine: Quarantine = Quarantine(), log: Logger
    ) {
        self.services = services
        self.plugins = plugins
        self.elector = elector
        self.quarantine = quarantine
        self.log = log
    }

    /// Why the loop does not work, `nil` when it does.
    public var unhealthyReason: String? { failure.withLock { $0 } }

    /// Figures in Prometheus' text, under upstream's names.
    public var figures: String {
        let runs = runs.withLock { $0 }.map(\.figures)
        var text = MetricsText()
        QueueFigures.write(runs, to: &text)
        text.family(
            "running_managed_controllers", .gauge, "Always 1: the labels say which controllers run.",
            runs.map { ([("manager", "kube-controller-manager"), ("name", $0.name)], "1") })
        ProcessMetrics.write(to: &text)
        return text.text
    }

    /// Runs until cancelled, or throws when leadership is lost: then the process must end, because another one works already.
    public func run() async throws {
        guard let elector else { return try await work() }
        failure.withLock { $0 = nil }
        try await elector.run { try await self.work() }
    }

    private func work() async throws {
        failure.withLock { $0 = nil }
        defer { failure.withLock { $0 = "stopped" } }
        var runs: [ControllerRun] = []
        var ending: [ControllerRun] = []
        // The stream ends with the task.
        for await _ in plugins.changes(of: .controller) {
            let wanted = plugins.controllers
            ending.removeAll(where: \.isOver)
            for run in runs where !wanted.contains(where: run.isOf) {
                run.end()
                ending.append(run)
            }
            runs.removeAll { run in ending.contains { $0 === run } }
            for controller in wanted where !runs.contains(where: { $0.isOf(controller) }) {
                runs.append(ControllerRun(controller, after: ending, services, quarantine: quarantine, log: log))
            }
            self.runs.withLock { [runs] in $0 = runs }
        }
        self.runs.withLock { $0 = [] }
        for run in runs { run.end() }
        for run in runs + ending { await run.waitUntilOver() }
        try Task.checkCancellation()
    }
}
