internal import APIModel
internal import ArgumentParser
internal import Client
internal import DNS
internal import Kubelet
internal import Logging

/// The cluster's name server as a process of its own.
struct ClusterDNSCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "cluster-dns", abstract: "The cluster's DNS server by itself.")

    @OptionGroup var api: KubeconfigOptions
    @OptionGroup var domain: ClusterDomainOptions
    @OptionGroup var log: LogOptions

    @Option(
        help:
            "The address to listen on, by which pods reach this machine, or one of each family with a comma between. Default: the address of the default route."
    )
    var bindAddress: DualStack<IPAddress>?

    @Option(help: "The port to listen on, by UDP and TCP; pods ask at port 53 of the Service.")
    var port = 10053

    @Option(
        name: .customLong("cluster-ip"),
        help:
            "The ClusterIP of the Service kube-dns, or one of each family with a comma between; this server joins it and, where there is none, makes it."
    )
    var clusterIP = DualStack(IPAddress(.ipv4, 10 << 24 | 96 << 16 | 10))

    @Option(help: "The name to join the Service under. Default: the host name.")
    var hostnameOverride: String?

    @Option(help: "The file with the resolvers to ask about names that are not the cluster's.")
    var resolvConf = ResolvConf.hostPath

    @Option(help: "The address of this component's /healthz, over HTTP.")
    var healthzBindAddress = "127.0.0.1"

    @Option(help: "The port of this component's /healthz; 0 turns it off.")
    var healthzPort = 10254

    func validate() throws {
        try Ports.check(port, "--port")
        try Ports.check(healthzPort, "--healthz-port", zero: "turns it off")
    }

    func run() async throws {
        let process = RoleProcess("cluster-dns", log)
        let client = try process.client(kubeconfig: api.kubeconfig)
        let cache = Cache(client: client, log: Logger(label: "cache"))
        let recorder = EventRecorder(client: client, component: process.name, log: process.log)
        let listening = bindAddress?.map(\.description) ?? clusterIP.families.compactMap { NodeAddress.primary($0)?.description }
        var configuration = ClusterDNS.Configuration(addresses: listening.isEmpty ? [NodeAddress.loopback] : listening)
        configuration.port = port
        configuration.domain = domain.clusterDomain
        configuration.serviceAddresses = clusterIP.map(\.description)
        configuration.name = "kube-dns-\(hostnameOverride?.lowercased() ?? NodeAddress.hostname())"
        configuration.resolvers = { [resolvConf] in ResolvConf.read(resolvConf).servers }
        let dns: ClusterDNS
        do {
            dns = try ClusterDNS(configuration, client: client, cache: cache, recorder: recorder, log: process.log)
            try await dns.start()
        } catch {
            await client.shutDown()
            throw StartupFailure("\(error)")
        }
        try await process.run(
            { group in
                group.add("kubeconfig") { await client.follow(kubeconfig: api.kubeconfig) }
                group.add("cache") { try await cache.run() }
                group.add("events") { await recorder.run() }
                try await HealthEndpoint.serve(in: &group, healthzBindAddress, healthzPort, .plain) { dns.unhealthyReason }
                group.add("cluster DNS") { try await dns.run(isShared: false) }
            },
            end: [
                // While the API can still be reached: the other servers of the Service answer from then on.
                Shutdown.Step(name: "the Service") { await dns.withdraw() },
                Shutdown.Step(name: "connections") { await client.shutDown() },
            ])
    }
}
