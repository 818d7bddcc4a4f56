internal import FileSystem

/// Where everything of our own containerd lies, all of it under one directory, so that two clusters on one machine do not meet.
public struct ContainerdPaths: Sendable {
    /// The directory, absolute and without links: containerd and the kernel must name its mounts the way we do.
    public let directory: String

    /// - Parameter directory: `DATA/containerd`; absolute. It need not exist yet.
    public init(directory: String) {
        self.directory = Files.resolved(directory)
    }

    /// Images and metadata; survives `apus down`.
    public var root: String { directory + "/root" }
    /// Mounts, sockets, network namespaces; gone after `apus down`.
    public var state: String { directory + "/state" }
    public var socket: String { directory + "/containerd.sock" }
    public var configuration: String { directory + "/config.toml" }
    public var log: String { directory + "/containerd.log" }
    /// The id of the running containerd and the moment it was started, by which another process with the same id is told apart.
    public var pidFile: String { directory + "/containerd.pid" }
    public var cniConfiguration: String { directory + "/cni" }
    /// Which addresses are taken; gone after `apus down`.
    public var cniData: String { state + "/cni" }
    /// Where an operator says how a registry is reached: `HOST/hosts.toml`, as containerd documents it. Looked at with each pull; it need not
    /// exist.
    public var registries: String { directory + "/registries" }
    public var images: String { directory + "/images" }

    /// What `--container-runtime-endpoint` and the runtime plugin's configuration take.
    public var endpoint: String { "unix://" + socket }
}
