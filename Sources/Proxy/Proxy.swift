public import APIModel
public import Client
internal import Dispatch
public import Logging
internal import PluginAPI
public import PluginHost
internal import Synchronization

/// The service-proxy loop: follows Services and EndpointSlices and gives the backend plugin the whole wanted state whenever it changed.
///
/// Changes that arrive while the backend works are gathered and go out together. A `sync` that fails is tried again, with everything, after
/// a back-off of 1 s doubling to 30 s. It is also called when nothing has changed for a while, to look after what it put in force. Another backend, or one whose process was started anew, gets everything at once: what the one before
/// put in force stays until then.
public final class Proxy: Sendable {
    public struct Configuration: Sendable {
        public var nodeName: String
        public var nodeAddresses: [String]
        /// Node ports are at those of the machine's addresses that are in one of these; where there is none, it is left to the backend.
        public var nodePortNetworks: [IPNetwork] = []
        /// The networks of pods, at most one of each family with a comma between.
        public var clusterCIDR: String
        /// Whether the machine is a node: its zone counts then, where endpoints say which zones they are for.
        public var isNode = true
        /// How often the backend is called although nothing changed, so that it can look whether what it put in force still is.
        public var checkPeriod = Duration.seconds(20)

        public init(nodeName: String, nodeAddresses: [String], clusterCIDR: String) {
            self.nodeName = nodeName
            self.nodeAddresses = nodeAddresses
            self.clusterCIDR = clusterCIDR
        }
    }

    private let configuration: Configuration
    private let cache: Cache
    private let plugins: PluginHost
    private let quarantine: Quarantine
    private let log: Logger
    private let table: Mutex<ServiceTable>
    /// What the backend was lent last. Nobody waits for it: `control` is the only one who takes it.
    private let laidOut: Mutex<WantedServices>
    private let healthChecks: HealthCheckPorts
    private let failure: Failure
    /// Whether the backend is to look even if nothing changed.
    private let isCheckDue = Atomic(false)
    /// The backend's slots block and take one caller at a time.
    private let control = DispatchQueue(label: "apus.proxy")

    /// - Parameters:
    ///   - plugins: whose proxy carries the traffic.
    ///   - quarantine: the Services and EndpointSlices that are as if they were not there.
    public init(_ configuration: Configuration, cache: Cache, plugins: PluginHost, quarantine: Quarantine = Quarantine(), log: Logger) {
        self.configuration = configuration
        self.cache = cache
        self.plugins = plugins
        self.quarantine = quarantine
        self.log = log
        self.table = Mutex(ServiceTable(nodeName: configuration.nodeName))
        laidOut = Mutex(
            WantedServices(
                nodeAddresses: configuration.nodeAddresses.compactMap { IPAddress($0) }, nodePortNetworks: configuration.nodePortNetworks,
                podCIDR: configuration.clusterCIDR))
        let failure = Failure()
        self.failure = failure
        healthChecks = HealthCheckPorts(isHealthy: { failure.reason == nil }, log: log)
    }

    /// Safe from any thread.
    public var health: ProxyHealth {
        var health = failure.health
        health.isNodeEligible = !configuration.isNode || ProxyHealth.isEligible(cache.get(.nodes, name: configuration.nodeName)?.value)
        return health
    }

    /// Runs until cancelled. What is in force stays in force afterwards.
    public func run() async throws {
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await cache.watch(.services)
        try await cache.watch(.endpointSlices)
        let observation = cache.observe([.services, .endpointSlices] + (configuration.isNode ? [.nodes] : [])) {
            [self] resource, before, after in
            if resource == .nodes {
                // A node tells often that it is well: nothing of that is looked at again.
                guard let after, after.name == configuration.nodeName,
                    table.withLock({ $0.setZone(after.labels[NodeLabel.zone] ?? "") })
                else { return }
            } else {
                hear(resource, before: before, after: after)
            }
            signal.yield()
        }
        defer { observation.cancel() }
        quarantine.observe(.proxy) { [weak self] key in
            guard let self, let object = cache.get(key.resource, namespace: key.namespace, name: key.name) else { return }
            hear(key.resource, before: nil, after: object)
            signal.yield()
        }
        await withDiscardingTaskGroup { group in
            group.addTask { [healthChecks] in await healthChecks.run() }
            // Not waited for: traffic flows without it, too.
            if configuration.isNode { group.addTask { [cache] in try? await cache.watch(.nodes) } }
            group.addTask { [plugins] in
                // At once, and then whenever there is another backend, or the same anew.
                for await _ in plugins.changes(of: .proxy) { signal.yield() }
            }
            group.addTask { [self] in
                while (try? await Task.sleep(for: configuration.checkPeriod)) != nil {
                    isCheckDue.store(true, ordering: .relaxed)
                    signal.yield()
                }
            }
            await follow(changes) { delay in
                group.addTask {
                    try? await Task.sleep(for: delay)
                    signal.yield()
                }
            }
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    /// The labels of Services that another proxy carries, and of slices whose endpoints are found by name alone.
    private static let others: [GroupVersionResource: String] = [
        .services: "service.kubernetes.io/service-proxy-name", .endpointSlices: "service.kubernetes.io/headless",
    ]

    private static func isOthers(_ resource: GroupVersionResource, _ object: Object) -> Bool {
        others[resource].map { object.labels[$0] != nil } ?? false
    }

    /// What is passed over is as if it had gone.
    private func hear(_ resource: GroupVersionResource, before: Object?, after: Object?) {
        guard let object = after ?? before else { return }
        let after = after.flatMap { Self.isOthers(resource, $0) || quarantine.holds(.proxy, resource, $0) ? nil : $0 }
        InHand.with(.proxy, resource, namespace: object.namespace, name: object.name, uid: object.uid) {
            if resource == .services {
                return table.withLock { $0.setService("\(object.namespace)/\(object.name)", after?.value) }
            }
            for (object, value) in [(before, nil), (after, after?.value)] {
                guard let object, let service = object.labels["kubernetes.io/service-name"] else { continue }
                table.withLock { $0.setSlice(object.name, of: "\(object.namespace)/\(service)", value) }
            }
        }
    }

    /// Puts the wanted state in force after each change, until the task is cancelled. `again` has another change come after a delay.
    private func follow(_ changes: AsyncStream<Void>, again: (Duration) -> Void) async {
        // Alone: nobody else asks this backend.
        let patience = Backoff(first: .seconds(1), spread: 0)
        var (backoff, notBefore) = (patience, ContinuousClock.now)
        var backend: (plugin: ProxyPlugin, incarnation: UInt64, isInCharge: Bool)?
        for await _ in changes {
            guard let plugin = plugins.proxy else {
                backend = nil
                failure.set("no proxy plugin is running")
                continue
            }
            let incarnation = plugin.incarnation
            if backend?.plugin !== plugin || backend?.incarnation != incarnation {
                // It knows of nothing that is in force, and it need not pay for the failures of another.
                backend = (plugin, incarnation, false)
                (backoff, notBefore) = (patience, .now)
                table.withLock { $0.forgetInForce() }
            }
            guard ContinuousClock.now >= notBefore else { continue }
            do {
                try await sync(plugin)
                // Whoever was in charge before may go now.
                if backend?.isInCharge == false { plugin.didSync() }
                backend?.isInCharge = true
                failure.set(nil)
                backoff = patience
            } catch {
                let delay = backoff.next()
                notBefore = .now + delay
                failure.set("\(error)")
                log.error("proxy: the wanted state could not be put in force, trying again in \(delay): \(error)")
                table.withLock { $0.forgetInForce() }
                again(delay)
            }
        }
    }

    private func sync(_ plugin: ProxyPlugin) async throws {
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            control.async { [self] in
                done.resume(
                    with: Result {
                        let (wanted, healthChecked) = table.withLock { ($0.wanted(), $0.healthChecked) }
                        healthChecks.set(healthChecked)
                        let isCheck = isCheckDue.exchange(false, ordering: .relaxed)
                        if !isCheck, wanted.previous != 0, wanted.isEmpty { return }
                        try laidOut.withLock { try $0.withArrays(wanted) { try plugin.sync($0) } }
                        table.withLock { $0.didPutInForce(wanted) }
                    })
            }
        }
    }
}

/// What `sync` came to. Safe from any thread.
private final class Failure: Sendable {
    private let state = Mutex(ProxyHealth())
    var health: ProxyHealth { state.withLock { $0 } }
    var reason: String? { health.problem }
    func set(_ reason: String?) {
        state.withLock {
            $0.problem = reason
            if reason == nil { $0.lastUpdated = Timestamp.nowMicro() }
        }
    }
}
