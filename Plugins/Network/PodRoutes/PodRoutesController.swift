public import APIModel
internal import KernelNetwork
public import PluginKit
internal import Synchronization

/// Has this node's kernel lead packets to the pods of other nodes: by routes to nodes on one network with it, or inside of UDP (VXLAN).
///
/// Each Node's label `networking.apus.dev/pod-network` says which; two nodes meet where it says the same. What is in the kernel is looked
/// after every 20 s.
public final class PodRoutesController: Controller {
    /// In seconds.
    private static let patience: Whole = 20

    public static let settings: Set<String> = ["node", "mark", "link", "vni", "port", "checkSeconds"]

    private struct State: ~Copyable {
        var routes: GatewayRoutes
        var neighbours: PermanentNeighbours
        var links: LinkAddresses
        var vxlan: VXLANLink
        /// The link of the VXLAN network, where this node takes part in it.
        var link: UInt32?
        /// All nodes, by name; `nil` as long as they have not been read.
        var nodes: [String: NodeNetwork]?
        /// What is in the kernel, by node.
        var ways: [String: Way] = [:]
        /// Whether it was switched off: what comes now is too late.
        var isOver = false
    }

    private let objects: Objects
    private let log: Log
    private let node: String?
    private let identifier: UInt32
    private let port: UInt16
    private let patience: Whole
    private let state: Mutex<State>

    /// - Parameter config: `node`, the name of this one; without it nothing is done. `mark`, from 1 to 255, by which routes are known to be
    ///   ours, and `link`, the name of the VXLAN network's link: others for each cluster of the machine. `vni` and `port` of the VXLAN
    ///   network, the same on all its nodes: 1 and 8472 where they are not given. `checkSeconds`: how often to look at what is there.
    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        log = host.log
        node = config["node"].string
        let mark = UInt8(clamping: try config.setting("mark", in: 1...255, default: 0xaa).int64)
        identifier = UInt32(clamping: try config.setting("vni", in: 1...0xff_ffff, default: 1).int64)
        port = UInt16(clamping: try config.setting("port", in: 1...65535, default: 8472).int64)
        patience = try config.setting("checkSeconds", in: 1...3600, default: Self.patience)
        let name = config["link"].string ?? "apus-vxlan"
        guard 1...15 ~= name.utf8.count else { throw ComponentError.invalid("config.link: \(name) is not the name of a link") }
        state = Mutex(
            State(
                routes: try GatewayRoutes(mark: mark), neighbours: try PermanentNeighbours(), links: try LinkAddresses(mark: mark),
                vxlan: try VXLANLink(name: name)))
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let node else { return .done }
        return try state.withLock { state in
            guard !state.isOver else { return .done }
            let isWhole = try read(key.name, &state)
            if isWhole || key.name == node { try putAll(node, &state) } else { try putOne(key.name, node, &state) }
            return key.name == node && state.nodes?[node] != nil ? .doneCheckAgain(afterMilliseconds: patience * 1000) : .done
        }
    }

    public func cleanup() throws {
        try state.withLock { state in
            state.isOver = true
            try removeAll(&state)
        }
    }

    /// - Returns: whether everything was read, and not one node alone.
    private func read(_ name: String, _ state: inout State) throws -> Bool {
        guard state.nodes != nil else {
            let nodes = try objects.list(.nodes).map { NodeNetwork($0) }
            state.nodes = Dictionary(nodes.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
            return true
        }
        state.nodes?[name] = try objects.get(.nodes, name: name).map { NodeNetwork($0) }
        return false
    }

    // MARK: The kernel

    /// Has everything be there, and nothing else of ours.
    private func putAll(_ node: String, _ state: inout State) throws {
        guard let nodes = state.nodes, let own = nodes[node], own.mode != PodNetworkMode.none else { return try removeAll(&state) }
        guard own.mode != nil else { throw ComponentError.invalid("Node \(node): there is no pod network \(own.wanted)") }
        let links = try state.links.all()
        try putLink(own, links, &state)
        var ways: [String: Way] = [:]
        for other in nodes.values where other.name != node { ways[other.name] = way(from: own, to: other, links, state) }

        let routes = ways.values.reduce(into: Set<GatewayRoutes.Route>()) { $0.formUnion($1.routes) }
        if let link = state.link {
            let wanted = ways.values.reduce(into: Set<PermanentNeighbours.Entry>()) { $0.formUnion($1.neighbours) }
            let present = try state.neighbours.all(on: link)
            for entry in wanted.subtracting(present) { try state.neighbours.set(entry, on: link) }
            for entry in present.subtracting(wanted) { try state.neighbours.remove(entry, on: link) }
        }
        let present = try state.routes.all()
        for route in routes.subtracting(present) { try state.routes.set(route) }
        let destinations = Set(routes.map(\.destination))
        for route in present where !destinations.contains(route.destination) { try state.routes.remove(route) }
        state.ways = ways
    }

    /// Has what concerns one other node be as it should.
    private func putOne(_ name: String, _ node: String, _ state: inout State) throws {
        guard let own = state.nodes?[node], own.mode != nil, own.mode != PodNetworkMode.none else { return }
        let old = state.ways[name] ?? Way()
        let new = try state.nodes?[name].map { way(from: own, to: $0, try state.links.all(), state) } ?? Way()
        guard new != old else { return }
        if let link = state.link {
            for entry in new.neighbours.subtracting(old.neighbours) { try state.neighbours.set(entry, on: link) }
        }
        for route in new.routes.subtracting(old.routes) { try state.routes.set(route) }
        state.ways[name] = new == Way() ? nil : new
        // What another node has by now stays.
        for route in old.routes.subtracting(new.routes) {
            let isLedTo = state.ways.values.contains { $0.routes.contains { $0.destination == route.destination } }
            if !isLedTo { try state.routes.remove(route) }
        }
        guard let link = state.link else { return }
        for entry in old.neighbours.subtracting(new.neighbours) where !state.ways.values.contains(where: { $0.neighbours.contains(entry) })
        {
            try state.neighbours.remove(entry, on: link)
        }
    }

    /// What stands in the way is said when it begins to.
    private func way(from own: NodeNetwork, to other: NodeNetwork, _ links: [LinkAddresses.Address], _ state: borrowing State) -> Way {
        let way = Way(from: own, to: other, links: links, vxlan: state.link)
        if let problem = way.problem, problem != state.ways[other.name]?.problem {
            log.warning("pods of node \(other.name) are not reached from here: \(problem)")
        }
        return way
    }

    private func putLink(_ own: NodeNetwork, _ links: [LinkAddresses.Address], _ state: inout State) throws {
        guard own.mode == .vxlan else {
            state.link = nil
            return try state.vxlan.remove()
        }
        guard let local = own.addresses.first, let underlay = links.first(where: { $0.ip == local })?.link,
            let mtu = try state.vxlan.mtu(of: underlay)
        else { throw ComponentError.unavailable("Node \(own.name): none of its links has its address") }
        let overhead = UInt32(clamping: PodNetworkMode.vxlan.overhead(local.family))
        guard mtu > overhead else { throw ComponentError.unavailable("Node \(own.name): packets of its link are too short for VXLAN") }
        state.link = try state.vxlan.set(
            VXLANLink.Shape(
                identifier: identifier, port: port, local: local.bytes, underlay: underlay, hardware: own.hardware, mtu: mtu - overhead))
    }

    private func removeAll(_ state: inout State) throws {
        for route in try state.routes.all() { try state.routes.remove(route) }
        try state.vxlan.remove()
        (state.link, state.ways) = (nil, [:])
    }
}
