internal import ArgumentParser
internal import Glibc

/// All roles in one process.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run a whole cluster in this process, or in the background with --detach.")

    @OptionGroup var data: DataOptions
    @OptionGroup var storage: StoreOptions
    @OptionGroup var serving: ServingOptions
    @OptionGroup var tls: TLSOptions
    @OptionGroup var network: NetworkOptions
    @OptionGroup var podNetwork: PodNetworkOptions
    @OptionGroup var nodePorts: NodePortOptions
    @OptionGroup var names: ClusterDNSOptions
    @OptionGroup var node: NodeOptions
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

    @Flag(help: "Run in the background; return when the Node is Ready.")
    var detach = false

    @Option(
        help:
            "Do not run this plugin, whatever its object says: for one that takes the process down when it starts. May be given several times."
    )
    var disablePlugin: [String] = []

    @Option(help: "Use this container runtime and not one of our own: unix:///run/containerd/containerd.sock")
    var containerRuntimeEndpoint: String?

    @Option(help: "A file that configures the scheduler: a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1.")
    var schedulerConfig: String?

    @Option(help: "A file that configures the kubelet: a KubeletConfiguration of kubelet.config.k8s.io/v1beta1.")
    var kubeletConfig: String?

    @Option(
        help:
            "Write all that the scheduler hears and decides to this file, for `apus scheduler replay`. It grows as long as the scheduler runs."
    )
    var schedulerRecord: String?

    @Option(help: "Add the context `apus`, or `apus-NAME`, to ~/.kube/config.")
    var mergeKubeconfig = true

    @Option(help: "The port of the kubelet's server, on loopback. Default: 10250; of a cluster with a name, one of its own.")
    var kubeletPort: Int?

    // What the processes of one cluster tell each other.

    /// Names of flags that people have no use for.
    enum Hidden {
        static let readyDescriptor = "ready-descriptor"
        static let supervisor = "supervisor"
        static let adopt = "adopt"
        static let ended = "ended"
    }

    /// Where somebody waits to hear that the Node is ready.
    @Option(name: .customLong(Hidden.readyDescriptor), help: .hidden)
    var readyDescriptor: Int32?

    /// The process that started this one, which is to play the roles.
    @Option(name: .customLong(Hidden.supervisor), help: .hidden)
    var supervisor: Int32?

    /// The process that plays the roles, and whose supervisor ended.
    @Option(name: .customLong(Hidden.adopt), help: .hidden)
    var adopt: Int32?

    /// The process that played the roles before this one, and how it ended: `12:signal-11`.
    @Option(name: .customLong(Hidden.ended), help: .hidden)
    var ended: String?

    func validate() throws {
        for (port, flag) in [(serving.securePort, "--secure-port"), (kubeletPort, "--kubelet-port")] {
            if let port { try Ports.check(port, flag) }
        }
    }

    func run() async throws {
        guard geteuid() == 0 else {
            throw StartupFailure("a node needs root: pods, networks and mounts are the kernel's. Run `sudo apus up`, or as root.")
        }
        let directory = DataDirectory(data.dataDir)
        try directory.make()
        let cluster = try data.isNamed ? ClusterRegistry().take(data.name ?? "", directory: directory.path) : data.cluster
        if detach {
            if let owner = directory.owner { throw directory.inUse(by: owner) }
            Output.line(try Detach.start(arguments: Self.arguments, logFile: directory.logFile))
            Output.line(NextSteps.text(directory, cluster, isMerged: mergeKubeconfig))
            return
        }
        // What this process starts must not keep the pipe open: its end is how the one that waits hears of a failure.
        if let readyDescriptor { _ = fcntl(readyDescriptor, F_SETFD, FD_CLOEXEC) }
        if let supervisor { return try await telling { try await Startup(self, directory, cluster, supervisor: supervisor).run() } }
        LogOutput.install(verbosity: log.verbosity)
        var supervisor = try await telling {
            try Supervisor(directory, arguments: Self.arguments, ready: readyDescriptor, adopting: adopt)
        }
        let code = try supervisor.run()
        if code != 0 { throw ExitCode(code) }
    }

    /// Has whoever waits for this process hear why it cannot start.
    private func telling<R>(_ body: () async throws -> R) async throws -> R {
        do { return try await body() } catch let failure as StartupFailure {
            if let readyDescriptor { ReadyMessage.failed(failure.message).send(to: readyDescriptor) }
            throw failure
        }
    }

    /// The process before this one, as `ended` has it.
    var predecessor: (process: pid_t, end: ProcessEnd)? {
        let parts = (ended ?? "").split(separator: ":")
        guard parts.count == 2, let process = pid_t(parts[0]), let end = ProcessEnd(text: parts[1]) else { return nil }
        return (process, end)
    }

    /// What the user typed behind the command's name, `up` included.
    static var arguments: [String] {
        var rest = CommandLine.arguments.dropFirst()[...]
        var words: [String] = []
        let hidden = [Hidden.readyDescriptor, Hidden.supervisor, Hidden.adopt, Hidden.ended].map { "--\($0)" }
        while let word = rest.popFirst() {
            if hidden.contains(word) { rest = rest.dropFirst() } else if word != "--detach" { words.append(word) }
        }
        return words
    }
}

/// What a newcomer types next.
enum NextSteps {
    static func text(_ directory: DataDirectory, _ cluster: ClusterName, isMerged: Bool) -> String {
        let kubectl = isMerged ? "kubectl --context \(cluster.context)" : "kubectl --kubeconfig \(directory.adminKubeconfig)"
        return """

            Next:
              \(kubectl) get nodes,pods -A
              make example            a web page on three pods
            Logs: \(directory.logFile)   Stop: apus down\(cluster.flags) --data-dir \(directory.path)
            """
    }
}
