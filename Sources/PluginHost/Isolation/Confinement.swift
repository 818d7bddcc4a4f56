internal import CLinux
internal import FileSystem

/// What the child process of an isolated plugin has of the host.
///
/// Every one has PID, IPC and UTS namespaces of its own, gains no privileges, and gets no descriptor but those it talks to the host with.
struct Confinement: Sendable, Equatable {
    enum User: Sendable {
        /// One that no other plugin has.
        case own
        case root
    }

    enum Files: Sendable, Equatable {
        /// A root of its own, read-only, with the library, what that is linked with, and these directories of the host's.
        case own(shown: [String] = [])
        /// The host's, with a `/proc` of its own.
        case host
    }

    /// Sets of system calls.
    enum Calls: Int, Sendable {
        case few, network, most

        /// By the kernel's filter.
        var number: Int {
            switch self {
            case .few: APUS_CALLS_FEW
            case .network: APUS_CALLS_NETWORK
            case .most: APUS_CALLS_MOST
            }
        }
    }

    var user = User.own
    /// Bit set of Linux capabilities.
    var capabilities: UInt64 = 0
    var files = Files.own()
    /// Whether it is in the host's network; otherwise in one of its own without any interface.
    var hasNetwork = false
    var calls = Calls.few
    /// On how many of its threads it may be inside the host at once: the host has a thread for each.
    var upcalls = 16
    /// Where the manifest says nothing.
    var limits = ResolvedLimits(memory: 512 << 20, cpu: 1000, processes: 64, openFiles: 1024)

    /// A controller of a node gets what a proxy does: it is there for the node's kernel.
    static func of(_ manifest: PluginManifest) -> Confinement {
        exceptions[manifest.isOfNode ? .proxy : manifest.kind] ?? Confinement()
    }

    /// Where the child finds the library.
    var copy: String {
        switch files {
        case .own: "/plugin.so"
        case .host: "/proc/self/fd/\(ChildProcess.Descriptor.library.rawValue)"
        }
    }

    private static let netAdmin: UInt64 = 1 << 12
    /// Ports below 1024.
    private static let netBindService: UInt64 = 1 << 10

    /// Whoever only thinks (policies, controllers, whatever comes new) gets nothing. The others need some of the machine to do their work:
    private static let exceptions: [ExtensionKind: Confinement] = [
        // Changes the host's nftables, over netlink, or listens at the ports of Services, and reads how the kernel's network is set up. It
        // looks at no file of the host's.
        .proxy: Confinement(
            capabilities: netAdmin | netBindService, files: .own(shown: ["/proc/sys/net"]), hasNetwork: true, calls: .network,
            limits: ResolvedLimits(memory: 512 << 20, cpu: 1000, processes: 64, openFiles: 16_384)),
        // Its daemon's socket and the files of images, volumes and logs are root's, port-forwards are dialled in the host's network, and it
        // may start programs, which inherit its set of system calls. Whoever can start containers can become root with one, so a smaller
        // root would only look like a fence; but of capabilities and other processes it needs none. Each open stream keeps a thread in the
        // host while its reader is slow.
        .runtime: Confinement(
            user: .root, files: .host, hasNetwork: true, calls: .most, upcalls: Mailboxes.upcalls,
            limits: ResolvedLimits(memory: 2 << 30, cpu: 2000, processes: 4096, openFiles: 1024)),
    ]
}

/// The limits of one child process, all of them known.
struct ResolvedLimits: Sendable, Equatable {
    /// Private memory beyond what an empty child has, in bytes.
    var memory: Int64
    /// In thousandths of a processor.
    var cpu: Int
    /// Threads and processes beyond those that serve the host's calls.
    var processes: Int
    var openFiles: Int
}

extension PluginManifest.Limits {
    /// These, and `defaults` for what the manifest leaves open.
    func resolved(_ defaults: ResolvedLimits) -> ResolvedLimits {
        ResolvedLimits(
            memory: memory ?? defaults.memory, cpu: cpu ?? defaults.cpu, processes: processes ?? defaults.processes,
            openFiles: openFiles ?? defaults.openFiles)
    }
}
