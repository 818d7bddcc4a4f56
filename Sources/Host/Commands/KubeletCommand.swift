internal import APIModel
internal import ArgumentParser
internal import Client
internal import Containerd
internal import FoundationEssentials
internal import Glibc
internal import HTTPServer
internal import Kubelet
internal import Logging
internal import PKI
internal import PluginHost

/// A node as a process of its own.
///
/// `--root-dir` is a data directory as `apus up` has one, so that `apus down --data-dir ROOT` takes the node's pods away.
struct KubeletCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kubelet", abstract: "A node by itself.")

    @OptionGroup var api: KubeconfigOptions
    @OptionGroup var certificate: CertificateOptions
    @OptionGroup var names: ClusterNameOptions
    @OptionGroup var network: NetworkOptions
    @OptionGroup var podNetworkOptions: PodNetworkOptions
    @OptionGroup var domain: ClusterDomainOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var log: LogOptions

    @Option(help: "The Node's name. Default: the host name.")
    var hostnameOverride: String?

    @Option(
        name: .customLong("node-ip"),
        help: "The Node's InternalIP, or one of each family with a comma between. Default: the addresses of the default routes.")
    var nodeIP: DualStack<IPAddress>?

    @Option(help: "Where pods, logs and the container runtime's files live.")
    var rootDir = "/var/lib/kubelet"

    @Option(help: "The plugin that runs containers.")
    var runtimePlugin = KubeletCommand.criPlugin

    @Option(help: "Use this container runtime, with its own pod network, and not one of our own: unix:///run/containerd/containerd.sock")
    var containerRuntimeEndpoint: String?

    @Option(
        name: .customLong("pod-cidr"),
        help: "The node's part of the pod network, or of each. Default: the first /24 of --cluster-cidr, or /64 of IPv6.")
    var podCIDRs: DualStack<IPNetwork>?

    @Option(help: "A file of kind KubeletConfiguration. What flags say goes before it.")
    var config: String?

    @Option(help: "The port of the kubelet's server. Default: 10250; of a cluster with a name, one of its own.")
    var port: Int?

    @Option(help: "The address of the kubelet's server. Default: 0.0.0.0.")
    var address: String?

    @Option(help: "The authorities of the API server's client certificate, in PEM. Default: the one in the kubeconfig.")
    var clientCAFile: String?

    @OptionGroup var rotation: NodeRotationOptions

    @Option(help: "A directory of files with pods that run whatever the API says.")
    var podManifestPath: String?

    @Option(help: "How many pods the node takes. Default: 110.")
    var maxPods: Int?

    @Option(name: .customLong("cluster-dns"), help: "Addresses of the cluster's DNS servers, with commas between.")
    var clusterDNS: [String] = []

    @Option(help: "Labels to register the Node with: key=value, with commas between.")
    var nodeLabels: [String] = []

    @Option(help: "Taints to register the Node with: key=value:NoSchedule, with commas between.")
    var registerWithTaints: [String] = []

    @Option(help: "The address of the kubelet's /healthz, over HTTP.")
    var healthzBindAddress = "127.0.0.1"

    @Option(help: "The port of the kubelet's /healthz; 0 turns it off.")
    var healthzPort = 10248

    private static let criPlugin = "runtime-cri"

    func validate() throws {
        if let port { try Ports.check(port, "--port") }
        try Ports.check(healthzPort, "--healthz-port", zero: "turns it off")
        for address in CommaList.split(clusterDNS) { try Addresses.check(address, "--cluster-dns") }
        if let podCIDRs { try Networks.check(pods: podCIDRs, "--pod-cidr") }
        if let maxPods, maxPods <= 0 { throw ValidationError("--max-pods: \(maxPods) is not a number of pods") }
        if containerRuntimeEndpoint != nil, runtimePlugin != Self.criPlugin {
            throw ValidationError("--container-runtime-endpoint is for --runtime-plugin \(Self.criPlugin), not \(runtimePlugin)")
        }
        _ = try NodeFlags.labels(nodeLabels, "--node-labels")
        _ = try NodeFlags.taints(registerWithTaints, "--register-with-taints")
    }

    private var nodeName: String { hostnameOverride?.lowercased() ?? NodeAddress.hostname() }
    private var podNetwork: PodNetwork {
        let pods = network.clusterCIDRs(of: names.cluster)
        return PodNetwork(
            cluster: names.cluster, clusterCIDRs: pods, serviceCIDRs: network.serviceCIDRs(of: names.cluster),
            nodeCIDRs: podCIDRs ?? Networks.firstParts(of: pods))
    }
    private var nodeAddresses: [String] { NodeAddress.list(nodeIP, podNetwork) }

    func run() async throws {
        guard geteuid() == 0 else { throw StartupFailure("a node needs root: pods, networks and mounts are the kernel's.") }
        let process = RoleProcess("kubelet", log)
        let directory = DataDirectory(rootDir)
        try await rotation.bootstrap(kubeconfig: api.kubeconfig, node: nodeName, process)
        let kept = try rotation.kept(rootDir, node: nodeName)
        let client = try process.client(kubeconfig: api.kubeconfig, certificate: kept.client)
        let host: PluginHost
        let configuration: KubeletConfiguration
        var containerd: ContainerdSupervisor?
        do {
            try directory.lock()  // two kubelets on one directory would end each other's pods
            try names.join(at: directory.path)
            configuration = try kubeletConfiguration(directory, kept)
            containerd = try prepareContainerd(directory)
            host = try makePlugins(directory)
        } catch {
            await client.shutDown()
            throw error as? StartupFailure ?? StartupFailure("\(error)")
        }
        let supervisor = containerd
        try await process.run(
            { group in
                let cache = Cache(client: client, log: Logger(label: "cache"))
                let recorder = EventRecorder(client: client, component: "kubelet", host: nodeName, log: process.log)
                group.add("cache") { try await cache.run() }
                group.add("events") { await recorder.run() }
                if let supervisor {
                    _ = try await supervisor.start()  // before the runtime plugin, which connects to it
                    group.add("containerd") { try await supervisor.run() }
                }
                let objects = PluginObjects(
                    host, client: client, cache: cache, selection: PluginObjects.Selection(kinds: [.runtime]), log: Logger(label: "plugins")
                )
                try await cache.watch(.plugins)
                try objects.load(cache.list(.plugins))
                try await host.start(services: HostServices(client: client, cache: cache))
                group.add("plugins") { try await objects.run() }
                if host.runtime == nil { process.log.error("no runtime plugin is running: see `kubectl describe plugin \(runtimePlugin)`") }
                let kubelet = Kubelet(
                    configuration: configuration, client: client, cache: cache, runtime: PluginRuntime(host), recorder: recorder,
                    log: process.log)
                try await HealthEndpoint.serve(in: &group, healthzBindAddress, healthzPort, .plain) {
                    kubelet.healthy ? nil : "the node is not ready"
                }
                group.add("kubelet") { try await kubelet.run() }
                follow(configuration, directory, kubelet, in: &group)
                group.add("kubeconfig") { await client.follow(kubeconfig: api.kubeconfig) }
                rotation.follow(configuration, kept, rootDir, kubeconfig: api.kubeconfig, client, kubelet, in: &group)
            }, end: [Shutdown.Step(name: "plugins") { await host.stop() }, Shutdown.Step(name: "connections") { await client.shutDown() }])
    }

    private func ownCertificate(_ directory: DataDirectory, _ now: Whole) throws -> KeyPair {
        try NodeCertificate.prepare(directory, nodeName: nodeName, addresses: [NodeAddress.loopback] + nodeAddresses, now: now)
    }

    /// Takes up the serving certificate that is put in the place of the one that flags name, or renews our own.
    private func follow(
        _ configuration: KubeletConfiguration, _ directory: DataDirectory, _ kubelet: Kubelet, in group: inout RoleGroup
    ) {
        let own = ChangingCertificate(
            KeyPair(certificatePEM: configuration.servingCertificate, privateKeyPEM: configuration.servingKey))
        certificate.follow(own, in: &group) { try kubelet.serve(certificatePEM: $0.chainPEM, keyPEM: $0.keyPEM) }
        guard certificate.tlsCertFile == nil, !configuration.bootstrapsServerTLS else { return }
        group.add("certificates") {
            let rotation = CertificateRotation<KeyPair>(
                renew: { now in own.pair?.isDue(at: now) ?? false ? try ownCertificate(directory, now) : nil },
                use: { pair in
                    own.use(pair)
                    try kubelet.serve(certificatePEM: pair.certificatePEM, keyPEM: pair.privateKeyPEM)
                })
            await rotation.run()
        }
    }

    /// Our own containerd with the pod network that it uses; `nil` when the runtime is another, whose network is its operator's business.
    private func prepareContainerd(_ directory: DataDirectory) throws -> ContainerdSupervisor? {
        guard runtimePlugin == Self.criPlugin, containerRuntimeEndpoint == nil else { return nil }
        let containerd = ContainerdSupervisor(
            directory: directory.containerdDirectory, configuration: names.cluster.containerd, log: Logger(label: "containerd"))
        try podNetwork.setUp()
        try names.cluster.network(mtu: podNetworkOptions.mtu(nodeAddresses)).write(
            podCIDRs: podNetwork.nodeCIDRs.map(\.description), to: containerd.paths)
        return containerd
    }

    private func makePlugins(_ directory: DataDirectory) throws -> PluginHost {
        let places = try PluginPlaces(plugins)
        var configuration = PluginHost.Configuration(
            manifestDirectory: places.manifests, libraryDirectories: places.libraries, kinds: [.runtime])
        configuration.choose = [.runtime: runtimePlugin]
        if runtimePlugin == Self.criPlugin {
            configuration.config = [
                Self.criPlugin: [
                    "endpoint": .string(containerRuntimeEndpoint ?? ContainerdPaths(directory: directory.containerdDirectory).endpoint)
                ]
            ]
        }
        return PluginHost(configuration, log: Logger(label: "plugins"))
    }

    private func kubeletConfiguration(_ directory: DataDirectory, _ kept: NodeRotationOptions.Kept) throws -> KubeletConfiguration {
        var configuration = KubeletConfiguration(
            nodeName: nodeName, nodeAddresses: nodeAddresses, podCIDRs: podNetwork.nodeCIDRs.map(\.description),
            rootDirectory: directory.kubeletDirectory,
            podLogsDirectory: directory.podLogDirectory,
            version: Version.kubernetes)
        configuration.clusterDomain = domain.clusterDomain
        configuration.serverPort = names.cluster.kubeletPort
        configuration.hostPortTable = names.cluster.table("hostports")
        configuration.cgroupRoot = names.cluster.cgroupRoot
        try KubeletConfigurationFile.read(config, of: "--config", into: &configuration)
        configuration.serverAddress = address ?? configuration.serverAddress
        configuration.serverPort = port ?? configuration.serverPort
        configuration.staticPodPath = podManifestPath ?? configuration.staticPodPath
        configuration.maxPods = maxPods ?? configuration.maxPods
        if !clusterDNS.isEmpty { configuration.clusterDNS = CommaList.split(clusterDNS) }
        configuration.labels = try NodeFlags.labels(nodeLabels, "--node-labels").merging(podNetworkOptions.labels) { $1 }
        if !registerWithTaints.isEmpty { configuration.taints = try NodeFlags.taints(registerWithTaints, "--register-with-taints") }
        let own = certificate.tlsCertFile == nil ? try ownCertificate(directory, Timestamp.nowSeconds()) : nil
        let serving = try certificate.serving(own)
        guard serving.named.isEmpty else { throw StartupFailure("--tls-sni-cert-key: a kubelet has but one name") }
        configuration.servingCertificate = serving.chainPEM
        configuration.servingKey = serving.keyPEM
        configuration.minimumTLSVersion = serving.minimumVersion
        configuration.tlsCiphers = serving.ciphers
        rotation.apply(to: &configuration)
        if configuration.bootstrapsServerTLS, let pair = kept.serving {
            configuration.servingCertificate = pair.certificatePEM
            configuration.servingKey = pair.privateKeyPEM
        }
        let authority =
            try clientCAFile.map { try TextFile.read($0, of: "--client-ca-file") }
            ?? String(decoding: KubeconfigOptions.load(api.kubeconfig).certificateAuthority, as: UTF8.self)
        configuration.authenticate = try ClientCertificateVerifier(caPEM: authority).identity
        configuration.imageCollection.kept = [PauseImage.name]
        // Another's network sees to such ports itself.
        if containerRuntimeEndpoint == nil { configuration.run = Shell.run }
        return configuration
    }
}
