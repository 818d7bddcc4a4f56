internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import DNS
internal import Glibc
internal import Store

/// Flags that several commands share. Names are upstream's where upstream has the flag.
struct LogOptions: ParsableArguments {
    @Option(name: [.customShort("v"), .customLong("v")], help: "How much to log: 0 warnings, 1 what operators need, 4 everything.")
    var verbosity = 1
}

struct DataOptions: ParsableArguments {
    @Option(
        name: .customLong("data-dir"),
        help:
            "Where the store, keys, pods and logs live. Default: what APUS_DATA_DIR in the environment says, or else /var/lib/apus; of a cluster with a name, that and the name."
    )
    var directory: String?

    @Option(help: "Which of the clusters of this machine; `apus list` shows them. Default: the one without a name.")
    var name: String?

    /// Of the cluster without a name.
    static var standard: String { getenv("APUS_DATA_DIR").map { String(cString: $0) } ?? "/var/lib/apus" }

    /// Whether it has a name, by which the machine knows it.
    var isNamed: Bool { name != nil && name != ClusterName.unnamed }

    var dataDir: String {
        if let directory { return directory }
        guard let name, isNamed else { return Self.standard }
        return ClusterRegistry().entry(name)?.directory ?? "\(Self.standard)-\(name)"
    }

    func validate() throws {
        guard name.map(ClusterName.isName) ?? true else {
            throw ValidationError("--name: \(name ?? "") is no name: lower-case letters, digits and -, 40 at most")
        }
    }

    /// The cluster, which must have been started once where it has a name.
    var cluster: ClusterName {
        get throws {
            guard let name, isNamed else { return ClusterRegistry().entry(at: DataDirectory(dataDir).path)?.cluster ?? .first }
            guard let entry = ClusterRegistry().entry(name) else {
                throw StartupFailure("there is no cluster \(name) on this machine; `apus list` shows those that there are")
            }
            return entry.cluster
        }
    }
}

struct StoreOptions: ParsableArguments {
    @Flag(help: "Start without objects when there are the keys of a cluster, but its store.db is gone.")
    var emptyStore = false

    @Option(
        help: "How long past states are kept at least, and half of how long at most. Zero keeps them until there are too many.")
    var etcdCompactionInterval = "5m0s"

    func validate() throws {
        guard compactionInterval.map({ $0 >= .zero }) == true else {
            throw ValidationError("--etcd-compaction-interval: \(etcdCompactionInterval) is not a duration such as 5m")
        }
    }

    /// How the store is to be kept.
    func options(_ transformer: (any Transformer)?) -> Options {
        var options = Options()
        options.transformer = transformer
        if let compactionInterval { options.compactionInterval = compactionInterval }
        return options
    }

    private var compactionInterval: Duration? { GoDuration.parse(etcdCompactionInterval) }
}

struct PluginOptions: ParsableArguments {
    @Option(
        help:
            "A directory that plugin libraries are loaded from; may be given several times. Default: where the apus executable is, and lib/apus beside it."
    )
    var pluginDir: [String] = []

    @Option(
        help: "The directory of plugin manifests. Default: plugin-manifests beside or above the executable, or share/apus/plugin-manifests."
    )
    var manifestDir: String?
}

/// Of which families addresses in the cluster are, and which.
struct NetworkOptions: ParsableArguments {
    @Option(
        help: """
            The families of the cluster's networks where no network is given, the primary one first: IPv4, IPv6, "IPv4,IPv6" or "IPv6,IPv4". \
            They stay what they are as long as the cluster's data is there.
            """)
    var ipFamilies = IPFamilies.default

    @Option(
        name: .customLong("service-cluster-ip-range"),
        help: """
            The network of ClusterIPs, or one of each family with a comma between. Default: 10.96.0.0/16 and fd00:10:96::/112; of a cluster with \
            a name, its own.
            """)
    var serviceRange: DualStack<IPNetwork>?

    @Option(
        name: .customLong("cluster-cidr"),
        help: """
            The network of pods, or one of each family with a comma between. Default: 10.244.0.0/16 and fd00:10:244::/56; of a cluster with a \
            name, its own.
            """)
    var podRange: DualStack<IPNetwork>?

    func serviceCIDRs(of cluster: ClusterName) -> DualStack<IPNetwork> { serviceRange ?? ipFamilies.choose(cluster.serviceCIDR) }
    func clusterCIDRs(of cluster: ClusterName) -> DualStack<IPNetwork> { podRange ?? ipFamilies.choose(cluster.clusterCIDR) }

    func validate() throws {
        if let serviceRange { try Networks.check(services: serviceRange, "--service-cluster-ip-range") }
        if let podRange { try Networks.check(pods: podRange, "--cluster-cidr") }
        let (services, pods) = (serviceCIDRs(of: .first), clusterCIDRs(of: .first))
        guard Set(services.families).isSubset(of: pods.families) else {
            throw ValidationError(
                "--service-cluster-ip-range: \(services) is of a family that pods have no addresses of: --cluster-cidr is \(pods)")
        }
    }
}

struct ClusterDomainOptions: ParsableArguments {
    @Option(help: "What the cluster's names end in.")
    var clusterDomain = "cluster.local"

    func validate() throws {
        guard ClusterDNS.isDomain(clusterDomain) else { throw ValidationError("--cluster-domain: \(clusterDomain) is not a domain") }
    }
}

/// Who answers pods that ask for names, in the all-in-one.
struct ClusterDNSOptions: ParsableArguments {
    @OptionGroup var domain: ClusterDomainOptions

    @Option(
        name: .customLong("cluster-dns"),
        help: "Addresses of other DNS servers that pods are to ask, with commas between; ours does not run then. Empty for none.")
    var clusterDNS: String?

    @Option(
        name: .customLong("cluster-dns-port"),
        help: "The port of the DNS server on the node's bridge; pods ask at port 53 of the Service.")
    var port = 10053

    /// `nil` where the cluster has a server of its own.
    var others: [String]? { clusterDNS.map { CommaList.split([$0]) } }

    func validate() throws {
        try Ports.check(port, "--cluster-dns-port")
        for address in others ?? [] { try Addresses.check(address, "--cluster-dns") }
    }
}

struct NodeOptions: ParsableArguments {
    @Option(name: [.customLong("node-name"), .customLong("hostname-override")], help: "The Node's name. Default: the host name.")
    var nodeName: String?

    @Option(
        name: .customLong("node-ip"),
        help: "The Node's InternalIP, or one of each family with a comma between. Default: the addresses of the default routes.")
    var nodeIP: DualStack<IPAddress>?

    var name: String { nodeName ?? NodeAddress.hostname() }

    func addresses(_ network: PodNetwork) -> [String] { NodeAddress.list(nodeIP, network) }
}

struct ServingOptions: ParsableArguments {
    @Option(help: "The port of the API. Default: 6443; of a cluster with a name, one of its own.")
    var securePort: Int?

    @Option(help: "The address the API listens on. The pods reach it on the node's bridge in any case.")
    var bindAddress = "127.0.0.1"

    @Option(help: "A CSV file of static bearer tokens: token,user,uid[,\"group1,group2\"].")
    var tokenAuthFile: String?
}

struct RuntimeConfigOptions: ParsableArguments {
    @Option(
        help: """
            Which APIs are served, separated by commas: KEY=true or KEY=false, where KEY is api/all, api/ga, api/beta, api/alpha, a group and \
            version, or that and a resource. Default: what is stable.
            """)
    var runtimeConfig = ""

    func validate() throws { _ = try value }

    var value: RuntimeConfig {
        get throws {
            do {
                return try RuntimeConfig(runtimeConfig.split(separator: ",").map { String($0) })
            } catch {
                throw ValidationError("--runtime-config: \(error)")
            }
        }
    }
}

struct AdmissionOptions: ParsableArguments {
    @Option(help: "Admission plugins beside those that are on by default, by upstream's names, separated by commas.")
    var enableAdmissionPlugins = ""

    @Option(help: "Admission plugins that shall be off, by upstream's names, separated by commas.")
    var disableAdmissionPlugins = ""

    @Option(help: "A file that configures single admission plugins: an AdmissionConfiguration of apiserver.config.k8s.io/v1.")
    var admissionControlConfigFile: String?

    @Option(
        name: .customLong("default-not-ready-toleration-seconds"),
        help: "For how many seconds pods that do not say stay on a node that is not ready.")
    var notReadySeconds: Int64 = 300

    @Option(
        name: .customLong("default-unreachable-toleration-seconds"),
        help: "For how many seconds pods that do not say stay on a node that cannot be reached.")
    var unreachableSeconds: Int64 = 300

    func validate() throws { _ = try plugins }

    var plugins: AdmissionPlugins {
        get throws {
            func names(_ text: String) -> [String] { text.split(separator: ",").map { String($0) } }
            let configuration = try admissionControlConfigFile.map(Self.configuration) ?? AdmissionConfiguration()
            do {
                var plugins = try AdmissionPlugins(
                    enable: names(enableAdmissionPlugins), disable: names(disableAdmissionPlugins), configuration: configuration)
                plugins.setTolerationSeconds(notReady: notReadySeconds, unreachable: unreachableSeconds)
                return plugins
            } catch {
                throw ValidationError("--\(error)")
            }
        }
    }

    private static func configuration(_ path: String) throws -> AdmissionConfiguration {
        let flag = "--admission-control-config-file"
        let directory = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        do {
            return try AdmissionConfiguration(TextFile.read(path, of: flag)) { file in
                try TextFile.read(file.hasPrefix("/") ? file : "\(directory)/\(file)", of: flag)
            }
        } catch let problem as ConfigurationProblem {
            throw ValidationError("\(flag): \(path): \(problem)")
        }
    }
}
