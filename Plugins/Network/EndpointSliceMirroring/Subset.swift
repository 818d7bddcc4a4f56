internal import APIModel

/// Addresses of an Endpoints object, and the ports that each of them has.
struct Subset {
    var ports: [Value]
    /// Those that are ready first.
    var addresses: [(address: Value, isReady: Bool)]

    /// One address, whichever subset it is in.
    private struct Place: Hashable {
        var ip: String
        var uid: String
    }

    /// The fewest subsets that say the same: ports that the same addresses have, as ready here as there, stand together. Of an address that is
    /// in both lists of a port the bad news count. Rules: upstream `pkg/api/v1/endpoints`.
    static func repacked(_ subsets: [Value]) -> [Subset] {
        var addresses: [Place: Value] = [:]
        // A subset without ports is known by `.null`.
        var readiness: [Value: [Place: Bool]] = [:]
        for subset in subsets {
            let ports = subset["ports"].elements
            for (list, isReady) in [("notReadyAddresses", false), ("addresses", true)] {
                for address in subset[list].elements {
                    let place = Place(ip: address["ip"].string ?? "", uid: address["targetRef"]["uid"].string ?? "")
                    addresses[place] = addresses[place] ?? address
                    for port in ports.isEmpty ? [.null] : ports {
                        readiness[port, default: [:]][place] = isReady && readiness[port]?[place] ?? true
                    }
                }
            }
        }
        return Dictionary(grouping: readiness.keys, by: { readiness[$0] ?? [:] }).map { places, ports in
            let sorted = places.sorted { ($0.value ? 0 : 1, $0.key.ip, $0.key.uid) < ($1.value ? 0 : 1, $1.key.ip, $1.key.uid) }
            return Subset(ports: ports.filter { !$0.isNull }, addresses: sorted.map { (addresses[$0.key] ?? .null, $0.value) })
        }
    }
}
