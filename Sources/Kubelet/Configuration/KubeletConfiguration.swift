public import APIModel
public import NIOSSL

/// How a kubelet runs. Paths are absolute.
public struct KubeletConfiguration: Sendable {
    public typealias Authenticate = @Sendable (_ chain: [[UInt8]]) async -> KubeletUser?

    public var nodeName: String
    /// The node's own addresses, IPv4 first.
    public var nodeAddresses: [String]
    /// Empty when the network configuration is none of the kubelet's business.
    public var podCIDRs: [String]
    /// Volumes, host files and termination messages of pods: `DIR/kubelet`.
    public var rootDirectory: String
    /// Container logs, by pod: `DIR/logs/pods`.
    public var podLogsDirectory: String
    public var serverAddress = "0.0.0.0"
    public var serverPort = 10250
    /// The serving certificate with its chain and its key, PEM.
    public var servingCertificate = ""
    public var servingKey = ""
    /// Whether the certificate that the API is shown is replaced by one that the cluster signs, before it ends.
    public var rotatesCertificates = false
    /// Whether the cluster signs the serving certificate.
    public var bootstrapsServerTLS = false
    /// The oldest TLS that the server speaks; `nil` for 1.2.
    public var minimumTLSVersion: TLSVersion?
    /// Those of TLS 1.2 that the server speaks; empty for the library's choice.
    public var tlsCiphers: [NIOTLSCipher] = []
    /// Says whom a client's certificates, leaf first in DER, belong to; `nil` when they do not lead to the cluster's CA or are not valid
    /// now. Nobody, unless it is set.
    public var authenticate: Authenticate = { _ in nil }
    /// A directory of files with pods that run whatever the API says; empty for none.
    public var staticPodPath = ""
    public var maxPods = 110
    public var clusterDNS: [String] = []
    public var clusterDomain = "cluster.local"
    /// The file pods inherit their resolver configuration from.
    public var resolvConf = ResolvConf.hostPath
    /// Registered with the node, beside the labels every node has.
    public var labels: [String: String] = [:]
    /// Registered with the node: `key=value:Effect`, value optional.
    public var taints: [String] = []
    /// `v1.36.0+apus`
    public var version: String
    /// Runs `nft` and `conntrack` for ports of the node that lead into pods. `nil` leaves those to the pods' network, which hears of them
    /// from the runtime.
    public var run: HostPorts.Run?
    /// The table of the packet filter for such ports.
    public var hostPortTable = "apus-hostports"
    /// The control group below which pods have theirs: `/one`, empty for the top.
    public var cgroupRoot = ""
    /// Set aside for what runs pods, and for the rest of the machine: `["cpu": "100m"]`.
    public var kubeReserved: [String: String] = [:]
    public var systemReserved: [String: String] = [:]
    /// Whether containers get processors of their own, how often is looked whether all run where they should, in seconds, and those that
    /// are nobody's own: `0-1`, empty for as many as are set aside.
    public var cpuPolicy = CPUPolicy.none
    public var cpuReconcilePeriod: Whole = 10
    public var reservedCPUs = ""
    /// Whether containers get memory of their own, and bytes at NUMA nodes that are nobody's, by kind: all that is set aside.
    public var memoryPolicy = MemoryPolicy.none
    public var reservedMemory: [Int: [String: Whole]] = [:]
    var topologyPolicy = TopologyPolicy.none
    var topologyScope = TopologyPolicy.Scope.container
    /// How long pods get when the machine goes down, and how much of that is for those that the cluster cannot do without, in seconds; or
    /// else how long each lot gets. The machine goes down at once where nothing of this is said.
    public var shutdownGracePeriod: Whole = 0
    public var shutdownGracePeriodCriticalPods: Whole = 0
    public var shutdownGroups: [ShutdownPlan.Group] = []
    /// Sysctls that pods may set beside the safe ones: names, or beginnings of names with `*` at the end.
    public var allowedUnsafeSysctls: [String] = []
    /// When the node is short of something.
    public var eviction = EvictionPolicy.standard
    /// When images that nobody uses go.
    public var imageCollection = ImageCollectionPolicy()
    /// For which of them a pod has to bring what they were pulled with.
    var pullVerification = PullVerification()
    /// A log is rotated past this size, and this many files are kept.
    public var containerLogMaxSize: Int64 = 10 << 20
    public var containerLogMaxFiles = 5
    /// How often logs are looked at, in seconds.
    public var logMonitorPeriod: Whole = 10
    /// How often the node is looked at, how long a report that says nothing new can wait, and how long its Lease lasts, in seconds.
    public var statusUpdatePeriod: Whole = 10
    public var statusReportPeriod: Whole = 300
    public var leaseSeconds: Whole = 40
    /// How many images the Node's status names; -1 for all.
    public var maxReportedImages = 50
    /// What the provider of the machine calls it; empty for nothing.
    public var providerID = ""
    /// Whether containers that say nothing have the runtime's own seccomp profile.
    public var seccompDefault = false
    /// How many processes a pod may have; -1 for as many as the node has room for.
    public var podPidsLimit: Whole = -1
    /// The longest that a container which ends again and again waits, in seconds.
    public var maxRestartPeriod: Whole = 300

    public init(
        nodeName: String, nodeAddresses: [String], podCIDRs: [String], rootDirectory: String, podLogsDirectory: String, version: String
    ) {
        self.nodeName = nodeName
        self.nodeAddresses = nodeAddresses
        self.podCIDRs = podCIDRs
        self.rootDirectory = rootDirectory
        self.podLogsDirectory = podLogsDirectory
        self.version = version
    }

    func podDirectory(_ uid: String) -> String { "\(rootDirectory)/pods/\(uid)" }
    func logDirectoryName(for pod: Pod) -> String { "\(pod.namespace)_\(pod.name)_\(pod.uid)" }
    func logDirectory(for pod: Pod) -> String { "\(podLogsDirectory)/\(logDirectoryName(for: pod))" }
}
