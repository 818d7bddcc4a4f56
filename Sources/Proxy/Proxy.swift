internal import APIModel
public import Client
internal import Dispatch
public import Logging
internal import PluginAPI
public import PluginHost
internal import Synchronization

/// The service-proxy loop: follows Services and EndpointSlices and gives the backend plugin the whole wanted state whenever it changed.
///
/// Changes that arrive while the backend works are gathered and go out together. A `sync` that fails is tried again, with everything, after a back-off of 1 s doubling to 30 s.
public final class Proxy: Sendable {
    public struct Configuration: Sendable {
        public var nodeName: String
        /// Where node ports listen.
        public var nodeAddresses: [String]
        public var clusterCIDR: String

        public init(nodeName: String, nodeAddresses: [String], clusterCIDR: String) {
            self.nodeName = nodeName
            self.nodeAddresses = nodeAddresses
            self.clusterCIDR = clusterCIDR
        }
    }

    private let configuration: Configuration
    private let cache: Cache
    private let backend: @Sendable () -> ProxyPlugin?
    private let log: Logger
    private let table: Mutex<ServiceTable>
    private let failure = Mutex<String?>("no state is in force yet")
    /// The backend's slots block and take one caller at a time.
    private let control = DispatchQueue(label: "apus.proxy")

    /// - Parameter backend: the plugin to use for the next sync; asked every time, so that a swap takes effect at once.
    public init(_ configuration: Configuration, cache: Cache, log: Logger, backend: @escaping @Sendable () -> ProxyPlugin?) {
        self.configuration = configuration
        self.cache = cache
        self.backend = backend
        self.log = log
        self.table = Mutex(ServiceTable(nodeName: configuration.nodeName))
    }

    /// Why the newest wanted state is not in force, `nil` when it is.
    public var unhealthyReason: String? { failure.withLock { $0 } }

    /// Runs until cancelled. What is in force stays in force afterwards.
    public func run() async throws {
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await cache.watch(.services)
        try await cache.watch(.endpointSlices)
        let services = cache.observe([.services]) { [self] _, before, after in
            guard let object = after ?? before else { return }
            table.withLock { $0.setService("\(object.namespace)/\(object.name)", after?.value) }
            signal.yield()
        }
        let slices = cache.observe([.endpointSlices]) { [self] _, before, after in
            for (object, value) in [(before, nil), (after, after?.value)] {
                guard let object, let service = object.labels["kubernetes.io/service-name"] else { continue }
                table.withLock { $0.setSlice(object.name, of: "\(object.namespace)/\(service)", value) }
            }
            signal.yield()
        }
        defer {
            services.cancel()
            slices.cancel()
        }
        signal.yield()
        var backOff = Duration.seconds(1)
        var known: ObjectIdentifier?
        for await _ in changes {
            try Task.checkCancellation()
            guard let plugin = backend() else {
                failure.withLock { $0 = "no proxy plugin is running" }
                try await Task.sleep(for: .seconds(1))
                signal.yield()
                continue
            }
            if known != ObjectIdentifier(plugin) {
                known = ObjectIdentifier(plugin)
                table.withLock { $0.forgetInForce() }
            }
            do {
                try await sync(plugin)
                failure.withLock { $0 = nil }
                backOff = .seconds(1)
            } catch {
                failure.withLock { $0 = "\(error)" }
                log.error("proxy: the wanted state could not be put in force, trying again in \(backOff): \(error)")
                table.withLock { $0.forgetInForce() }
                try await Task.sleep(for: backOff)
                backOff = min(backOff * 2, .seconds(30))
                signal.yield()
            }
        }
    }

    private func sync(_ plugin: ProxyPlugin) async throws {
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            control.async { [self] in
                done.resume(
                    with: Result {
                        let wanted = table.withLock { $0.wanted() }
                        if wanted.previous != 0, wanted.removed.isEmpty, !wanted.rows.contains(where: \.isChanged) { return }
                        try WantedServices.withArrays(wanted, nodeAddresses: configuration.nodeAddresses, podCIDR: configuration.clusterCIDR) { try plugin.sync($0) }
                        table.withLock { $0.didPutInForce(wanted) }
                    })
            }
        }
    }
}
