import APIModel
import OrderedCollections

/// Whom to ask about names that are not the cluster's.
struct ForwardingPlan: Equatable, Sendable {
    struct Server: Hashable, Sendable, CustomStringConvertible {
        var host: String
        var port = 53

        init(host: String, port: Int = 53) {
            self.host = host
            self.port = port
        }

        /// `10.0.0.1`, `10.0.0.1:5353`, `fd00::1`, `fe80::1%eth0`, `[fd00::1]:5353`; `nil` for anything else.
        init?(_ text: String) {
            if Self.isAddress(text) {
                host = text
                return
            }
            guard let colon = text.lastIndex(of: ":"), let number = UInt16(text[text.index(after: colon)...]), number > 0 else {
                return nil
            }
            var address = String(text[..<colon])
            let isBracketed = address.hasPrefix("[") && address.hasSuffix("]")
            if isBracketed { address = String(address.dropFirst().dropLast()) }
            guard Self.isAddress(address), isBracketed == address.contains(":") else { return nil }
            (host, port) = (address, Int(number))
        }

        /// One of IPv6 may say by which link it is reached.
        private static func isAddress(_ text: String) -> Bool {
            let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return IPLiteral.bytes(text) != nil }
            return IPLiteral.isIPv6(String(parts[0])) && !parts[1].isEmpty
        }

        var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// Those of the node, or those that the configuration puts in their place.
    var servers: [Server]
    /// Others for what ends in these names.
    var stubDomains: [Name: [Server]] = [:]

    /// Whom to ask about `name`: the longest stub domain that it is in counts.
    func servers(for name: Name) -> [Server] {
        if !stubDomains.isEmpty {
            for domain in sequence(first: name, next: \.parent) { if let servers = stubDomains[domain] { return servers } }
        }
        return servers
    }
}

extension ForwardingPlan {
    struct Mistake: Error, CustomStringConvertible {
        var description: String
    }

    private static let most = 3

    /// The plan that a ConfigMap makes of the node's resolvers: `stubDomains` is `{"acme.local": ["10.0.0.1"]}`, `upstreamNameservers` is
    /// `["8.8.8.8", "8.8.4.4:5353"]`, at most three.
    /// - Throws: `Mistake` for what it says otherwise.
    init(_ configMap: Value, resolvers: [Server]) throws(Mistake) {
        servers = resolvers
        for (key, value) in configMap["data"].fields {
            guard let text = value.string, let value = try? JSON.decode(Array(text.utf8)) else {
                throw Mistake(description: "\(key): is no JSON")
            }
            switch key {
            case "stubDomains":
                guard case .object(let domains) = value else {
                    throw Mistake(description: "\(key): is no object of domains and their servers")
                }
                for (domain, list) in domains {
                    guard let name = Name(domain) else { throw Mistake(description: "\(key): \(domain) is no domain") }
                    stubDomains[name] = try Self.servers(list, "\(key): \(domain)")
                }
            case "upstreamNameservers":
                servers = try Self.servers(value, key)
                guard servers.count <= Self.most else { throw Mistake(description: "\(key): more than \(Self.most) servers") }
            default: throw Mistake(description: "\(key): is neither stubDomains nor upstreamNameservers")
            }
        }
    }

    private static func servers(_ list: Value, _ place: String) throws(Mistake) -> [Server] {
        guard case .array(let elements) = list, !elements.isEmpty else { throw Mistake(description: "\(place): is no list of addresses") }
        var servers: [Server] = []
        for element in elements {
            guard let server = element.string.flatMap({ Server($0) }) else {
                throw Mistake(description: "\(place): \(element.string ?? "an element") is no address, with or without a port")
            }
            servers.append(server)
        }
        return servers
    }
}
