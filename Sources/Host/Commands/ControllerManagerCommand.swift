internal import APIModel
internal import ArgumentParser
internal import Client
internal import ControllerManager
internal import Logging
internal import PluginHost

/// The controllers as a process of its own.
struct ControllerManagerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kube-controller-manager", abstract: "The controllers by themselves.")

    @OptionGroup var api: KubeconfigOptions
    @OptionGroup var election: LeaderElectionOptions
    @OptionGroup var certificate: CertificateOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var nodes: NodeLifecycleOptions
    @OptionGroup var log: LogOptions

    @Option(
        parsing: .unconditionalSingleValue,
        help: "The controllers to run: '*' all that are on by default, 'foo' foo, '-foo' not foo. Default: *.")
    var controllers: [String] = []

    @Option(help: "The CA certificate that pods get to verify the API with, in PEM. Default: the one in the kubeconfig.")
    var rootCAFile: String?

    @Option(help: "The certificate of the CA that signs what is approved, in PEM. Without it nothing is signed.")
    var clusterSigningCertFile: String?

    @Option(help: "Its key, in PEM.")
    var clusterSigningKeyFile: String?

    @Option(help: "How long a certificate is good at most, such as 8760h.")
    var clusterSigningDuration = "8760h0m0s"

    @Option(help: "How long a token that a ServiceAccount lists as its own secret may go unused before it is marked, and then deleted.")
    var legacyServiceAccountTokenCleanUpPeriod = "8760h0m0s"

    @Option(
        name: .customLong("cluster-cidr"),
        help: """
            The network of pods, or one of each family with a comma between. Nodes that do not bring their part of it along (kubelet --pod-cidr) \
            get one with --allocate-node-cidrs.
            """)
    var clusterCIDRs: DualStack<IPNetwork>?

    @Flag(name: .customLong("allocate-node-cidrs"), help: "Give each Node that has none a part of --cluster-cidr.")
    var allocateNodeCIDRs = false

    @OptionGroup var nodeCIDRMask: NodeCIDRMaskOptions

    @Option(
        name: .customLong("service-cluster-ip-range"),
        help: """
            The network of Services, or one of each family with a comma between: with --allocate-node-cidrs no Node gets what --cluster-cidr has in \
            common with it.
            """)
    var serviceCIDRs: DualStack<IPNetwork>?

    @Option(help: "The address of this component's /healthz and /metrics.")
    var bindAddress = "127.0.0.1"

    @Option(help: "The HTTPS port of this component's /healthz and /metrics; 0 turns it off.")
    var securePort = 10257

    func validate() throws {
        try Ports.check(securePort, "--secure-port", zero: "turns it off")
        guard (clusterSigningCertFile == nil) == (clusterSigningKeyFile == nil) else {
            throw ValidationError("--cluster-signing-cert-file and --cluster-signing-key-file come together")
        }
        guard (signingSeconds ?? 0) > 0 else {
            throw ValidationError("--cluster-signing-duration: \(clusterSigningDuration) is not a duration such as 8760h")
        }
        guard (cleanUpSeconds ?? 0) > 0 else {
            throw ValidationError(
                "--legacy-service-account-token-clean-up-period: \(legacyServiceAccountTokenCleanUpPeriod) is not a duration such as 8760h")
        }
        _ = try nodes.config()
        guard !allocateNodeCIDRs || clusterCIDRs != nil else { throw ValidationError("--allocate-node-cidrs needs --cluster-cidr") }
        if allocateNodeCIDRs, let clusterCIDRs { _ = try nodeCIDRMask.config(clusterCIDRs, services: serviceCIDRs) }
    }

    /// The program's kinds of stable versions, and of those that the API serves besides, as its APIServices say.
    private static func served(_ client: any Client) async throws -> Kinds {
        let local = try await client.list(.apiServices, namespace: nil, options: ListOptions()).items.filter {
            $0.value[path: "spec", "service"].isNull
        }
        let versions = local.map {
            GroupVersion(group: $0.value[path: "spec", "group"].string ?? "", version: $0.value[path: "spec", "version"].string ?? "")
        }
        return Kinds(version: 0, .builtin, serving: RuntimeConfig(alsoServing: versions))
    }

    func run() async throws {
        let process = RoleProcess("kube-controller-manager", log)
        let places = try PluginPlaces(plugins)
        let words = CommaList.split(controllers)
        let selection = try ControllerSelection(words.isEmpty ? ["*"] : words, known: ManifestFiles(places).names(.controller))
        let client = try process.client(kubeconfig: api.kubeconfig)
        var configuration = PluginHost.Configuration(
            manifestDirectory: places.manifests, libraryDirectories: places.libraries, kinds: [.controller])
        configuration.place = .cluster
        configuration.config = ["root-ca": ["certificate": .string(try rootCA())]]
        configuration.config["certificatesigningrequest-signing"] = try signing()
        configuration.config["node-lifecycle"] = try nodes.config()
        configuration.config["legacy-serviceaccount-token-cleaner"] = ["cleanUpPeriodSeconds": .int(cleanUpSeconds ?? 0)]
        if allocateNodeCIDRs, let clusterCIDRs {
            configuration.config["node-ipam"] = try nodeCIDRMask.config(clusterCIDRs, services: serviceCIDRs)
        }
        let host = PluginHost(configuration, log: Logger(label: "plugins"))
        try await process.run(
            { group in
                let cache = Cache(client: client, log: Logger(label: "cache"))
                group.add("kubeconfig") { await client.follow(kubeconfig: api.kubeconfig) }
                group.add("cache") { try await cache.run() }  // before the plugins start, which read it
                let objects = PluginObjects(
                    host, client: client, cache: cache,
                    selection: PluginObjects.Selection(kinds: [.controller], place: .cluster, adjust: selection.adjust),
                    log: Logger(label: "plugins"))
                try await cache.watch(.plugins)
                try objects.load(cache.list(.plugins))
                let kinds = DefinedKinds(cache: cache, builtin: try await Self.served(client)) {
                    try await client.value(at: "/apis/\($0)")
                }
                try await kinds.start()
                group.add("kinds") { await kinds.run() }
                let services = HostServices(client: client, cache: cache, kinds: kinds)
                try await host.start(services: services)
                group.add("plugins") { try await objects.run() }
                let manager = ControllerManager(
                    services: services, plugins: host, elector: election.isOn ? process.elector(client) : nil, log: process.log)
                let metrics = MetricsPage(client: client) { manager.figures }
                try await HealthEndpoint.serve(in: &group, bindAddress, securePort, .tls(certificate), metrics: metrics) {
                    manager.unhealthyReason
                }
                group.add("controller manager") { try await manager.run() }
            }, end: [Shutdown.Step(name: "plugins") { await host.stop() }, Shutdown.Step(name: "connections") { await client.shutDown() }])
    }

    private var cleanUpSeconds: Whole? { DurationText.seconds(legacyServiceAccountTokenCleanUpPeriod) }
    private var signingSeconds: Whole? { DurationText.seconds(clusterSigningDuration) }

    /// What the signer is configured with; `nil` where nothing is to be signed.
    private func signing() throws -> Value? {
        guard let certificate = clusterSigningCertFile, let key = clusterSigningKeyFile else { return nil }
        return [
            "certificate": .string(try TextFile.read(certificate, of: "--cluster-signing-cert-file")),
            "key": .string(try TextFile.read(key, of: "--cluster-signing-key-file")), "durationSeconds": .int(signingSeconds ?? 0),
        ]
    }

    private func rootCA() throws -> String {
        try rootCAFile.map { try TextFile.read($0, of: "--root-ca-file") }
            ?? String(decoding: KubeconfigOptions.load(api.kubeconfig).certificateAuthority, as: UTF8.self)
    }
}
