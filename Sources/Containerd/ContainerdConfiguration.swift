internal import FileSystem

/// What goes into our containerd's `config.toml`.
public struct ContainerdConfiguration: Sendable {
    /// The image that every sandbox runs.
    public var sandboxImage: String
    /// The directories to look for CNI plugins in; the first that has them is taken.
    public var cniBinaries: [String]
    public var network: CNIConfiguration

    public init(
        sandboxImage: String = PauseImage.name, cniBinaries: [String] = ["/usr/lib/cni", "/opt/cni/bin"],
        network: CNIConfiguration = CNIConfiguration()
    ) {
        self.sandboxImage = sandboxImage
        self.cniBinaries = cniBinaries
        self.network = network
    }

    static let cniPlugins = ["bridge", "host-local", "loopback"]

    /// The first directory that has every CNI plugin we need.
    func cniDirectory() throws(ContainerdError) -> String {
        if let directory = cniBinaries.first(where: { directory in Self.cniPlugins.allSatisfy { Files.isExecutable(directory + "/" + $0) } }
        ) {
            return directory
        }
        throw ContainerdError(
            .missing,
            "the CNI plugins \(Self.cniPlugins.joined(separator: ", ")) are in none of \(cniBinaries.joined(separator: ", ")): install the package containernetworking-plugins"
        )
    }

    // Each costs start-up time or complains in the log where its file system is not there. A name that a version of containerd does not
    // know is ignored by it.
    static let unused = [
        "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
        "io.containerd.snapshotter.v1.zfs",
        "io.containerd.internal.v1.opt", "io.containerd.internal.v1.restart", "io.containerd.internal.v1.tracing",
        "io.containerd.tracing.processor.v1.otlp",
        "io.containerd.monitor.v1.cgroups", "io.containerd.nri.v1.nri",
    ]

    /// The file's text. Its format is version 2, which containerd reads from 1.3 to 2.x.
    func toml(paths: ContainerdPaths, cniDirectory: String, facts: HostFacts) -> String {
        let cri = "plugins.\"io.containerd.grpc.v1.cri\""
        let snapshotter = facts.hasOverlay ? "overlayfs" : "native"
        let unused = Self.unused + (facts.hasOverlay ? ["io.containerd.snapshotter.v1.native"] : [])
        return """
            version = 2
            root = "\(paths.root)"
            state = "\(paths.state)"
            disabled_plugins = [\(unused.map { "\"\($0)\"" }.joined(separator: ", "))]

            [grpc]
              address = "\(paths.socket)"
            [ttrpc]
              address = "\(paths.socket).ttrpc"

            [\(cri)]
              sandbox_image = "\(sandboxImage)"
              restrict_oom_score_adj = \(!facts.canLowerOOMScore)
              disable_cgroup = \(!facts.hasCgroups)
              netns_mounts_under_state_dir = true
              enable_cdi = true
              stream_server_address = "127.0.0.1"
              stream_server_port = "0"
              [\(cri).cni]
                bin_dir = "\(cniDirectory)"
                conf_dir = "\(paths.cniConfiguration)"
              [\(cri).registry]
                config_path = "\(paths.registries)"
              [\(cri).containerd]
                snapshotter = "\(snapshotter)"
                default_runtime_name = "runc"
                [\(cri).containerd.runtimes.runc]
                  runtime_type = "io.containerd.runc.v2"
                  [\(cri).containerd.runtimes.runc.options]
                    Root = "\(paths.state)/runc"
                    SystemdCgroup = false

            """
    }
}
