internal import APIModel

/// What a policy says of ports.
enum PolicyPort: Hashable {
    /// Everything of a protocol.
    case all(Transport)
    case range(Transport, ClosedRange<UInt16>)
    /// The port of this name, of whichever pod the packet goes to.
    case named(NamedPort)

    enum Transport: String, CaseIterable {
        case tcp = "TCP"
        case udp = "UDP"
        case sctp = "SCTP"

        /// As nftables calls it.
        var keyword: String { rawValue.lowercased() }
    }

    /// `nil` for what the API does not let through: no rule is made of it, so it allows nothing.
    init?(_ port: Value) {
        guard let transport = Transport(rawValue: port["protocol"].string ?? "TCP") else { return nil }
        if port["port"].isNull {
            self = .all(transport)
        } else if let name = port["port"].string {
            self = .named(NamedPort(transport: transport, name: name))
        } else {
            guard let first = Self.number(port["port"]) else { return nil }
            let last = port["endPort"].isNull ? first : Self.number(port["endPort"])
            guard let last, first <= last else { return nil }
            self = .range(transport, first...last)
        }
    }

    static func number(_ value: Value) -> UInt16? { value.int.flatMap { UInt16(exactly: $0.int64) } }

    /// The fewest matches that say the same: the numbers of a protocol in one, those that touch as one range.
    ///
    /// - Parameters:
    ///   - ip: how rules name the family.
    ///   - set: the set with the addresses and numbers of a named port.
    static func matches(_ ports: [PolicyPort], _ ip: String, set: (NamedPort) -> String) -> [String] {
        var matches: [String] = []
        for transport in Transport.allCases {
            if ports.contains(.all(transport)) {
                matches.append("meta l4proto \(transport.keyword)")
                continue
            }
            let ranges = joined(
                ports.compactMap { if case .range(transport, let range) = $0 { range } else { nil } })
            if !ranges.isEmpty {
                let texts = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
                matches.append("\(transport.keyword) dport { \(texts.joined(separator: ", ")) }")
            }
            for case .named(let name) in ports where name.transport == transport {
                matches.append("\(ip) daddr . \(transport.keyword) dport @\(set(name))")
            }
        }
        return matches
    }

    private static func joined(_ ranges: [ClosedRange<UInt16>]) -> [ClosedRange<UInt16>] {
        var joined: [ClosedRange<UInt16>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, UInt32(range.lowerBound) <= UInt32(last.upperBound) + 1 {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        return joined
    }
}

/// A port by the name that containers give it.
struct NamedPort: Hashable {
    var transport: PolicyPort.Transport
    var name: String
}
