public import APIModel

/// Addresses of an Endpoints object, and the ports that each of them has.
public struct EndpointSubset {
    public var ports: [Value]
    /// Those that are ready first, each part by address.
    public var addresses: [(address: Value, isReady: Bool)]

    public init(ports: [Value], addresses: [(address: Value, isReady: Bool)]) { (self.ports, self.addresses) = (ports, addresses) }

    /// One address, whichever subset it is in.
    private struct Place: Hashable {
        var ip: String
        var uid: String
    }

    /// The fewest subsets that say the same: ports that the same addresses have, as ready here as there, stand together. Of an address that is
    /// in both lists of a port the bad news count. In no order. Rules: upstream `pkg/api/v1/endpoints`.
    public static func repacked(_ subsets: [EndpointSubset]) -> [EndpointSubset] {
        var addresses: [Place: Value] = [:]
        // A subset without ports is known by `.null`.
        var readiness: [Value: [Place: Bool]] = [:]
        for subset in subsets {
            for (address, isReady) in subset.addresses {
                let place = Place(ip: address["ip"].string ?? "", uid: address["targetRef"]["uid"].string ?? "")
                addresses[place] = addresses[place] ?? address
                for port in subset.ports.isEmpty ? [.null] : subset.ports {
                    readiness[port, default: [:]][place] = isReady && readiness[port]?[place] ?? true
                }
            }
        }
        return Dictionary(grouping: readiness.keys, by: { readiness[$0] ?? [:] }).map { places, ports in
            let sorted = places.sorted { ($0.value ? 0 : 1, $0.key.ip, $0.key.uid) < ($1.value ? 0 : 1, $1.key.ip, $1.key.uid) }
            return EndpointSubset(
                ports: ports.filter { !$0.isNull }, addresses: sorted.map { (addresses[$0.key] ?? .null, $0.value) })
        }
    }
}

extension EndpointSubset {
    /// As it stands in an Endpoints object.
    public init(_ subset: Value) {
        ports = subset["ports"].elements
        addresses = [("addresses", true), ("notReadyAddresses", false)].flatMap { list, isReady in
            subset[list].elements.map { ($0, isReady) }
        }
    }
}
