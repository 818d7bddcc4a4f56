internal import APIModel

/// A NetworkPolicy, read.
struct Policy: Hashable {
    enum Peer: Hashable {
        case pods(PodSelection)
        case block(AddressBlock)
    }

    /// What is let through: from or to any of the peers, to any of the ports.
    struct Rule: Hashable {
        /// `nil` is everybody.
        var peers: [Peer]?
        /// `nil` is every port of every protocol.
        var ports: [PolicyPort]?
    }

    enum Direction: String, CaseIterable {
        case ingress = "Ingress"
        case egress = "Egress"

        /// Of a packet in this direction: the end at which the pod is that the policy is for.
        var ownEnd: String { self == .ingress ? "daddr" : "saddr" }
        var peerEnd: String { self == .ingress ? "saddr" : "daddr" }
    }

    var subject: PodSelection
    /// Nothing but what these let through, for each direction that the policy is about.
    var rules: [Direction: [Rule]]

    /// - Throws: an `APIError` for a selector that is none.
    init(_ policy: Value) throws {
        let (spec, namespace) = (policy["spec"], policy["metadata"]["namespace"].string ?? "")
        subject = try PodSelection(["podSelector": spec["podSelector"]], of: namespace)
        rules = [:]
        for direction in Self.directions(spec) {
            let (list, peers) = direction == .ingress ? ("ingress", "from") : ("egress", "to")
            rules[direction] = try spec[list].elements.map { rule in
                Rule(
                    peers: rule[peers].isEmpty ? nil : try rule[peers].elements.compactMap { try Self.peer($0, of: namespace) },
                    ports: rule["ports"].isEmpty ? nil : rule["ports"].elements.compactMap { PolicyPort($0) })
            }
        }
    }

    /// Where nothing is said, a policy is about what comes in, and about what goes out if it has rules for that.
    private static func directions(_ spec: Value) -> [Direction] {
        let types = spec["policyTypes"].elements.compactMap(\.string)
        guard types.isEmpty else { return Direction.allCases.filter { types.contains($0.rawValue) } }
        return spec["egress"].isEmpty ? [.ingress] : Direction.allCases
    }

    private static func peer(_ peer: Value, of namespace: String) throws -> Peer? {
        guard peer["ipBlock"].isNull else { return AddressBlock(peer["ipBlock"]).map { .block($0) } }
        return .pods(try PodSelection(peer, of: namespace))
    }

    var peers: Set<PodSelection> {
        Set(rules.values.joined().flatMap { $0.peers ?? [] }.compactMap { if case .pods(let pods) = $0 { pods } else { nil } })
    }

    var namedPorts: Set<NamedPort> {
        Set(rules.values.joined().flatMap { $0.ports ?? [] }.compactMap { if case .named(let port) = $0 { port } else { nil } })
    }
}
