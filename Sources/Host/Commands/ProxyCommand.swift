internal import APIModel
internal import ArgumentParser
internal import Client
internal import ControllerManager
internal import Glibc
internal import Logging
internal import PluginHost
internal import Proxy

/// The service proxy as a process of its own.
struct ProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kube-proxy", abstract: "The service proxy, and the controllers of a node, by themselves.")

    @OptionGroup var names: ClusterNameOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var log: LogOptions

    @Option(help: "The kubeconfig file with the API's address and the credentials of this component. Its current context is used.")
    var kubeconfig: String?

    @Option(help: "The Node's name. Default: the host name.")
    var hostnameOverride: String?

    @Option(help: "The node's primary address, where node ports listen. Default: the address of the default route.")
    var bindAddress = "0.0.0.0"

    @Option(
        name: .customLong("cluster-cidr"),
        help: "The network of pods, or one of each family with a comma between: what comes from elsewhere to a Service is masqueraded.")
    var clusterCIDRs: DualStack<IPNetwork>?

    @OptionGroup var nodePorts: NodePortOptions

    @OptionGroup var pages: ProxyPageOptions

    @Option(
        help:
            "Run this proxy as its manifest here says, and nothing else, whatever the cluster's Plugins say: for a machine that is none of its nodes. The user of the kubeconfig must be allowed to watch Services and EndpointSlices."
    )
    var plugin: String?

    @Flag(help: "Remove what the proxy put in the kernel, then exit.")
    var cleanup = false

    func validate() throws {
        if !cleanup, kubeconfig == nil { throw ValidationError("Missing expected argument '--kubeconfig <kubeconfig>'") }
    }

    func run() async throws {
        guard geteuid() == 0 else { throw StartupFailure("kube-proxy needs root: packet filters are the kernel's.") }
        let process = RoleProcess("kube-proxy", log)
        let places = try PluginPlaces(plugins)
        let node = hostnameOverride ?? NodeAddress.hostname()
        var configuration = PluginHost.Configuration(
            manifestDirectory: places.manifests, libraryDirectories: places.libraries,
            kinds: plugin == nil ? [.proxy, .controller] : [.proxy])
        configuration.place = .node
        configuration.choose = plugin.map { [.proxy: $0] } ?? [:]
        if cleanup, names.isUnknown { throw StartupFailure("there is nothing of the cluster \(names.name ?? "") on this machine") }
        let cluster = try names.join()
        configuration.config = cluster.nodePluginConfig(node)
        let host = PluginHost(configuration, log: Logger(label: "plugins"))
        guard let kubeconfig, !cleanup else {
            // Without the API: the manifests here say what may have been put in the kernel.
            do {
                try host.load()
                return try host.cleanUp()
            } catch {
                throw StartupFailure("\(error)")
            }
        }
        let client = try process.client(kubeconfig: kubeconfig)
        let pods = clusterCIDRs ?? IPFamilies.default.choose(cluster.clusterCIDR)
        let addresses =
            NodeAddress.isAny(bindAddress)
            ? IPFamily.allCases.compactMap { NodeAddress.primary($0)?.description } : [bindAddress]
        try await process.run(
            { group in
                let cache = Cache(client: client, log: Logger(label: "cache"))
                group.add("kubeconfig") { await client.follow(kubeconfig: kubeconfig) }
                group.add("cache") { try await cache.run() }
                let services = HostServices(client: client, cache: cache)
                if plugin == nil {
                    let objects = PluginObjects(
                        host, client: client, cache: cache, selection: PluginObjects.Selection(kinds: [.proxy, .controller], place: .node),
                        log: Logger(label: "plugins"))
                    try await cache.watch(.plugins)
                    try objects.load(cache.list(.plugins))
                    group.add("plugins") { try await objects.run() }
                } else {
                    do { try host.load() } catch { throw StartupFailure("--plugin: \(error)") }
                }
                try await host.start(services: services)
                var proxied = Proxy.Configuration(nodeName: node, nodeAddresses: addresses, clusterCIDR: pods.description)
                proxied.nodePortNetworks = try nodePorts.networks(addresses)
                proxied.isNode = plugin == nil
                let proxy = Proxy(proxied, cache: cache, plugins: host, log: process.log)
                try await pages.serve(proxy, host, pods.families, in: &group)
                group.add("proxy") { try await proxy.run() }
                guard plugin == nil else { return }
                // One on each node: nobody is elected.
                let controllers = ControllerManager(services: services, plugins: host, log: process.log)
                group.add("controllers of the node") { try await controllers.run() }
            }, end: [Shutdown.Step(name: "plugins") { await host.stop() }, Shutdown.Step(name: "connections") { await client.shutDown() }])
    }
}
