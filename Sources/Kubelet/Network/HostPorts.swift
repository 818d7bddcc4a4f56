import APIModel
import FileSystem
import Glibc
import Synchronization

/// Keeps the ports of the node that pods have in force. All methods block.
public final class HostPorts: Sendable {
    /// Runs a program of the system with that input; returns its exit status and what it said. Blocks.
    public typealias Run = @Sendable (_ arguments: [String], _ input: String) -> (status: Int32, output: String)

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var pods: [String: [HostPort]] = [:]
        /// What the kernel has; `nil` while that is not known.
        var applied: Set<HostPort>?
    }

    private let table: String
    private let podCIDRs: [String]
    private let run: Run?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - table: the name of the table of the packet filter.
    ///   - run: `nil` leaves such ports to the pods' network, which hears of them from the runtime.
    init(table: String = "apus-hostports", podCIDRs: [String], run: Run?) {
        self.table = table
        self.podCIDRs = podCIDRs
        self.run = run
    }

    /// Forgets what an earlier process put in force. For a node that is taken down.
    public static func removeAll(_ table: String, _ run: Run) { _ = run(["nft", "-f", "-"], HostPortRules.removal(of: table)) }

    /// Takes in what pods had when this process started, so that none loses its ports while the others are looked at. Does not block.
    func seed(_ pods: [String: [HostPort]]) { state.withLock { $0.pods = pods.filter { !$0.value.isEmpty } } }

    /// Puts in force what is known, in place of what an earlier process left.
    func refresh() throws { try state.withLock { try apply(&$0) } }

    /// Gives a pod these ports and no others; none takes away what it had. Throws when the kernel does not take them.
    func set(_ ports: [HostPort], for uid: String) throws {
        try state.withLock { state in
            state.pods[uid] = ports.isEmpty ? nil : ports
            try apply(&state)
        }
    }

    private func apply(_ state: inout State) throws {
        let wanted = Set(state.pods.values.joined())
        guard let run, wanted != state.applied else { return }
        let crossesBridge = access("/proc/sys/net/bridge", F_OK) == 0
        let script = HostPortRules.script(wanted, in: table, clients: crossesBridge ? [] : podCIDRs)
        let (status, output) = run(["nft", "-f", "-"], script)
        guard status == 0 else {
            state.applied = nil
            throw Failure(description: "nftables refused the rules for hostPort: \(output.prefix(200))")
        }
        for port in wanted.symmetricDifference(state.applied ?? []) { settle(port, run) }
        state.applied = wanted
    }

    /// The rules are asked for the first packet of a connection only. UDP has none: who sends on would go on where it went before.
    private func settle(_ port: HostPort, _ run: Run) {
        if port.transport == "udp" {
            let family = port.family == .ipv4 ? [] : ["-f", "ipv6"]
            _ = run(["conntrack", "-D"] + family + ["-p", "udp", "--orig-port-dst", "\(port.port)"], "")
        }
        // Answers to what this node itself sends to its loopback address come in by the pods' interface.
        if port.address == nil || port.address?.hasPrefix("127.") == true, let interface = Routes.interface(to: port.podAddress) {
            Files.writeExisting("1", to: "/proc/sys/net/ipv4/conf/\(interface)/route_localnet")
        }
    }
}
