import APIModel
import KernelNetwork

@testable import ControllerNetworkPolicy

/// Follows a packet through a wanted table, as the kernel would: the first of a new connection, forwarded by the node.
struct PolicyTracer {
    struct Packet {
        var source: String
        var destination: String
        var transport: String
        var port: Int
    }

    let table: FilterTable
    private var ip: String { table.family.rawValue }

    func passes(_ packet: Packet) -> Bool {
        ["forward-egress", "forward-ingress"].allSatisfy { follow($0, packet) != false }
    }

    /// What becomes of the packet in a chain; `nil` where the chain says nothing.
    private func follow(_ chain: String, _ packet: Packet) -> Bool? {
        for rule in table.chains[chain] ?? [] where !rule.hasPrefix("type ") {
            if let verdict = apply(rule.split(separator: " ").map(String.init)[...], packet) { return verdict }
        }
        return nil
    }

    private func apply(_ rule: ArraySlice<String>, _ packet: Packet) -> Bool? {
        var rest = rule
        func take(_ count: Int = 1) -> [String] {
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        func address(_ end: String) -> String { end == "saddr" ? packet.source : packet.destination }
        while let word = take().first {
            switch word {
            case "accept": return true
            case "drop": return false
            case "jump": return follow(take()[0], packet)
            case "ct":
                // The first packet of a connection.
                return nil
            case "meta": guard take(2) == ["l4proto", packet.transport] else { return nil }
            case "tcp", "udp", "sctp":
                let text = rest.dropFirst(2).prefix { $0 != "}" }.joined()
                rest = rest.drop { $0 != "}" }.dropFirst()
                guard word == packet.transport, ports(text).contains(where: { $0.contains(packet.port) }) else { return nil }
            case "icmpv6":
                // What neighbours ask each other is no attempt here.
                return nil
            case ip:
                let end = take()[0]
                let next = take()[0]
                if next == "vmap" {
                    guard let verdict = elements(take()[0])[address(end)] else { return nil }
                    return follow(String(verdict.split(separator: " ")[1]), packet)
                } else if next == "." {
                    let (kind, field, set) = (take()[0], take()[0], take()[0])
                    let second = kind == ip ? address(field) : String(packet.port)
                    guard kind == ip || kind == packet.transport, elements(set)["\(address(end)) . \(second)"] != nil else { return nil }
                } else if next == "!=" {
                    if contains(take()[0], address(end)) { return nil }
                } else if next.hasPrefix("@") {
                    guard elements(next)[address(end)] != nil else { return nil }
                } else {
                    guard contains(next, address(end)) else { return nil }
                }
            default: fatalError("the tracer does not know \(rule)")
            }
        }
        return nil
    }

    private func elements(_ set: String) -> [String: String] { table.sets[String(set.dropFirst())]?.elements ?? [:] }

    private func ports(_ text: String) -> [ClosedRange<Int>] {
        text.split(separator: ",").map { part in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            return ends[0]...ends[ends.count - 1]
        }
    }

    private func contains(_ network: String, _ address: String) -> Bool {
        guard let network = IPNetwork(network), let address = IPAddress(address) else { return false }
        return network.contains(address)
    }
}
