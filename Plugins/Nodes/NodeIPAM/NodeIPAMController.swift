public import APIModel
public import PluginKit
internal import Synchronization

/// Gives each Node that has none a part of the Pods' network, or of each of both families. Rules: upstream
/// `pkg/controller/nodeipam/ipam`, the range allocator.
///
/// Configuration: `clusterCIDR`, the network, or one of each family with a comma between; `nodeMaskSizeIPv4` and `nodeMaskSizeIPv6`, the
/// prefix lengths of a Node's parts, 24 and 64 where they are not given; `serviceCIDR`, the networks of Services, of which no Node gets
/// any. Without a network nothing is given out.
public final class NodeIPAMController: Controller {
    public static let settings: Set = ["clusterCIDR", "nodeMaskSizeIPv4", "nodeMaskSizeIPv6", "serviceCIDR"]

    private struct State {
        /// One for each family, the primary one first.
        var pools: [SubnetPool]
        /// Whether the pools know what there was before them.
        var isFilled = false

        mutating func note(_ networks: [Value], of node: String) {
            for network in networks.compactMap({ $0.string.flatMap { IPNetwork($0) } }) {
                for index in pools.indices { pools[index].note(network, of: node) }
            }
        }

        /// One of each family; `nil`, and nothing taken, where there is not one of each.
        mutating func take(for node: String) -> [IPNetwork]? {
            var found: [IPNetwork] = []
            for index in pools.indices {
                guard let network = pools[index].take(for: node) else {
                    release(node)
                    return nil
                }
                found.append(network)
            }
            return found
        }

        mutating func release(_ node: String) {
            for index in pools.indices { pools[index].release(node) }
        }
    }

    private let objects: Objects
    /// `nil` where there is no network.
    private let state: Mutex<State?>

    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        guard let text = config["clusterCIDR"].string else {
            state = Mutex(nil)
            return
        }
        func networks(_ text: String, _ field: String) throws -> DualStack<IPNetwork> {
            guard let networks = DualStack<IPNetwork>(text) else {
                throw ComponentError.invalid("config.\(field): \(text) is not a network, nor one of each family with a comma between")
            }
            return networks
        }
        let services = try config["serviceCIDR"].string.map { try networks($0, "serviceCIDR") }
        let pools = try networks(text, "clusterCIDR").map { network in
            let size = config["nodeMaskSize\(network.family)"].int.map { Int($0) } ?? (network.family == .ipv4 ? 24 : 64)
            guard var pool = SubnetPool(network, nodeMaskSize: size) else {
                throw ComponentError.invalid(
                    "config.clusterCIDR: \(network) does not hold networks of /\(size) for Pods, or too many of them")
            }
            // No Node has this name.
            for service in services.map(Array.init) ?? [] { pool.note(service, of: "") }
            return pool
        }
        state = Mutex(State(pools: pools))
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard try fill() else { return .done }
        guard let node = try objects.get(.nodes, name: key.name) else {
            state.withLock { $0?.release(key.name) }
            return .done
        }
        let own = node["spec"]["podCIDRs"].elements
        guard own.isEmpty else {
            state.withLock { $0?.note(own, of: key.name) }
            return .done
        }
        guard node["metadata"]["deletionTimestamp"].isNull else { return .done }
        guard let networks = state.withLock({ $0?.take(for: key.name) })?.map({ Value.string($0.description) }) else {
            objects.event(node, .normal, reason: "CIDRNotAvailable", message: "Node \(key.name) status is now: CIDRNotAvailable")
            return .retry
        }
        let patch: Value = [
            "metadata": ["uid": node["metadata"]["uid"]], "spec": ["podCIDR": networks[0], "podCIDRs": .array(networks)],
        ]
        do {
            try objects.patch(.nodes, name: key.name, .strategic, patch)
        } catch {
            objects.event(node, .normal, reason: "CIDRAssignmentFailed", message: "Node \(key.name) status is now: CIDRAssignmentFailed")
            throw error
        }
        return .done
    }

    /// What Nodes have already must not be given out again: all of it is known before the first is.
    /// - Returns: whether there is a network at all.
    private func fill() throws -> Bool {
        try state.withLock { state in
            guard state?.isFilled == false else { return state != nil }
            for node in try objects.list(.nodes) {
                state?.note(node["spec"]["podCIDRs"].elements, of: node["metadata"]["name"].string ?? "")
            }
            state?.isFilled = true
            return true
        }
    }
}
