internal import APIModel
internal import Glibc
internal import KernelNetwork
internal import PluginAPI
internal import PluginKit
internal import ServiceRules
internal import Synchronization

/// Keeps the kernel's nftables as the services want them, changing only what changed, and has it forget UDP flows to endpoints that went.
///
/// Each family of addresses has a table of its own, and both change in one transaction. Rules that somebody else took away are put back when
/// it looks next: when the loop calls without a change, and every 20 s otherwise.
final class Backend: ProxyBackend {
    /// How long changes alone may keep it from looking.
    private static let patience = Duration.seconds(20)

    static let settings: Set<String> = ["table"]

    private struct State: ~Copyable {
        var tables: NFTables
        var inForce: [RulesInForce] = []
        /// What is in the kernel of services over UDP, by service-port id.
        var datagrams: [UInt64: WantedService] = [:]
        var lastLook = ContinuousClock.now
        /// Whether that was switched on here.
        var leadsLoopback = false
    }

    private let log: Log
    private let table: String
    private let state: Mutex<State>

    /// - Parameter config: `table`, the name of the tables: another for each cluster of the machine.
    init(_ host: Host, config: Value) throws {
        log = host.log
        table = config["table"].string ?? "apus-proxy"
        state = Mutex(State(tables: try NFTables()))
    }

    /// Those that the kernel has.
    private static var families: [IPFamily] { access("/proc/net/if_inet6", F_OK) == 0 ? [.ipv4, .ipv6] : [.ipv4] }

    func sync(_ wanted: Services) throws {
        let isFirst = wanted.previous == 0
        let rows = isFirst ? Array(wanted.ports) : wanted.ports.filter(\.isChanged)
        let isIdle = wanted.removed.isEmpty && rows.isEmpty
        if isFirst { Self.keepHalfClosed() }
        if isFirst, Ruleset.isOnLoopback(wanted.nodePortNetworks) { leadLoopback() }
        let stale = try state.withLock { state in
            let lost = isFirst ? [] : lostTables(isIdle: isIdle, &state)
            guard isFirst || !isIdle || !lost.isEmpty else { return StaleFlows() }
            let services = (lost.isEmpty ? rows : Array(wanted.ports)).compactMap { WantedService($0, in: wanted) }
            let served = Set(services.lazy.map(\.id))
            let gone = Array(wanted.removed) + rows.lazy.map(\.id).filter { !served.contains($0) }

            // In place: where a command fails, everything comes anew, and nobody looks at what was noted here.
            if isFirst { state.inForce = Self.families.map { noRules($0, wanted) } }
            var script = ""
            for index in state.inForce.indices {
                let family = state.inForce[index].family
                if isFirst || lost.contains(state.inForce[index].table) {
                    state.inForce[index] = noRules(family, wanted)
                    script += state.inForce[index].whole
                }
                script += state.inForce[index].change(gone: gone, changes: services.filter { $0.family == family })
            }
            if !script.isEmpty { try state.tables.run(script) }
            return staleFlows(services, gone: gone, isFirst: isFirst, &state)
        }
        forget(stale)
    }

    private static let loopbackSetting = "/proc/sys/net/ipv4/conf/all/route_localnet"

    /// Has what loopback sends led to pods, until `cleanup`, unless it was so already.
    private func leadLoopback() {
        guard KernelSetting.number(Self.loopbackSetting) != 1 else { return }
        guard KernelSetting.set(Self.loopbackSetting, "1") else {
            return log.warning("node ports are not on loopback: net.ipv4.conf.all.route_localnet cannot be set")
        }
        state.withLock { $0.leadsLoopback = true }
    }

    /// A connection that one side has closed is kept for an hour, as by upstream's proxy, and not for a minute: what the other side still sends
    /// finds its way. Where it is kept for longer, so it stays.
    private static func keepHalfClosed() {
        let path = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait"
        guard let now = KernelSetting.number(path), now < 3600 else { return }
        KernelSetting.set(path, "3600")
    }

    /// The table as it is without services.
    private func noRules(_ family: IPFamily, _ wanted: Services) -> RulesInForce {
        RulesInForce(
            Ruleset(
                table: table, family: family, podNetwork: wanted.podNetworks.first { $0.family == family },
                nodePortNetworks: wanted.nodePortNetworks, crossesBridge: access("/proc/sys/net/bridge", F_OK) == 0))
    }

    /// Which flows may be the wrong way now; and which services over UDP there are.
    private func staleFlows(_ services: [WantedService], gone: [UInt64], isFirst: Bool, _ state: inout State) -> StaleFlows {
        var stale = StaleFlows()
        let present = Set(services.lazy.map(\.id))
        for id in isFirst ? state.datagrams.keys.filter({ !present.contains($0) }) : gone {
            if let old = state.datagrams.removeValue(forKey: id) { stale.remove(old) }
        }
        for service in services {
            if let before = state.datagrams.removeValue(forKey: service.id), !service.endpoints.isEmpty { stale.remove(before) }
            stale.add(service)
            if service.networkProtocol == "udp" { state.datagrams[service.id] = service }
        }
        return stale
    }

    /// The tables whose rules are not there any more. Looks when there is nothing else to do, or has not been for long.
    private func lostTables(isIdle: Bool, _ state: inout State) -> Set<String> {
        guard isIdle || .now - state.lastLook > Self.patience else { return [] }
        state.lastLook = .now
        let inForce = state.inForce
        let lost = state.tables.lost(Dictionary(uniqueKeysWithValues: inForce.map { ($0.table, $0.shape) }))
        for table in lost.sorted() { log.warning("somebody changed the table \(table); the rules of Services are put back") }
        return lost
    }

    /// After the rules are in force, so that what is forgotten does not come back the old way. A failure leaves them in force all the same.
    private func forget(_ stale: StaleFlows) {
        guard !stale.isEmpty else { return }
        do {
            let kernel = try Conntrack()
            for family in stale.families { for flow in try kernel.flows(family) where stale.contains(flow) { try kernel.delete(flow) } }
        } catch {
            log.warning("UDP flows to endpoints that went may go on: \(error)")
        }
    }

    func cleanup() throws {
        try state.withLock { state in
            try state.tables.run(Self.families.map { Ruleset.removal(of: table, $0) }.joined())
            state.inForce = []
            state.datagrams = [:]
            if state.leadsLoopback { KernelSetting.set(Self.loopbackSetting, "0") }
            state.leadsLoopback = false
        }
    }
}
