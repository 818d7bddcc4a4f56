internal import APIModel
internal import PluginKit

/// Which UDP flows lead to an endpoint that a service does not have any more.
///
/// A client that keeps its socket keeps the way that its first packet took, whatever the rules say by now. Rules: upstream
/// `pkg/proxy/conntrack`; flows of a service that went are forgotten, too.
struct StaleFlows {
    private struct NodePort: Hashable {
        var family: IPFamily
        var number: UInt32
    }

    /// The endpoints that a flow may lead to, by where it was sent.
    private var byAddress: [String: Set<String>] = [:]
    private var byNodePort: [NodePort: Set<String>] = [:]
    /// Of the flows that are meant.
    private(set) var families: Set<IPFamily> = []

    var isEmpty: Bool { families.isEmpty }

    /// The service is now so. While it has no endpoints its flows go on, perhaps to one that will be ready again.
    mutating func add(_ service: WantedService) {
        guard service.networkProtocol == "udp", !service.endpoints.isEmpty else { return }
        set(service, Set(service.endpoints.map(\.place)))
    }

    /// The service is gone, or no longer so. To be called before what takes its place is added, which may have its address.
    mutating func remove(_ service: WantedService) { set(service, []) }

    private mutating func set(_ service: WantedService, _ endpoints: Set<String>) {
        families.insert(service.family)
        for address in [service.clusterIP] + service.externalAddresses {
            byAddress[WantedService.place(address, service.port)] = endpoints
        }
        if service.nodePort != 0 { byNodePort[NodePort(family: service.family, number: service.nodePort)] = endpoints }
    }

    func contains(_ flow: Conntrack.Flow) -> Bool {
        let nodePort = NodePort(family: flow.family, number: flow.port)
        guard let endpoints = byAddress[flow.destination] ?? byNodePort[nodePort] else { return false }
        return !endpoints.contains(flow.answers)
    }
}
