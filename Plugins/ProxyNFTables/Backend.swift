internal import APIModel
internal import Glibc
internal import KernelNetwork
internal import PluginAPI
internal import PluginKit
internal import Synchronization

/// Keeps the kernel's nftables as the services want them, changing only what changed, and has it forget UDP flows to endpoints that went.
final class Backend: ProxyBackend {
    private struct State: ~Copyable {
        var tables: NFTables
        /// What is in the kernel, by service-port id.
        var parts: [UInt64: Ruleset.Part] = [:]
        /// The same, of services over UDP.
        var datagrams: [UInt64: WantedService] = [:]
        /// How many services an endpoint's address is part of.
        var hairpins: [String: Int] = [:]
    }

    private let log: Log
    private let state: Mutex<State>

    init(_ host: Host, config: Value) throws {
        log = host.log
        state = Mutex(State(tables: try NFTables()))
    }

    func sync(_ wanted: Services) throws {
        let stale = try state.withLock { state in
            let all = wanted.previous == 0
            let base = all ? Ruleset.base(podCIDR: wanted.podCIDR, crossesBridge: access("/proc/sys/net/bridge", F_OK) == 0) : ""
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
                removals += old.remove
            }
            for row in wanted.ports where all || row.isChanged {
                let old = parts.removeValue(forKey: row.id)
                datagrams[row.id] = nil
                if let old { gone.append(old) }
                guard let service = WantedService(row, in: wanted) else {
                    removals += old?.remove ?? ""
                    continue
                }
                let part = Ruleset.part(for: service, podCIDR: wanted.podCIDR)
                parts[row.id] = part
                new.append(part)
                let change = Ruleset.change(from: old ?? Ruleset.Part(), to: part)
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

            var script = base + removals + additions
            script += before.subtracting(hairpins.keys).sorted().map { "delete element ip \(Ruleset.table) hairpin { \($0) . \($0) }\n" }
                .joined()
            script += Set(hairpins.keys).subtracting(before).sorted().map { "add element ip \(Ruleset.table) hairpin { \($0) . \($0) }\n" }
                .joined()
            if !script.isEmpty { try state.tables.run(script) }
            state.parts = parts
            state.datagrams = datagrams
            state.hairpins = hairpins
            return stale
        }
        forget(stale)
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
            try state.tables.run(Ruleset.removal)
            state.parts = [:]
            state.datagrams = [:]
            state.hairpins = [:]
        }
    }
}
