internal import APIModel
internal import APIServer
internal import Client
internal import Containerd
internal import ControllerManager
internal import DNS
internal import FoundationEssentials
internal import Glibc
internal import HTTPServer
internal import Kubelet
internal import Logging
internal import NIOSSL
internal import OrderedCollections
internal import PKI
internal import PluginHost
internal import Proxy
internal import Scheduler
internal import Store
internal import Streaming
internal import Synchronization

/// Brings the all-in-one up, keeps it running, and lets it down: the one place that knows all roles.
struct Startup {
    let options: UpCommand
    let directory: DataDirectory
    private let cluster: ClusterName
    /// The process that starts this one again.
    private let supervisor: pid_t
    private let process: RoleProcess
    private var log: Logger { process.log }

    init(_ options: UpCommand, _ directory: DataDirectory, _ cluster: ClusterName, supervisor: pid_t) {
        self.options = options
        self.directory = directory
        self.cluster = cluster
        self.supervisor = supervisor
        process = RoleProcess("apus", options.log)
    }

    private var network: PodNetwork {
        let pods = options.network.clusterCIDRs(of: cluster)
        return PodNetwork(
            cluster: cluster, clusterCIDRs: pods, serviceCIDRs: options.network.serviceCIDRs(of: cluster),
            nodeCIDRs: Networks.firstParts(of: pods))
    }
    private var securePort: Int { options.serving.securePort ?? cluster.securePort }

    /// Returns when the process was asked to stop; throws when it cannot start or a role ends.
    func run() async throws {
        do {
            try await start(ContinuousClock.now)
        } catch let failure as StartupFailure {
            throw failure
        } catch {
            throw StartupFailure("\(error)")
        }
    }

    private func start(_ begin: ContinuousClock.Instant) async throws {
        try directory.lock()  // first: two processes on one store would lose writes
        try directory.checkStore(mayBeEmpty: options.storage.emptyStore)
        // before whatever may end the process: what did so the last time must be known
        let crashes = try CrashBook(directory, ended: options.predecessor, log: Logger(label: "crashes"))
        SupervisorWatch.start(supervisor, arguments: UpCommand.arguments, log: Logger(label: "supervisor"))
        let network = network
        let containerd =
            options.containerRuntimeEndpoint == nil
            ? ContainerdSupervisor(
                directory: directory.containerdDirectory, configuration: cluster.containerd, log: Logger(label: "containerd")) : nil
        let manifests = try ManifestFiles(PluginPlaces(options.plugins))  // one that is broken must not cost a half-started cluster
        manifests.prepareLibraries()
        if let containerd {
            try cluster.network(mtu: options.podNetwork.mtu(options.node.addresses(network))).write(
                podCIDRs: network.nodeCIDRs.map(\.description), to: containerd.paths)
        }
        // the slowest part, so it starts beside the rest; awaited before the plugins start
        let containerdStart = Task { try await containerd?.start() }

        do {
            try network.setUp()  // before the API server, which listens on the bridge, and before pods, which are put on it
            try await serve(begin, network, manifests, crashes, containerd, containerdStart)
            crashes.close()
        } catch {
            // Who could not start leaves no process; a containerd that was there before stays, with its pods.
            if case .started? = try? await containerdStart.value { try? await containerd?.stop() }
            throw error
        }
    }

    /// Returns when the process was asked to stop.
    private func serve(
        _ begin: ContinuousClock.Instant, _ network: PodNetwork, _ manifests: ManifestFiles, _ crashes: CrashBook,
        _ containerd: ContainerdSupervisor?, _ containerdStart: Task<ContainerdSupervisor.Outcome?, any Error>
    ) async throws {
        let node = (name: options.node.name, addresses: options.node.addresses(network))
        let scheduling = try SchedulerConfigurationFile.read(options.schedulerConfig, of: "--scheduler-config", isAlone: false)
        // before the keys: keys without a store are those of a cluster that lost it
        let encryption = try await options.encryption.encryption()
        let store = try Store(path: directory.storeFile, options: options.storage.options(encryption), log: Logger(label: "store"))
        let credentials = try Layout(directory: directory.path).prepare(layout(node, network))  // before whatever serves or signs
        try directory.makeVolumes()  // before the plugin that puts volumes there
        let plugins = makePluginHost(manifests.places, credentials.ca.pair)
        crashes.follow(plugins)
        let roles = Roles()
        var configuration = try apiConfiguration(credentials, store, node, network, roles, crashes.quarantine)
        configuration.admissionSource = plugins
        configuration.encryption = encryption
        let served = configuration
        let server = APIServer(served)
        try await server.start()  // the objects every cluster has, before anybody looks for them
        let client = server.client(as: HostUser.name)
        let cache = Cache(client: client, quarantine: crashes.quarantine, log: Logger(label: "cache"))
        let objects = PluginObjects(
            plugins, client: client, cache: cache, rights: PluginRights(server.grants), log: Logger(label: "plugins"))
        try await manifests.synchronise(client, log: Logger(label: "plugins"))  // from here on objects, not files, are what runs
        if let (plugin, crash) = crashes.culprit { await CrashMark.set(on: plugin, crash, client, log: log) }  // before it is loaded again
        // before anybody is served: a required plugin that is broken stops the start
        try objects.load(try await client.list(.plugins).items, first: manifests.names)
        try SchedulerConfigurationFile.check(scheduling, plugins, of: "--scheduler-config")

        var listeners: [HTTPServer] = []
        let tls = try options.tls.serving(credentials.apiServer).configuration()
        for address in Set([options.serving.bindAddress, network.gateway.description])
        where address == options.serving.bindAddress || !NodeAddress.isAny(options.serving.bindAddress) {
            var serving = HTTPServer.Configuration(host: address, port: securePort, tls: tls)
            serving.handshakeFailed = server.handshakeFailed
            let listener = try HTTPServer(configuration: serving, responder: server, log: Logger(label: "http"))
            try await listener.start()
            listeners.append(listener)
        }
        let namesClient = roleClient(.clusterDNS, server)
        let namesRecorder = EventRecorder(client: namesClient, component: "cluster-dns", host: node.name, log: log)
        // before the kubelet, whose pods ask it
        let names = options.names.others == nil ? try makeDNS(namesClient, cache, namesRecorder, network) : nil
        try await names?.start()
        if options.mergeKubeconfig { try mergeKubeconfig(credentials) }

        let (schedulerClient, kubeletClient) = (roleClient(.scheduler, server), roleClient(.kubelet, server))
        let recorder = EventRecorder(client: schedulerClient, component: "default-scheduler", log: log)
        let kubeletRecorder = EventRecorder(client: kubeletClient, component: "kubelet", host: node.name, log: log)
        let (log, path) = (log, directory.path)
        let builtin = try builtinKinds
        try await process.run(
            stoppingFile: directory.stoppingFile,
            { group in
                group.add("cache") { try await cache.run() }  // before the plugins start, which read it
                group.add("scheduler events") { await recorder.run() }
                group.add("kubelet events") { await kubeletRecorder.run() }
                group.add("cluster DNS events") { await namesRecorder.run() }
                group.add("API server") { await server.run() }
                options.encryption.follow(encryption, store, in: &group)
                options.authentication.follow(served, in: &group)
                for listener in listeners { group.add("HTTP server") { try await listener.run() } }
                _ = try await containerdStart.value  // before the runtime plugin, which connects to it
                if let containerd { group.add("containerd") { try await containerd.run() } }
                let kinds = DefinedKinds(cache: cache, builtin: builtin, listing: server.listing)
                try await kinds.start()
                group.add("kinds") { await kinds.run() }
                let services = HostServices(client: client, cache: cache, kinds: kinds)
                try await plugins.start(services: services)
                group.add("plugins") { try await objects.run() }
                group.add("crashes") { try await crashes.run(client) }

                let scheduler = Scheduler(
                    client: schedulerClient, cache: cache, policies: plugins, recorder: recorder, configuration: scheduling,
                    recording: options.schedulerRecord,
                    quarantine: crashes.quarantine,
                    log: Logger(label: "scheduler"))
                let controllers = ControllerManager(
                    services: services, plugins: plugins, quarantine: crashes.quarantine, log: Logger(label: "controller-manager"))
                let proxy = Proxy(
                    try proxyConfiguration(node, network), cache: cache, plugins: plugins, quarantine: crashes.quarantine,
                    log: Logger(label: "proxy"))
                let kubelet = Kubelet(
                    configuration: try kubeletConfiguration(credentials, node, network), client: kubeletClient, cache: cache,
                    runtime: PluginRuntime(plugins), recorder: kubeletRecorder,
                    quarantine: crashes.quarantine, log: Logger(label: "kubelet"))
                roles.set(scheduler, controllers)
                group.add("scheduler") { try await scheduler.run() }
                group.add("controller manager") { try await controllers.run() }
                group.add("proxy") { try await proxy.run() }
                await showPages(of: proxy, plugins, network, in: &group)
                if let names { group.add("cluster DNS") { try await names.run() } }
                group.add("kubelet") { try await kubelet.run() }
                follow(ChangingCertificate(credentials.apiServer), layout(node, network), server, listeners, kubelet, in: &group)
                group.add("start") { try await announceReady(kubelet, plugins, begin) }
            },
            end: [
                Shutdown.Step(name: "plugins") {
                    log.notice("pods go on; `apus down --data-dir \(path)` ends them")
                    await plugins.stop()
                },
                // last: nothing acknowledged may be lost
                Shutdown.Step(name: "store") { await store.close() },
            ])
    }

    /// Renews the cluster's certificates, and takes up those that are put in the place of files that flags name.
    private func follow(
        _ own: ChangingCertificate, _ cluster: Layout.Cluster, _ server: APIServer, _ listeners: [HTTPServer], _ kubelet: Kubelet,
        in group: inout RoleGroup
    ) {
        let (tls, layout) = (options.tls, Layout(directory: directory.path))
        let show: @Sendable () throws -> Void = {
            guard let pair = own.pair else { return }
            let configuration = try tls.serving(pair).configuration()
            for listener in listeners { try listener.reload(tls: configuration) }
        }
        FollowedFiles.follow("serving certificates", tls.files, in: &group, show)
        group.add("certificates") {
            let rotation = CertificateRotation(layout, cluster) { made in
                own.use(made.apiServer)
                try show()
                server.kubeletTLS.use(ServerCredentials.kubelet(made))
                server.frontProxyTLS.use(ServerCredentials.frontProxy(made))
                try kubelet.serve(certificatePEM: made.kubelet.certificatePEM, keyPEM: made.kubelet.privateKeyPEM)
            }
            await rotation.run()
        }
    }

    /// Where upstream's kube-proxy has them: of the cluster without a name, and not where somebody else has the ports.
    private func showPages(of proxy: Proxy, _ plugins: PluginHost, _ network: PodNetwork, in group: inout RoleGroup) async {
        guard cluster == .first else { return }
        do {
            try await ProxyPageOptions.serve(ProxyPageOptions.standard, proxy, plugins, network.serviceCIDRs.families, in: &group)
        } catch {
            log.warning("the proxy's /healthz and /proxyMode are not served: \(error)")
        }
    }

    /// Says so when the Node is Ready: to the process that waits, or to the log.
    private func announceReady(_ kubelet: Kubelet, _ plugins: PluginHost, _ begin: ContinuousClock.Instant) async throws {
        let name = options.node.name
        let hasRuntime = plugins.runtime != nil
        // Somebody turned it off, or changed it so that it does not start: only the API can mend that, so it must be said to be there.
        if hasRuntime { try await kubelet.waitUntilReady() }
        let seconds = (ContinuousClock.now - begin).components
        let tenths = seconds.seconds * 100 + seconds.attoseconds / 10_000_000_000_000_000
        let what =
            hasRuntime
            ? "node \(name) is Ready" : "node \(name) is not Ready, since no runtime plugin runs (kubectl get plugins tells why),"
        let line = "apus is up: \(what) after \(tenths / 100).\(tenths % 100 < 10 ? "0" : "")\(tenths % 100) s"
        log.notice("\(line)")
        // From here on the supervisor does not give up.
        kill(supervisor, Supervisor.isReady)
        if let descriptor = options.readyDescriptor {
            ReadyMessage.ready(line).send(to: descriptor)
        } else if options.predecessor == nil {
            Output.line(line + NextSteps.text(directory, cluster, isMerged: options.mergeKubeconfig))
        }
        try await Task.sleep(for: Self.settling)
        StartCode.letGo()
    }

    /// After that the loops have looked at all that was there, and what the start needed lies idle.
    private static let settling = Duration.seconds(10)

    private func mergeKubeconfig(_ credentials: Layout.Credentials) throws {
        guard var config = credentials.kubeconfigs[.admin], let home = getenv("HOME").map({ String(cString: $0) }) else { return }
        // Names of our own, so that nobody else's entry is replaced.
        (config.contextName, config.clusterName, config.userName) = (cluster.context, cluster.context, cluster.context)
        try config.merge(intoFile: "\(home)/.kube/config", makeCurrent: false)
    }
}

// What each role is made from.
extension Startup {
    /// A role of this process may do what it may in one of its own.
    private func roleClient(_ role: Layout.Role, _ server: APIServer) -> any Client {
        server.client(as: role.user(node: options.node.name), groups: role.groups)
    }

    private func layout(_ node: (name: String, addresses: [String]), _ network: PodNetwork) -> Layout.Cluster {
        let host = NodeAddress.isAny(options.serving.bindAddress) ? NodeAddress.loopback : options.serving.bindAddress
        return Layout.Cluster(
            server: "https://\(NodeAddress.inURL(host)):\(securePort)", addresses: [host] + network.gateways.map(\.description),
            nodeName: node.name, nodeAddresses: node.addresses, serviceAddress: Networks.host(1, of: network.serviceCIDRs.primary))
    }

    private func makePluginHost(_ places: PluginPlaces, _ ca: KeyPair) -> PluginHost {
        var configuration = PluginHost.Configuration(manifestDirectory: places.manifests, libraryDirectories: places.libraries)
        configuration.disable = Set(options.disablePlugin)
        configuration.config = [
            "root-ca": ["certificate": .string(ca.certificatePEM)],
            "certificatesigningrequest-signing": ["certificate": .string(ca.certificatePEM), "key": .string(ca.privateKeyPEM)],
            "provisioner-local": ["directory": .string(directory.volumesDirectory), "node": .string(options.node.name)],
            "runtime-cri": [
                "endpoint": .string(options.containerRuntimeEndpoint ?? ContainerdPaths(directory: directory.containerdDirectory).endpoint)
            ],
        ]
        configuration.config.merge(cluster.nodePluginConfig(options.node.name)) { $1 }
        return PluginHost(configuration, log: Logger(label: "plugins"))
    }

    /// The program's kinds that are served.
    private var builtinKinds: Kinds { get throws { Kinds(version: 0, .builtin, serving: try options.runtimeConfig.value) } }

    private func apiConfiguration(
        _ credentials: Layout.Credentials, _ store: Store, _ node: (name: String, addresses: [String]), _ network: PodNetwork,
        _ roles: Roles,
        _ quarantine: Quarantine
    ) throws -> APIServer.Configuration {
        var configuration = APIServer.Configuration(
            store: store, serviceRanges: network.serviceCIDRs,
            serviceAccountKey: try options.serviceAccounts.key() ?? credentials.serviceAccountKey, log: Logger(label: "apiserver"))
        configuration.kinds = try builtinKinds
        configuration.admission = try options.admission.plugins
        configuration.audit = try options.audit.auditing()
        options.flowControl.apply(to: &configuration)
        configuration.browsers = try options.browsers.policy
        try options.objects.apply(to: &configuration)
        try options.serviceAccounts.apply(to: &configuration)  // before the other issuers, which must not be among them
        try options.authentication.apply(
            to: &configuration, proxies: ClientCertificateVerifier(caPEM: credentials.frontProxyCA.certificatePEM))
        configuration.kubelet = ServerCredentials.kubelet(credentials)
        configuration.frontProxy = ServerCredentials.frontProxy(credentials)
        configuration.extensionCAs = (credentials.ca.certificatePEM, credentials.frontProxyCA.certificatePEM)
        configuration.kubeletHosts = [node.name: NodeAddress.loopback]
        configuration.advertise = (network.gateway.description, securePort)
        configuration.certificates = try ClientCertificateVerifier(caPEM: credentials.ca.certificatePEM)
        configuration.rootCA = credentials.ca.certificatePEM
        configuration.authorizers = [HostRights()]
        try options.authorization.apply(to: &configuration)
        configuration.validators = [.plugins: ManifestCheck.errors]
        configuration.version.gitVersion = Version.kubernetes
        if let file = options.serving.tokenAuthFile {
            do {
                configuration.tokens = [try TokenFile(String(contentsOfFile: file, encoding: .utf8))]
            } catch {
                throw StartupFailure("--token-auth-file: \(file): \(error)")
            }
        }
        configuration.quarantine = quarantine
        configuration.pages[SchedulerPages.first] = { try await SchedulerPages.answer($0, roles.scheduler) }
        configuration.components = [
            HealthCheck("controller-manager") { roles.controllersProblem },
            HealthCheck("scheduler") { roles.schedulerProblem },
            HealthCheck("store-0") { store.statistics.problem },
        ]
        return configuration
    }

    private func proxyConfiguration(_ node: (name: String, addresses: [String]), _ network: PodNetwork) throws -> Proxy.Configuration {
        var configuration = Proxy.Configuration(
            nodeName: node.name, nodeAddresses: node.addresses, clusterCIDR: network.clusterCIDRs.description)
        configuration.nodePortNetworks = try options.nodePorts.networks(node.addresses)
        return configuration
    }

    private func makeDNS(_ client: any Client, _ cache: Cache, _ recorder: EventRecorder, _ network: PodNetwork) throws -> ClusterDNS {
        var configuration = ClusterDNS.Configuration(addresses: network.gateways.map(\.description))
        configuration.port = options.names.port
        configuration.domain = options.names.domain.clusterDomain
        configuration.serviceAddresses = network.serviceCIDRs.map { Networks.host(10, of: $0) }
        configuration.name = "kube-dns-\(options.node.name)"
        configuration.resolvers = { ResolvConf.read().servers }
        return try ClusterDNS(configuration, client: client, cache: cache, recorder: recorder, log: Logger(label: "cluster-dns"))
    }

    /// Its disk is shared with whatever else its user does: a share that upstream keeps free for pods would keep pods away for good.
    private static func eviction() throws -> EvictionPolicy {
        var settings = EvictionSettings()
        for signal in ["nodefs.available", "imagefs.available"] { settings.hard[signal] = "5%" }
        return try EvictionPolicy(settings)
    }

    private func kubeletConfiguration(_ credentials: Layout.Credentials, _ node: (name: String, addresses: [String]), _ network: PodNetwork)
        throws -> KubeletConfiguration
    {
        let certificates = try ClientCertificateVerifier(caPEM: credentials.ca.certificatePEM)
        var configuration = KubeletConfiguration(
            nodeName: node.name, nodeAddresses: node.addresses, podCIDRs: network.nodeCIDRs.map(\.description),
            rootDirectory: directory.kubeletDirectory,
            podLogsDirectory: directory.podLogDirectory,
            version: Version.kubernetes)
        configuration.serverAddress = "127.0.0.1"
        configuration.serverPort = cluster.kubeletPort
        configuration.hostPortTable = cluster.table("hostports")
        configuration.cgroupRoot = cluster.cgroupRoot
        configuration.clusterDNS = [network.nameServer]
        configuration.clusterDomain = options.names.domain.clusterDomain
        configuration.servingCertificate = credentials.kubelet.certificatePEM
        configuration.servingKey = credentials.kubelet.privateKeyPEM
        configuration.authenticate = certificates.identity
        configuration.imageCollection.kept = [PauseImage.name]
        // Images are loaded by hand here, and nobody could pull them again: they go when there is no room left at all, and not before.
        configuration.imageCollection.highThreshold = 100
        configuration.eviction = try Self.eviction()
        try KubeletConfigurationFile.read(options.kubeletConfig, of: "--kubelet-config", into: &configuration)
        // Flags before the file, as upstream.
        configuration.serverPort = options.kubeletPort ?? configuration.serverPort
        configuration.clusterDNS = options.names.others ?? configuration.clusterDNS
        configuration.labels = options.podNetwork.labels
        // Another's network sees to such ports itself.
        if options.containerRuntimeEndpoint == nil { configuration.run = Shell.run }
        return configuration
    }
}

/// The loops that health checks ask about, once they run.
final class Roles: Sendable {
    private let loops = Mutex<(Scheduler, ControllerManager)?>(nil)

    func set(_ scheduler: Scheduler, _ controllers: ControllerManager) { loops.withLock { $0 = (scheduler, controllers) } }

    var scheduler: Scheduler? { loops.withLock { $0?.0 } }
    var schedulerProblem: String? { loops.withLock { $0?.0.healthy } == true ? nil : "the scheduler is not running" }
    var controllersProblem: String? {
        guard let controllers = loops.withLock({ $0?.1 }) else { return "the controller manager is not running" }
        return controllers.unhealthyReason
    }
}
