internal import APIModel
public import Client
public import Logging
public import PluginHost
internal import Synchronization

/// The controller loop: for each controller plugin a work queue, fed from the shared cache as the plugin's manifest says, and workers that call its `reconcile`.
///
/// Run as one of several, it works only while it holds the Lease `kube-system/kube-controller-manager`.
public final class ControllerManager: Sendable {
    private let cache: Cache
    private let controllers: [ControllerPlugin]
    private let elector: LeaderElector?
    private let log: Logger
    private let failure = Mutex<String?>("not started")

    /// - Parameters:
    ///   - controllers: what to run, in the order to start.
    ///   - elector: `nil` where no second controller manager can be.
    public init(cache: Cache, controllers: [ControllerPlugin], elector: LeaderElector? = nil, log: Logger) {
        self.cache = cache
        self.controllers = controllers
        self.elector = elector
        self.log = log
    }

    /// Why the loop does not work, `nil` when it does.
    public var unhealthyReason: String? { failure.withLock { $0 } }

    /// Runs until cancelled, or throws when leadership is lost: then the process must end, because another one works already.
    public func run() async throws {
        guard let elector else { return try await work() }
        failure.withLock { $0 = nil }
        try await elector.run { try await self.work() }
    }

    private func work() async throws {
        failure.withLock { $0 = nil }
        defer { failure.withLock { $0 = "stopped" } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for controller in controllers {
                let runner = ControllerRunner(controller, cache: cache, log: log)
                group.addTask { try await runner.run() }
            }
            // Without any controller, too, the loop lasts until it is cancelled.
            if controllers.isEmpty { group.addTask { try await Task.sleep(for: .seconds(Int64.max / 1_000_000_000)) } }
            for try await _ in group {}
        }
    }
}
