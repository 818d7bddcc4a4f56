internal import APIModel
internal import Glibc
internal import PluginAPI
internal import PluginKit
internal import Synchronization

/// Keeps the kernel's nftables as the services want them, changing only what changed.
final class Backend: ProxyBackend {
    private struct State: ~Copyable {
        var tables: NFTables
        /// What is in the kernel, by service-port id.
        var parts: [UInt64: Ruleset.Part] = [:]
        /// How many services an endpoint's address is part of.
        var hairpins: [String: Int] = [:]
    }

    private let state: Mutex<State>

    init(_ host: Host, config: Value) throws { state = Mutex(State(tables: try NFTables())) }

    func sync(_ wanted: Services) throws {
        try state.withLock { state in
            let all = wanted.previous == 0
            var script = all ? Ruleset.base(podCIDR: wanted.podCIDR, crossesBridge: access("/proc/sys/net/bridge", F_OK) == 0) : ""
            var parts = all ? [:] : state.parts
            var hairpins = all ? [:] : state.hairpins

            var gone: [Ruleset.Part] = wanted.removed.compactMap { parts.removeValue(forKey: $0) }
            var new: [Ruleset.Part] = []
            for row in wanted.ports where all || row.isChanged {
                if let old = parts.removeValue(forKey: row.id) { gone.append(old) }
                guard let service = WantedService(row, in: wanted) else { continue }
                let part = Ruleset.part(for: service, podCIDR: wanted.podCIDR)
                parts[row.id] = part
                new.append(part)
            }
            let before = Set(hairpins.keys)
            for address in gone.flatMap(\.hairpins) {
                hairpins[address, default: 0] -= 1
                if hairpins[address] == 0 { hairpins[address] = nil }
            }
            for address in new.flatMap(\.hairpins) { hairpins[address, default: 0] += 1 }

            // What goes is taken away before what comes: a Service that was deleted and made again has the same address.
            script += gone.map(\.remove).joined() + new.map(\.add).joined()
            script += before.subtracting(hairpins.keys).sorted().map { "delete element ip \(Ruleset.table) hairpin { \($0) . \($0) }\n" }
                .joined()
            script += Set(hairpins.keys).subtracting(before).sorted().map { "add element ip \(Ruleset.table) hairpin { \($0) . \($0) }\n" }
                .joined()
            if !script.isEmpty { try state.tables.run(script) }
            state.parts = parts
            state.hairpins = hairpins
        }
    }

    func cleanup() throws {
        try state.withLock { state in
            try state.tables.run(Ruleset.removal)
            state.parts = [:]
            state.hairpins = [:]
        }
    }
}
