public import APIModel
public import PluginKit
internal import Synchronization

/// Gives each Node that has none a part of the Pods' network. Rules: upstream `pkg/controller/nodeipam/ipam`, the range allocator.
///
/// Configuration: `clusterCIDR`, the network, IPv4, and `nodeMaskSize`, the prefix length of a Node's part, 24 where it is not given.
/// Without a network nothing is given out.
public final class NodeIPAMController: Controller {
    public static let settings: Set = ["clusterCIDR", "nodeMaskSize"]

    private struct State {
        var pool: SubnetPool
        /// Whether the pool knows what there was before it.
        var isFilled = false
    }

    private let objects: Objects
    /// `nil` where there is no network.
    private let state: Mutex<State?>

    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        guard let network = config["clusterCIDR"].string else {
            state = Mutex(nil)
            return
        }
        let size = config["nodeMaskSize"].int.map { Int($0) } ?? 24
        guard let pool = SubnetPool(network, nodeMaskSize: size) else {
            throw ComponentError.invalid("config.clusterCIDR: \(network) is no IPv4 network that holds networks of /\(size)")
        }
        state = Mutex(State(pool: pool))
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard try fill() else { return .done }
        guard let node = try objects.get(.nodes, name: key.name) else {
            state.withLock { $0?.pool.release(key.name) }
            return .done
        }
        let own = node["spec"]["podCIDRs"].elements.compactMap(\.string)
        guard own.isEmpty else {
            state.withLock { state in for network in own { state?.pool.note(network, of: key.name) } }
            return .done
        }
        guard node["metadata"]["deletionTimestamp"].isNull else { return .done }
        guard let network = state.withLock({ $0?.pool.take(for: key.name) }) else {
            objects.event(node, .normal, reason: "CIDRNotAvailable", message: "Node \(key.name) status is now: CIDRNotAvailable")
            return .retry
        }
        let patch: Value = [
            "metadata": ["uid": node["metadata"]["uid"]], "spec": ["podCIDR": .string(network), "podCIDRs": [.string(network)]],
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
                let name = node["metadata"]["name"].string ?? ""
                for network in node["spec"]["podCIDRs"].elements.compactMap(\.string) { state?.pool.note(network, of: name) }
            }
            state?.isFilled = true
            return true
        }
    }
}
