internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import Client
internal import HTTPServer
internal import Logging
internal import NIOSSL
internal import PKI
internal import PluginHost
internal import Store

/// The API server as a process of its own.
struct APIServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kube-apiserver", abstract: "The API server by itself.")

    @OptionGroup var data: DataOptions
    @OptionGroup var storage: StoreOptions
    @OptionGroup var certificate: CertificateOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var runtimeConfig: RuntimeConfigOptions
    @OptionGroup var admission: AdmissionOptions
    @OptionGroup var authentication: AuthenticationOptions
    @OptionGroup var serviceAccounts: ServiceAccountOptions
    @OptionGroup var authorization: AuthorizationOptions
    @OptionGroup var flowControl: FlowControlOptions
    @OptionGroup var browsers: BrowserOptions
    @OptionGroup var objects: ObjectOptions
    @OptionGroup var audit: AuditOptions
    @OptionGroup var encryption: EncryptionOptions
    @OptionGroup var log: LogOptions

    @Option(help: "The port of the API.")
    var securePort = 6443

    @Option(help: "The address the API listens on.")
    var bindAddress = "0.0.0.0"

    @Option(
        help:
            "The address that pods and other nodes reach the API at. Default: --bind-address, or the address of the default route when that is 0.0.0.0."
    )
    var advertiseAddress: String?

    @Option(name: .customLong("service-cluster-ip-range"), help: "The network of ClusterIPs, or one of each family with a comma between.")
    var serviceCIDRs = IPFamilies.default.choose(ClusterName.first.serviceCIDR)

    @Option(help: "A CSV file of static bearer tokens: token,user,uid[,\"group1,group2\"].")
    var tokenAuthFile: String?

    @Option(help: "The authorities of client certificates, in PEM. Default: the CA under --data-dir.")
    var clientCAFile: String?

    @Option(help: "The client certificate to show to kubelets, in PEM. Default: the one under --data-dir.")
    var kubeletClientCertificate: String?

    @Option(help: "The key of --kubelet-client-certificate, in PEM.")
    var kubeletClientKey: String?

    @Option(
        help:
            "The authorities of kubelets' serving certificates, in PEM. Default: the CA under --data-dir; with --kubelet-client-certificate, any is believed."
    )
    var kubeletCertificateAuthority: String?

    @Option(help: "The client certificate to show to aggregated servers and webhooks, in PEM. Default: the one under --data-dir.")
    var proxyClientCertFile: String?

    @Option(help: "The key of --proxy-client-cert-file, in PEM.")
    var proxyClientKeyFile: String?

    @Option(
        name: .customLong("requestheader-client-ca-file"),
        help: "The authority of --proxy-client-cert-file, which aggregated servers are told of, in PEM. Default: the one under --data-dir.")
    var requestHeaderClientCAFile: String?

    @Option(help: .hidden)
    var etcdServers: String?

    func validate() throws {
        try Ports.check(securePort, "--secure-port")
        guard etcdServers == nil else {
            throw ValidationError("--etcd-servers: the etcd engine is not there yet; the store is a file under --data-dir")
        }
        guard (kubeletClientCertificate == nil) == (kubeletClientKey == nil) else {
            throw ValidationError("--kubelet-client-certificate and --kubelet-client-key go together: one is missing")
        }
        guard (proxyClientCertFile == nil) == (proxyClientKeyFile == nil) else {
            throw ValidationError("--proxy-client-cert-file and --proxy-client-key-file go together: one is missing")
        }
        try Networks.check(services: serviceCIDRs, "--service-cluster-ip-range")
        // Pods find the API as a Service, whose endpoint this is.
        guard IPAddress(advertise).map({ $0.family == serviceCIDRs.primary.family }) ?? true else {
            throw ValidationError(
                "--service-cluster-ip-range: service IP family \"\(serviceCIDRs.primary)\" must match public address family \"\(advertise)\""
            )
        }
    }

    /// Where others reach the API.
    private var advertise: String {
        guard advertiseAddress == nil, NodeAddress.isAny(bindAddress) else { return advertiseAddress ?? bindAddress }
        return NodeAddress.primary(serviceCIDRs.primary.family)?.description ?? NodeAddress.loopback
    }

    private var cluster: Layout.Cluster {
        let host = NodeAddress.isAny(bindAddress) ? NodeAddress.loopback : bindAddress
        return Layout.Cluster(
            server: "https://\(NodeAddress.inURL(host)):\(securePort)", addresses: [host, advertise], nodeName: NodeAddress.hostname(),
            nodeAddresses: serviceCIDRs.families.compactMap { NodeAddress.primary($0)?.description },
            serviceAddress: Networks.host(1, of: serviceCIDRs.primary))
    }

    func run() async throws {
        let process = RoleProcess("kube-apiserver", log)
        let directory = DataDirectory(data.dataDir)
        let manifests = try ManifestFiles(PluginPlaces(plugins))  // a manifest that is broken must not cost a half-started cluster
        manifests.prepareLibraries()
        try directory.lock()  // first: two processes on one store would lose writes
        try directory.checkStore(mayBeEmpty: storage.emptyStore)
        let store: Store  // before the keys: keys without a store are those of a cluster that lost it
        let encryption = try await self.encryption.encryption()
        do {
            store = try Store(path: directory.storeFile, options: storage.options(encryption), log: Logger(label: "store"))
        } catch {
            throw StartupFailure("\(error)")
        }
        let credentials: ServerCredentials
        let tls: TLSConfiguration
        do {
            credentials = try ServerCredentials(self, cluster, directory)
            tls = try certificate.serving(
                credentials.serving
            ).configuration()
        } catch let failure as StartupFailure {
            throw failure
        } catch {
            throw StartupFailure("the API server's certificates: \(error)")
        }
        let tokens = try readTokens()
        let places = try PluginPlaces(plugins)
        let host = PluginHost(
            PluginHost.Configuration(manifestDirectory: places.manifests, libraryDirectories: places.libraries, kinds: [.admission]),
            log: Logger(label: "plugins"))
        try await process.run(
            { group in
                let users = PluginUsers()
                var configuration = try serverConfiguration(credentials, store, tokens, users)
                configuration.encryption = encryption
                configuration.admissionSource = host
                let server = APIServer(configuration)
                try await server.start()  // the objects every cluster has, before anybody looks for them
                let client = server.client(as: HostUser.name)
                // before the components that run plugins come and read them
                try await manifests.synchronise(client, log: Logger(label: "plugins"))
                for object in try await client.list(.plugins).items { users.add(object, server.grants) }
                let cache = Cache(client: client, log: Logger(label: "cache"))
                users.follow(cache, server.grants)
                let objects = PluginObjects(
                    host, client: client, cache: cache, selection: PluginObjects.Selection(kinds: [.admission]),
                    log: Logger(label: "plugins"))
                // before anybody is served: what should judge requests and does not run yet is known from here on
                try objects.load(try await client.list(.plugins).items)
                group.add("cache") { try await cache.run() }
                try await host.start(services: HostServices(client: client, cache: cache))
                group.add("plugins") { try await objects.run() }
                var serving = HTTPServer.Configuration(host: bindAddress, port: securePort, tls: tls)
                serving.handshakeFailed = server.handshakeFailed
                let listener = try HTTPServer(configuration: serving, responder: server, log: Logger(label: "http"))
                try await listener.start()
                group.add("API server") { await server.run() }
                self.encryption.follow(encryption, store, in: &group)
                authentication.follow(configuration, in: &group)
                credentials.follow(self, cluster, server, listener, in: &group)
                group.add("HTTP server") { try await listener.run() }
            },
            end: [
                Shutdown.Step(name: "plugins") { await host.stop() },
                Shutdown.Step(name: "store") { await store.close() },  // last: nothing acknowledged may be lost
            ])
    }

    private func readTokens() throws -> [any TokenAuthenticator] {
        guard let tokenAuthFile else { return [] }
        let text = try TextFile.read(tokenAuthFile, of: "--token-auth-file")
        do { return [try TokenFile(text)] } catch { throw StartupFailure("--token-auth-file: \(tokenAuthFile): \(error)") }
    }

    private func serverConfiguration(
        _ credentials: ServerCredentials, _ store: Store, _ tokens: [any TokenAuthenticator], _ users: PluginUsers
    ) throws -> APIServer.Configuration {
        var configuration = APIServer.Configuration(
            store: store, serviceRanges: serviceCIDRs, serviceAccountKey: credentials.serviceAccountKey, log: Logger(label: "apiserver"))
        configuration.kubelet = credentials.kubelet
        configuration.frontProxy = credentials.frontProxy
        configuration.extensionCAs = credentials.extensionCAs
        configuration.advertise = (advertise, securePort)
        configuration.certificates = credentials.clients
        configuration.rootCA = credentials.rootCA
        configuration.tokens = tokens
        configuration.kinds = Kinds(version: 0, .builtin, serving: try runtimeConfig.value)
        configuration.admission = try admission.plugins
        configuration.audit = try audit.auditing()
        flowControl.apply(to: &configuration)
        configuration.browsers = try browsers.policy
        try objects.apply(to: &configuration)
        try serviceAccounts.apply(to: &configuration)  // before the other issuers, which must not be among them
        try authentication.apply(to: &configuration, proxies: credentials.requestHeaders)
        try authorization.apply(to: &configuration)
        configuration.authorizers = [HostRights(), PluginImpersonation(users)]
        configuration.validators = [.plugins: ManifestCheck.errors]
        configuration.version.gitVersion = Version.kubernetes
        // Upstream, too, looks for them on this machine and nowhere else.
        configuration.components = [
            HealthCheck("controller-manager") { await HealthProbe(port: 10257).problem() },
            HealthCheck("scheduler") { await HealthProbe(port: 10259).problem() },
            HealthCheck("store-0") { store.statistics.problem },
        ]
        return configuration
    }
}
