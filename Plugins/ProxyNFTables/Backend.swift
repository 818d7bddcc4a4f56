internal import APIModel
internal import Glibc
internal import KernelNetwork
internal import PluginAPI
internal import PluginKit
internal import Synchronization

/// Keeps the kernel's nftables as the services want them, changing only what changed, and has it forget UDP flows to endpoints that went.
///
/// Rules that somebody else took away are put back when it looks next: when the loop calls without a change, and every 20 s otherwise.
final class Backend: ProxyBackend {
    /// How long changes alone may keep it from looking.
    private static let patience = Duration.seconds(20)

    static let settings: Set<String> = ["table"]

    private struct State: ~Copyable {
        var tables: NFTables
        var ruleset: Ruleset?
        /// What is in the kernel, by service-port id.
        var parts: [UInt64: Ruleset.Part] = [:]
        /// The same, of services over UDP.
        var datagrams: [UInt64: WantedService] = [:]
        /// How many services an endpoint's address is part of.
        var hairpins: [String: Int] = [:]
        var lastLook = ContinuousClock.now
    }

    private let log: Log
    private let table: String
    private let state: Mutex<State>

    /// - Parameter config: `table`, the name of the table: another for each cluster of the machine.
    init(_ host: Host, config: Value) throws {
        log = host.log
        table = config["table"].string ?? "apus-proxy"
        state = Mutex(State(tables: try NFTables()))
    }

    func sync(_ wanted: Services) throws {
        let isIdle = wanted.removed.isEmpty && !wanted.ports.contains(where: \.isChanged)
        let isFirst = wanted.previous == 0
        let stale = try state.withLock { state in
            let isLost = !isFirst && isLost(isIdle: isIdle, &state)
            let all = isFirst || state.ruleset == nil || isLost
            let kept = all ? nil : state.ruleset
            let rules =
                kept ?? Ruleset(table: table, podCIDR: wanted.podCIDR, crossesBridge: access("/proc/sys/net/bridge", F_OK) == 0)
            var parts = all ? [:] : state.parts
            var datagrams = all ? [:] : state.datagrams
            var hairpins = all ? [:] : state.hairpins
            var stale = StaleFlows()

            var gone: [Ruleset.Part] = []
            var new: [Ruleset.Part] = []
            // What goes is taken away before what comes: a Service that was deleted and made again has the same address.
            var (removals, additions) = ("", "")
            let present = Set(wanted.ports.lazy.map(\.id))
            for (id, service) in state.datagrams where !present.contains(id) {
                stale.remove(service)
                datagrams[id] = nil
            }
            for id in wanted.removed {
                guard let old = parts.removeValue(forKey: id) else { continue }
                gone.append(old)
                removals += old.remove(from: table)
            }
            for row in wanted.ports where all || row.isChanged {
                let old = parts.removeValue(forKey: row.id)
                datagrams[row.id] = nil
                if let old { gone.append(old) }
                guard let service = WantedService(row, in: wanted) else {
                    removals += old?.remove(from: table) ?? ""
                    continue
                }
                let part = rules.part(for: service)
                parts[row.id] = part
                new.append(part)
                let change = rules.change(from: old ?? Ruleset.Part(), to: part)
                removals += change.remove
                additions += change.add
                if let before = state.datagrams[row.id], !service.endpoints.isEmpty { stale.remove(before) }
                stale.add(service)
                if service.networkProtocol == "udp" { datagrams[row.id] = service }
            }
            let before = Set(hairpins.keys)
            for address in gone.flatMap(\.hairpins) {
                hairpins[address, default: 0] -= 1
                if hairpins[address] == 0 { hairpins[address] = nil }
            }
            for address in new.flatMap(\.hairpins) { hairpins[address, default: 0] += 1 }

            var script = (all ? rules.base.whole : "") + removals + additions
            script += before.subtracting(hairpins.keys).sorted().map { "delete element ip \(table) hairpin { \($0) . \($0) }\n" }.joined()
            script += Set(hairpins.keys).subtracting(before).sorted().map { "add element ip \(table) hairpin { \($0) . \($0) }\n" }.joined()
            if !script.isEmpty { try state.tables.run(script) }
            state.ruleset = rules
            state.parts = parts
            state.datagrams = datagrams
            state.hairpins = hairpins
            return stale
        }
        forget(stale)
    }

    /// Whether the rules that were in force are not there any more. Looks when there is nothing else to do, or has not been for long.
    private func isLost(isIdle: Bool, _ state: inout State) -> Bool {
        guard let ruleset = state.ruleset else { return false }
        guard isIdle || .now - state.lastLook > Self.patience else { return false }
        state.lastLook = .now
        guard !state.tables.has(ruleset.shape(with: state.parts.values), in: table) else { return false }
        log.warning("somebody changed the table \(table); the rules of Services are put back")
        return true
    }

    /// After the rules are in force, so that what is forgotten does not come back the old way. A failure leaves them in force all the same.
    private func forget(_ stale: StaleFlows) {
        guard !stale.isEmpty else { return }
        do {
            let kernel = try Conntrack()
            for flow in try kernel.flows() where stale.contains(flow) { try kernel.delete(flow) }
        } catch {
            log.warning("UDP flows to endpoints that went may go on: \(error)")
        }
    }

    func cleanup() throws {
        try state.withLock { state in
            try state.tables.run(Ruleset.removal(of: table))
            state.ruleset = nil
            state.parts = [:]
            state.datagrams = [:]
            state.hairpins = [:]
        }
    }
}
