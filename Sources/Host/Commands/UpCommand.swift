internal import ArgumentParser
internal import Glibc

/// All roles in one process.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run a whole cluster in this process, or in the background with --detach.")

    @OptionGroup var data: DataOptions
    @OptionGroup var serving: ServingOptions
    @OptionGroup var network: NetworkOptions
    @OptionGroup var node: NodeOptions
    @OptionGroup var plugins: PluginOptions
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

    @Option(help: "Add the context `apus` to ~/.kube/config.")
    var mergeKubeconfig = true

    @Option(help: "The port of the kubelet's server, on loopback.")
    var kubeletPort = 10250

    @Option(help: .hidden)
    var readyDescriptor: Int32?

    func validate() throws {
        guard (1...65535).contains(serving.securePort) else { throw ValidationError("--secure-port: \(serving.securePort) is not a port") }
    }

    func run() async throws {
        guard geteuid() == 0 else {
            throw StartupFailure("a node needs root: pods, networks and mounts are the kernel's. Run `sudo apus up`, or as root.")
        }
        let directory = DataDirectory(data.dataDir)
        if detach {
            if let owner = directory.owner { throw directory.inUse(by: owner) }
            mkdir(directory.path, 0o755)
            let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--detach" }
            Output.line(try Detach.start(arguments: Array(arguments), logFile: directory.logFile))
            Output.line(NextSteps.text(directory, serving: serving, isMerged: mergeKubeconfig))
            return
        }
        // What this process starts must not keep the pipe open: its end is how the one that waits hears of a failure.
        if let readyDescriptor { _ = fcntl(readyDescriptor, F_SETFD, FD_CLOEXEC) }
        try await Startup(self, directory).run()
    }
}

/// What a newcomer types next.
enum NextSteps {
    static func text(_ directory: DataDirectory, serving: ServingOptions, isMerged: Bool) -> String {
        let kubectl = isMerged ? "kubectl --context apus" : "kubectl --kubeconfig \(directory.adminKubeconfig)"
        return """

            Next:
              \(kubectl) get nodes,pods -A
              make example            a web page on three pods
            Logs: \(directory.logFile)   Stop: apus down --data-dir \(directory.path)
            """
    }
}
