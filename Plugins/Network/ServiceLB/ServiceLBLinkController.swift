public import APIModel
internal import KernelNetwork
public import PluginKit
internal import Synchronization

/// Has this node answer for addresses of load balancers that no node has: they stand on the link whose network they are of, and the kernel
/// answers who asks for them by ARP or neighbour discovery. Of several nodes one has each address; neighbours are told when it moves.
///
/// An address of a network that no link is on is somebody else's to bring here, a router's.
public final class ServiceLBLinkController: Controller {
    /// How often an address that stands here is looked after.
    private static let patience: Whole = 30_000
    /// By which the kernel keeps our addresses apart from others.
    private static let mark: Whole = 0xa9

    public static let settings: Set<String> = ["node", "mark"]

    private struct State: ~Copyable {
        var links: LinkAddresses
        /// What is to stand here, by Service.
        var wanted: [Key: Set<IPAddress>] = [:]
        /// Whether every Service has been looked at.
        var isComplete = false
        /// Whether it was switched off: what comes now is too late.
        var isOver = false
    }

    private let objects: Objects
    private let log: Log
    private let node: String?
    private let state: Mutex<State>

    /// - Parameter config: `node`, the name of this one; without it, it is the only one. `mark`, from 1 to 255: by which addresses are
    ///   known to be ours; another for each cluster of the machine.
    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        log = host.log
        node = config["node"].string
        let mark = UInt8(clamping: try config.setting("mark", in: 1...255, default: Self.mark).int64)
        state = Mutex(State(links: try LinkAddresses(mark: mark)))
    }

    public func map(resource: String, before: Value, after: Value) -> [Key] {
        guard resource == GroupVersionResource.nodes.description else { return Balancers.keys(ofSlice: before, after) }
        // Nodes report often, and rarely what matters here.
        return NodeAddresses.relevant(before) == NodeAddresses.relevant(after) ? [] : Balancers(objects: objects).keys()
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        let key = Key(resource: key.resource, namespace: key.namespace, name: key.name)
        return try state.withLock { state in
            guard !state.isOver else { return .done }
            let services =
                state.isComplete
                ? [try objects.get(.services, namespace: key.namespace, name: key.name)].compactMap { $0 }
                : try Balancers(objects: objects).all()
            // Most keys are of slices whose Services are none of these.
            let nodes = services.contains(where: LoadBalancer.isOurs) ? try objects.list(.nodes) : []
            state.wanted[key] = nil
            for service in services {
                let addresses = try addresses(of: service, nodes)
                state.wanted[Key(service: service)] = addresses.isEmpty ? nil : addresses
            }
            state.isComplete = true
            try putInPlace(&state)
            return state.wanted[key] == nil ? .done : .doneCheckAgain(afterMilliseconds: Self.patience)
        }
    }

    /// Those of a Service that are to stand here.
    private func addresses(of service: Value, _ nodes: [Value]) throws -> Set<IPAddress> {
        let addresses = Announcer.addresses(of: service, nodes: nodes)
        guard !addresses.isEmpty else { return [] }
        let hosts = try Balancers(objects: objects).hosts(of: service)
        let here = addresses.filter { address in
            guard let chosen = Announcer.node(for: address, among: nodes, hosts: hosts) else { return false }
            return node == nil || chosen == node
        }
        return Set(here.compactMap { IPAddress($0) })
    }

    private func putInPlace(_ state: inout State) throws {
        let wanted = state.wanted.values.reduce(into: Set<IPAddress>()) { $0.formUnion($1) }
        let present = try state.links.all()
        for address in present where address.isOurs && !(address.ip.map(wanted.contains) ?? false) { try state.links.remove(address) }
        for address in wanted where !present.contains(where: { $0.ip == address }) {
            guard let link = present.first(where: { !$0.isOurs && $0.hasInNetwork(address) })?.link else { continue }
            try state.links.add(address.bytes, to: link)
            do { try state.links.announce(address.bytes, on: link) } catch { log.info("\(address): \(error)") }
        }
    }

    public func cleanup() throws {
        try state.withLock { state in
            state.isOver = true
            for address in try state.links.all() where address.isOurs { try state.links.remove(address) }
        }
    }
}

extension LinkAddresses.Address {
    fileprivate var ip: IPAddress? { IPAddress(bytes: address) }

    fileprivate func hasInNetwork(_ other: IPAddress) -> Bool {
        guard prefix > 0, Int(prefix) < 8 * address.count, let ip else { return false }
        return IPNetwork(ip, bits: Int(prefix))?.contains(other) ?? false
    }
}
