import APIModel
public import Client
internal import FileSystem
import HTTPServer
public import Logging
import Synchronization

/// The node's loop: runs the pods that are bound to this node through the container runtime, and tells the API how they and the node are.
///
/// `run` owns every task of the kubelet and returns when it is cancelled; the pods go on, and the next kubelet takes them over by what CRI
/// remembers of them.
public final class Kubelet: Sendable {
    private let configuration: KubeletConfiguration
    private let client: any Client
    private let cache: Cache
    private let runtime: any Runtime
    private let recorder: EventRecorder
    private let quarantine: Quarantine
    private let log: Logger
    private let state: Mutex<State>
    private let ready = Wakeup()

    private struct State {
        var reporter: NodeReporter?
        var pods: Pods?
        var isServing = false
        var server: HTTPServer?
        var certificate: ServingCertificate
    }

    /// - Parameters:
    ///   - cache: for services, which containers learn of; it must be running, and may be shared.
    ///   - recorder: must be running.
    ///   - quarantine: the pods that are left alone, whatever runs of them.
    public init(
        configuration: KubeletConfiguration, client: any Client, cache: Cache, runtime: any Runtime, recorder: EventRecorder,
        quarantine: Quarantine = Quarantine(), log: Logger
    ) {
        self.configuration = configuration
        self.client = client
        self.cache = cache
        self.runtime = runtime
        self.recorder = recorder
        self.quarantine = quarantine
        self.log = log
        var certificate = ServingCertificate(chainPEM: configuration.servingCertificate, keyPEM: configuration.servingKey)
        if let version = configuration.minimumTLSVersion { certificate.minimumVersion = version }
        certificate.ciphers = configuration.tlsCiphers
        state = Mutex(State(certificate: certificate))
    }

    /// From now on the node's server shows this certificate to new connections.
    /// - Throws: when it cannot be used; the one before goes on being shown.
    public func serve(certificatePEM: String, keyPEM: String) throws {
        try state.withLock { state in
            var new = state.certificate
            (new.chainPEM, new.keyPEM) = (certificatePEM, keyPEM)
            let configuration = try new.configuration()
            try state.server?.reload(tls: configuration)
            state.certificate = new
        }
    }

    /// Whether the kubelet serves and its runtime and network are ready.
    public var healthy: Bool { state.withLock { $0.isServing && $0.reporter?.isReady ?? false } }

    /// Returns once this kubelet has told the API that the node is ready, or when the task is cancelled, which throws. For one task.
    public func waitUntilReady() async throws {
        await ready.wait(until: nil)
        try Task.checkCancellation()
    }

    /// Runs until cancelled. Throws when the server's port or certificate is unusable, or the directories cannot be made.
    public func run() async throws {
        let (configuration, log, disk) = (configuration, log, BlockingWork())
        try await disk.run {
            // What pods keep there is nobody's business but root's; an earlier version left it open.
            let root = try Directory.make(configuration.rootDirectory)
            for directory in [root, try root.make("pods")] { try directory.change(mode: 0o750) }
            _ = try Directory.make(configuration.podLogsDirectory, mode: 0o755)
        }
        let topology = try await disk.run { CPUTopology.read() }
        if let problem = CPUManager.problem(configuration, topology) ?? configuration.topologyPolicy.problem(NodeMask(topology.nodes)) {
            throw ConfigurationError(message: problem)
        }
        let machine = Machine(rootDirectory: configuration.rootDirectory, kubeletVersion: configuration.version)
        let memory = try await disk.run { MemoryTopology.read(machine) }
        if let problem = MemoryManager.problem(configuration, memory, machine) { throw ConfigurationError(message: problem) }
        let shutdown = ShutdownPlan(configuration)
        let logind = Logind(delay: shutdown.seconds, disk: disk, log: log)
        if !shutdown.isEmpty { try await logind.prepare() }
        let cri = CRI(runtime: runtime)
        let identity = RuntimeIdentity()
        try await wait(for: identity, of: cri)
        let tokens = ServiceAccountTokens(client: client)
        let statuses = StatusSender(client: client, log: log)
        let object = NodeObject(
            configuration: configuration, machine: machine, now: Clock.seconds(), runtime: identity.description, features: identity.features
        )
        let node = OwnNode(
            name: configuration.nodeName,
            initial: object.registration(object.status(NodeObject.Health(), images: [], previous: .null)), client: client)
        let cache = cache
        let reporting = Wakeup()
        var csi = CSI(configuration: configuration, client: client, tokens: tokens, disk: disk, node: node, events: recorder, log: log)
        csi.changed = reporting.set
        let ledger = csi.ledger
        let devices = DeviceManager(root: configuration.rootDirectory, disk: disk, log: log, changed: reporting.set)
        let context = Context(
            configuration: configuration, client: client, cri: cri,
            reader: PodRuntimeReader(cri: cri, messages: TerminationMessage(configuration: configuration), disk: disk),
            images: Images(
                cri: cri, client: client, pulls: ImagePulls(configuration, disk: disk, log: log), events: recorder),
            volumes: Volumes(
                configuration: configuration, client: client, tokens: tokens, disk: disk,
                watches: ReferenceWatches(client: client, log: log), csi: csi),
            disk: disk, events: recorder,
            statuses: statuses, machine: machine, node: node, allocations: Allocations(), devices: devices,
            claims: ClaimManager(configuration, client: client, disk: disk, log: log),
            cpus: CPUManager(configuration, topology: topology, disk: disk),
            memory: MemoryManager(configuration, topology: memory, disk: disk),
            pressure: PressureGauge(policy: configuration.eviction),
            hostPorts: HostPorts(table: configuration.hostPortTable, podCIDRs: configuration.podCIDRs, run: configuration.run),
            runtimeName: { identity.name },
            features: { identity.features },
            services: { namespace in cache.list(.services, namespace: namespace).map(\.value) }, log: log, quarantine: quarantine,
            networkProblem: { identity.networkProblem })
        let reporter = NodeReporter(
            configuration: configuration, client: client, cri: cri, machine: machine, pressure: context.pressure, identity: identity,
            events: recorder, volumesInUse: { ledger.inUse }, devices: { devices.figures }, shutdown: context.shutdown, wakeup: reporting,
            ready: ready, log: log)
        let pods = Pods(context: context)
        let meter = NodeMeter(context: context)
        let images = ImageCollection(context) { await meter.look().observations[.imageStorage] }
        let eviction = NodeEviction(
            context: context, pods: pods, figures: { await meter.look() },
            reclaim: {
                for worker in pods.workers() { await worker.discardContainers() }
                do { try await images.removeAllUnused() } catch { log.warning("\(error)") }
            }, changed: { reporter.wakeup.set() })
        let server = try KubeletServer(context: context, runtime: runtime, pods: pods, healthy: { reporter.isReady }).httpServer(
            state.withLock { $0.certificate })
        try await server.start()
        state.withLock { state in
            state.server = server
            state.reporter = reporter
            state.pods = pods
            state.isServing = true
        }
        defer { state.withLock { $0.isServing = false } }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await server.run() }
            group.addTask { await reporter.run() }
            group.addTask { await statuses.run() }
            group.addTask { try await pods.run(self.runtime, services: self.cache) { reporter.wakeup.set() } }
            group.addTask { await StorageEviction(context: context, pods: pods).run() }
            group.addTask { await eviction.run() }
            group.addTask {
                await PodGroups(machine, configuration).run(
                    context.allocations, disk: disk, log: log, told: NodeEvents(name: configuration.nodeName, events: self.recorder))
            }
            group.addTask { await images.run() }
            if !shutdown.isEmpty {
                group.addTask { await context.shutdown.run(shutdown, logind, pods, context) { reporter.wakeup.set() } }
            }
            group.addTask { await LogRotation(configuration: configuration, cri: cri, disk: disk, log: log).run() }
        }
    }

    /// The runtime may come up after the kubelet; nothing can be done before.
    private func wait(for identity: RuntimeIdentity, of cri: CRI) async throws {
        var isTold = false
        while true {
            do {
                try await identity.read(cri)
                identity.note(try await cri.status())
                return
            } catch {
                if !isTold { log.warning("waiting for the container runtime: \(error)") }
                isTold = true
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }
}
