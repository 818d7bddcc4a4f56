public import APIModel
public import PluginAPI

/// Makes the kernel, or whatever carries the traffic, do what is wanted.
public protocol ProxyBackend: Component {
    /// Puts the wanted state in force, all of it or nothing. One caller at a time.
    func sync(_ wanted: Services) throws

    /// Removes everything the backend ever put in place; also called without a `sync` before it.
    func cleanup() throws
}

/// All that is wanted, lent for the duration of one `sync`.
public struct Services {
    public let raw: UnsafePointer<apus_services>

    public init(_ raw: UnsafePointer<apus_services>) { self.raw = raw }

    public var generation: UInt64 { raw.pointee.generation }
    /// The generation that `isChanged` and `removed` compare with, 0 when everything must be written anew.
    public var previous: UInt64 { raw.pointee.previous }
    /// Ordered by id.
    public var ports: UnsafeBufferPointer<apus_service_port> {
        UnsafeBufferPointer(start: raw.pointee.services, count: Int(raw.pointee.service_count))
    }
    /// Ids that were in the previous generation.
    public var removed: UnsafeBufferPointer<UInt64> {
        UnsafeBufferPointer(start: raw.pointee.removed, count: Int(raw.pointee.removed_count))
    }
    /// The Node's own addresses.
    public var nodeAddresses: UnsafeBufferPointer<apus_address> {
        UnsafeBufferPointer(start: raw.pointee.addresses, count: Int(raw.pointee.node_address_count))
    }
    /// Node ports are at those of the machine's addresses that are in one of these; where there is none, it is left to the plugin.
    public var nodePortNetworks: [IPNetwork] {
        addresses(raw.pointee.node_address_count, raw.pointee.node_port_network_count).compactMap { network in
            IPAddress(network).flatMap { IPNetwork($0, bits: Int(network.prefix)) }
        }
    }
    /// Of the cluster, at most one of each family.
    public var podNetworks: [IPNetwork] { raw.pointee.pod_cidr.string.split(separator: ",").compactMap { IPNetwork(String($0)) } }

    /// Every endpoint of `port` that may get traffic.
    public func endpoints(of port: apus_service_port) -> UnsafeBufferPointer<apus_endpoint> {
        UnsafeBufferPointer(
            rebasing: UnsafeBufferPointer(start: raw.pointee.endpoints, count: Int(raw.pointee.endpoint_count))[
                range(port.endpoint_first, port.endpoint_count)])
    }

    /// The external IPs and load-balancer addresses of `port`.
    public func externalAddresses(of port: apus_service_port) -> UnsafeBufferPointer<apus_address> {
        addresses(port.external_first, port.external_count)
    }

    /// Those of load balancers alone.
    public func balancerAddresses(of port: apus_service_port) -> UnsafeBufferPointer<apus_address> {
        addresses(port.external_first + port.external_count - port.balancer_count, port.balancer_count)
    }

    /// The networks that may come to a load balancer's address; none means that everybody may.
    public func sourceRanges(of port: apus_service_port) -> UnsafeBufferPointer<apus_address> {
        addresses(port.source_first, port.source_count)
    }

    private func addresses(_ first: UInt32, _ count: UInt32) -> UnsafeBufferPointer<apus_address> {
        UnsafeBufferPointer(
            rebasing: UnsafeBufferPointer(start: raw.pointee.addresses, count: Int(raw.pointee.address_count))[range(first, count)])
    }

    private func range(_ first: UInt32, _ count: UInt32) -> Range<Int> { Int(first)..<Int(first) + Int(count) }
}

extension apus_service_port {
    public var namespace: String { namespace_.string }
    /// New, or other than in the generation before.
    public var isChanged: Bool { flags & APUS_SERVICE_CHANGED != 0 }
    /// `externalTrafficPolicy: Local`
    public var isExternalLocal: Bool { flags & APUS_SERVICE_EXTERNAL_LOCAL != 0 }
    /// `internalTrafficPolicy: Local`
    public var isInternalLocal: Bool { flags & APUS_SERVICE_INTERNAL_LOCAL != 0 }
}

extension apus_endpoint {
    public var isReady: Bool { flags & APUS_ENDPOINT_READY != 0 }
    public var isServing: Bool { flags & APUS_ENDPOINT_SERVING != 0 }
    public var isTerminating: Bool { flags & APUS_ENDPOINT_TERMINATING != 0 }
    /// On this Node.
    public var isLocal: Bool { flags & APUS_ENDPOINT_LOCAL != 0 }
}

final class ProxyInstance: Instance {
    let backend: any ProxyBackend

    init(_ backend: any ProxyBackend) {
        self.backend = backend
        super.init(backend)
    }

    static let table = constant(
        apus_proxy(
            size: UInt32(MemoryLayout<apus_proxy>.size),
            sync: { me, wanted, error in boundary(error) { try instance(me, as: ProxyInstance.self).backend.sync(Services(wanted)) } },
            cleanup: { me, error in boundary(error) { try instance(me, as: ProxyInstance.self).backend.cleanup() } }))
}
