internal import APIModel
internal import CNFTables
public import PluginAPI
internal import PluginKit
internal import Synchronization

/// Sends what goes to a Service to one of its endpoints, with nftables.
final class RandomProxy: ProxyBackend {
    private static let table = "apus-{{NAME}}"
    /// Takes the table away, whether it is there or not.
    static let removal = "add table ip \(table)\ndelete table ip \(table)\n"

    private let host: Host
    private let nft: Mutex<NFTables>

    /// `config` is the manifest's. A field is refused before, unless it is one of `static let settings: Set = ["…"]`, of which there are
    /// none yet.
    init(_ host: Host, config: Value) throws {
        self.host = host
        nft = Mutex(try NFTables())
    }

    /// Puts the wanted state in force: one transaction, in force as a whole or not at all.
    func sync(_ wanted: Services) throws {
        let rules = wanted.ports.flatMap { Self.rules($0, external: wanted.externalAddresses(of: $0), endpoints: wanted.endpoints(of: $0)) }
        try nft.withLock { try $0.run(Self.ruleset(rules)) }
        for service in wanted.ports where service.isChanged && Self.wantsMore(service) {
            host.log.warning("Service \(service.namespace)/\(service.name.string): IPv6, session affinity and traffic policies are not carried")
        }
    }

    /// Removes what was ever put in place; also called without a `sync` before it.
    func cleanup() throws { try nft.withLock { try $0.run(Self.removal) } }

    static func ruleset(_ rules: [String]) -> String {
        """
        \(removal)table ip \(table) {
          chain services {
        \(rules.map { "    \($0)" }.joined(separator: "\n"))
          }
          chain prerouting { type nat hook prerouting priority dstnat; jump services; }
          chain output { type nat hook output priority -100; jump services; }
          # Answers come back through this Node, also from an endpoint beside the client.
          chain postrouting { type nat hook postrouting priority srcnat; oifname != "lo" ct status dnat masquerade; }
        }

        """
    }

    /// A rule for each address that the port of a Service has: the ClusterIP, those from outside, and a port of the Node. Each sends a new
    /// connection to one of the endpoints, at random; the kernel remembers which.
    static func rules(_ service: apus_service_port, external: some Sequence<apus_address>, endpoints: some Sequence<apus_endpoint>) -> [String] {
        let protocols: [Int32: String] = [6: "tcp", 17: "udp", 132: "sctp"]
        let targets = endpoints.compactMap { endpoint in text(endpoint.address).map { "\($0) . \(endpoint.port)" } }
        guard let name = protocols[service.protocol], !targets.isEmpty else { return [] }
        var matches = ([service.cluster_ip] + external).compactMap(text).map { "ip daddr \($0) \(name) dport \(service.port)" }
        if service.node_port != 0 { matches.append("ip daddr != 127.0.0.0/8 fib daddr type local \(name) dport \(service.node_port)") }
        let map = targets.enumerated().map { "\($0) : \($1)" }.joined(separator: ", ")
        return matches.map { "\($0) dnat ip to numgen random mod \(targets.count) map { \(map) }" }
    }

    static func wantsMore(_ service: apus_service_port) -> Bool {
        service.cluster_ip.family == 6 || service.affinity_seconds != 0 || service.isExternalLocal || service.isInternalLocal
    }

    private static func text(_ address: apus_address) -> String? {
        let bytes = address.bytes
        return address.family == 4 ? "\(bytes.0).\(bytes.1).\(bytes.2).\(bytes.3)" : nil
    }
}

/// Runs nftables commands in this process.
private struct NFTables: ~Copyable {
    private let context: OpaquePointer

    init() throws {
        guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else { throw ComponentError.fault("libnftables could not start") }
        self.context = context
        nft_ctx_buffer_output(context)
        nft_ctx_buffer_error(context)
    }

    deinit { nft_ctx_free(context) }

    func run(_ commands: String) throws {
        guard nft_run_cmd_from_buffer(context, commands) != 0 else { return }
        throw ComponentError.fault(nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? "nftables refused the rules")
    }
}

private let plugin = Plugin(name: "{{NAME}}", version: "0.1.0", [.proxy("{{NAME}}", RandomProxy.self)])

/// The one symbol that the host looks for.
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
