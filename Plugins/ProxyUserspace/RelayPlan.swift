internal import APIModel
internal import PluginKit

/// Where to listen and whom to lead where, worked out from the services that are wanted. Pure.
struct RelayPlan {
    /// One that people see from two sides.
    struct RouteName: Hashable {
        var service: UInt64
        var side: Side

        enum Side { case inside, outside, balancer }
    }

    /// A place to listen.
    struct Point: Hashable, Sendable, CustomStringConvertible {
        var isDatagram: Bool
        var place: SocketAddress

        var description: String { "\(place)/\(isDatagram ? "UDP" : "TCP")" }
    }

    private(set) var routes: [RouteName: Route.Target] = [:]
    /// Where nobody listens, the kernel refuses: so it is with a Service without endpoints.
    private(set) var points: [Point: RouteName] = [:]
    /// What this machine is to take for its own: ClusterIPs and external IPs. A balancer's address is not, unless the machine has it
    /// anyway: it may be that of another node.
    private(set) var addresses: Set<IPAddress> = []

    /// - Parameters:
    ///   - nodePorts: where node ports listen.
    ///   - podNetworks: of the cluster; empty when they are not known.
    init(_ services: some Sequence<WantedService>, nodeAddresses: [IPAddress], nodePorts: [IPAddress], podNetworks: [IPNetwork]) {
        let loopback = ["127.0.0.0/8", "::1/128"].compactMap { IPNetwork($0) }
        let inside = podNetworks + loopback + nodeAddresses.compactMap { IPNetwork($0, bits: $0.family.bits) }
        for service in services where service.networkProtocol != "sctp" {
            let cluster = Self.places(service.clusterEndpoints)
            var target = Route.Target(affinitySeconds: service.affinitySeconds)
            target.endpoints = Self.places(service.internalEndpoints)
            target.insideEndpoints = target.endpoints
            add(service, .inside, target, [service.clusterIP], service.port, isOurs: true)
            target.endpoints = Self.places(service.externalEndpoints)
            target.insideEndpoints = cluster
            target.inside = inside
            let balancers = Set(service.balancerAddresses)
            add(service, .outside, target, service.externalAddresses.filter { !balancers.contains($0) }, service.port, isOurs: true)
            if service.nodePort != 0 {
                listen(service, .outside, target, nodePorts.filter { $0.family == service.family }, service.nodePort)
            }
            target.sources = service.sourceRanges?.compactMap { IPNetwork($0) }
            add(service, .balancer, target, service.balancerAddresses, service.port, isOurs: false)
        }
    }

    private mutating func add(
        _ service: WantedService, _ side: RouteName.Side, _ target: Route.Target, _ addresses: [String], _ port: UInt32, isOurs: Bool
    ) {
        let numbers = addresses.compactMap { IPAddress($0) }
        if isOurs { self.addresses.formUnion(numbers) }
        listen(service, side, target, numbers, port)
    }

    /// Of two services with one external address, the first has it.
    private mutating func listen(
        _ service: WantedService, _ side: RouteName.Side, _ target: Route.Target, _ addresses: [IPAddress], _ port: UInt32
    ) {
        guard !target.isEmpty, let port = UInt16(exactly: port), port != 0 else { return }
        let name = RouteName(service: service.id, side: side)
        for address in addresses {
            let point = Point(isDatagram: service.networkProtocol == "udp", place: SocketAddress(address: address, port: port))
            if points[point] != nil { continue }
            points[point] = name
            routes[name] = target
        }
    }

    private static func places(_ endpoints: [WantedService.Endpoint]) -> [SocketAddress] {
        endpoints.compactMap { SocketAddress($0.address, port: $0.port) }
    }
}
