import APIModel
public import Client
public import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The name server of a cluster: answers for Services, their endpoints and Pods as the DNS specification 1.1.0 of Kubernetes says, and asks
/// the node's resolvers about the rest.
///
/// Records are made of the shared cache's objects when these change, and given to the threads that answer as a value: no query takes a lock
/// or waits for a change.
public final class ClusterDNS: Sendable {
    public struct Configuration: Sendable {
        /// What the cluster's names end in.
        public var domain = "cluster.local"
        /// Where to listen, one of a family or one of each; pods must reach them.
        public var addresses: [String]
        /// 0 for any that is free.
        public var port = 10053
        /// Of the Service by which pods reach the servers, one of a family or one of each; none where somebody else sees to that.
        public var serviceAddresses: [String] = []
        /// Tells several servers of one cluster apart.
        public var name = ""
        public var threads = min(System.coreCount, 4)
        /// The addresses that the node asks about names. May block.
        public var resolvers: @Sendable () -> [String] = { [] }
        /// How often these are looked at.
        public var resolverPeriod = Duration.seconds(5)

        public init(addresses: [String]) { self.addresses = addresses }
    }

    /// The ConfigMap with stub domains and other resolvers.
    static let configMap = (namespace: "kube-system", name: "cluster-dns")

    private let configuration: Configuration
    private let client: any Client
    private let cache: Cache
    private let recorder: EventRecorder?
    private let log: Logger
    private let apex: Name
    private let objects: Mutex<ClusterObjects>
    private let listeners = Mutex<Listeners?>(nil)
    private let problem = Mutex<String?>("it has not started")

    /// - Parameter recorder: of the mistakes in the ConfigMap.
    /// - Throws: `Failure` for a domain or an address that is none.
    public init(_ configuration: Configuration, client: any Client, cache: Cache, recorder: EventRecorder? = nil, log: Logger) throws {
        guard let apex = Name(configuration.domain) else { throw Failure(description: "\(configuration.domain) is no domain") }
        for address in configuration.addresses where IPScope(address).map({ $0 == .unspecified }) ?? true {
            throw Failure(description: "\(address) is no address of this machine to reach the cluster's name server by")
        }
        self.configuration = configuration
        self.client = client
        self.cache = cache
        self.recorder = recorder
        self.log = log
        self.apex = apex
        objects = Mutex(ClusterObjects(apex: apex, serverAddresses: configuration.serviceAddresses.compactMap(IPLiteral.bytes)))
    }

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// Why names of the cluster are not answered; `nil` when they are.
    public var unhealthyReason: String? { problem.withLock { $0 } }

    /// Listens, and returns the port. Says of names of the cluster that there is no telling, until `run` knows what there is.
    @discardableResult
    public func start() async throws -> Int {
        let listeners = try await Listeners.open(configuration.addresses, port: configuration.port, threads: configuration.threads)
        self.listeners.withLock { $0 = listeners }
        return listeners.port
    }

    /// Answers until the task is cancelled. Starts when `start` was not called.
    ///
    /// - Parameter isShared: whether the cache is used by others, too; where it is not, it holds no ConfigMap but the server's own.
    public func run(isShared: Bool = true) async throws {
        if listeners.withLock({ $0 == nil }) { try await start() }
        guard let listeners = listeners.withLock({ $0 }) else { return }
        do {
            try await serve(listeners, isShared: isShared)
        } catch {
            problem.withLock { $0 = "it has stopped" }
            await listeners.close()
            throw error
        }
    }

    /// Whether the names of a cluster can end in it.
    public static func isDomain(_ text: String) -> Bool { Name(text) != nil }

    /// Takes this server out of the Service by which pods reach it.
    public func withdraw() async {
        guard !configuration.serviceAddresses.isEmpty else { return }
        for name in IPFamily.allCases.map({ ServiceKeeper.sliceName(configuration.name, $0) }) {
            // It may never have been in it; and where it cannot be taken out now, it comes back soon or is an operator's to remove.
            _ = try? await client.delete(.endpointSlices, namespace: ServiceKeeper.namespace, name: name)
        }
    }

    private func serve(_ listeners: Listeners, isShared: Bool) async throws {
        let watched = [GroupVersionResource.namespaces, .services, .endpointSlices, .pods]
        problem.withLock { $0 = "it does not know the cluster's objects yet" }
        for resource in watched { try await cache.watch(resource) }
        try await cache.watch(.configMaps, fieldSelector: isShared ? "" : "metadata.name=\(Self.configMap.name)")

        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (plans, planSignal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let observations = [
            cache.observe(watched) { [self] resource, before, after in
                objects.withLock { $0.change(resource, before: before, after: after) }
                signal.yield()
            },
            cache.observe([.configMaps]) { _, before, after in
                guard let object = after ?? before, (object.namespace, object.name) == Self.configMap else { return }
                planSignal.yield()
            },
        ]
        defer { for observation in observations { observation.cancel() } }
        signal.yield()
        planSignal.yield()
        try await withThrowingTaskGroup { group in
            group.addTask { [self] in
                for await _ in changes {
                    let zone = objects.withLock { $0.zone }
                    listeners.tell { $0.take(zone) }
                    problem.withLock { $0 = nil }
                }
            }
            group.addTask { [self] in await follow(plans, listeners) }
            group.addTask { [configuration] in
                while true {
                    try await Task.sleep(for: configuration.resolverPeriod)
                    planSignal.yield()
                }
            }
            if !configuration.serviceAddresses.isEmpty {
                let keeper = ServiceKeeper(
                    client: client, cache: cache, addresses: configuration.serviceAddresses, hosts: configuration.addresses,
                    port: listeners.port, name: configuration.name, log: log)
                group.addTask { try await keeper.run() }
            }
            while try await group.next() != nil {}
        }
        throw CancellationError()
    }

    /// Tells the workers whom to ask, whenever that is somebody else.
    private func follow(_ signals: AsyncStream<Void>, _ listeners: Listeners) async {
        var current: ForwardingPlan?
        var mistake = ""
        for await _ in signals {
            let read = try? await NIOThreadPool.singleton.runIfActive { [configuration] in configuration.resolvers() }
            // Asking itself would go on for ever.
            let own = configuration.addresses + configuration.serviceAddresses
            let resolvers = (read ?? []).filter { !own.contains($0) }.compactMap { ForwardingPlan.Server($0) }
            let configMap = cache.get(.configMaps, namespace: Self.configMap.namespace, name: Self.configMap.name)?.value ?? .null
            let plan: ForwardingPlan
            do {
                plan = try ForwardingPlan(configMap, resolvers: resolvers)
                mistake = ""
            } catch {
                tell(error, in: configMap, &mistake)
                plan = current ?? ForwardingPlan(servers: resolvers)
            }
            guard plan != current else { continue }
            current = plan
            listeners.tell { $0.take(plan) }
        }
    }

    private func tell(_ mistake: ForwardingPlan.Mistake, in configMap: Value, _ last: inout String) {
        guard last != mistake.description else { return }
        last = mistake.description
        log.error("cluster DNS: the ConfigMap \(Self.configMap.name) is not heeded: \(mistake)")
        recorder?.event(about: configMap, .warning, reason: "InvalidConfiguration", message: "not heeded: \(mistake)")
    }
}
