public import APIModel
public import PluginKit
internal import Synchronization

/// Notices Nodes that went silent, taints Nodes by their conditions, and evicts Pods from Nodes whose taints they do not tolerate.
///
/// Rules: upstream `pkg/controller/nodelifecycle` and `pkg/controller/tainteviction`. Configuration: `nodeMonitorGracePeriodSeconds`, how
/// long a Node may be silent, 50 where it is not given.
public final class NodeLifecycleController: Controller {
    private let objects: Objects
    private let grace: Whole
    /// The NoExecute taints of each Node and when they were first seen.
    private let taints = Mutex<[String: [Value: Whole]]>([:])
    /// The newest sign of life of each Node and when it was seen here: clocks of other machines are not trusted.
    private let signs = Mutex<[String: (sign: String, seen: Whole)]>([:])

    public static let settings: Set = ["nodeMonitorGracePeriodSeconds"]

    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        grace = config["nodeMonitorGracePeriodSeconds"].seconds ?? 50
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard var node = try objects.get(.nodes, name: key.name) else {
            signs.withLock { $0[key.name] = nil }
            taints.withLock { $0[key.name] = nil }
            return .done
        }
        let now = Timestamp.nowSeconds()
        let silentFor = try silence(of: node, now: now)
        if silentFor >= grace { node = try markUnknown(node) }
        node = try NodeTaints.sync(node, objects)
        let nextEviction = try Eviction(node: node, objects: objects, now: now, seen: taintsSeen(on: node, now: now)).run()
        let nextCheck = max(1, grace - silentFor) + 1
        return .doneCheckAgain(afterMilliseconds: min(nextCheck, nextEviction ?? nextCheck) * 1000)
    }

    /// The NoExecute taints of the Node, and since when they have been seen there.
    private func taintsSeen(on node: Value, now: Whole) -> [Value: Whole] {
        let current = node["spec"]["taints"].elements.filter { $0["effect"].string == "NoExecute" }
        return taints.withLock { taints in
            let name = node["metadata"]["name"].string ?? ""
            let known = taints[name] ?? [:]
            let seen = Dictionary(current.map { ($0, known[$0] ?? now) }, uniquingKeysWith: { first, _ in first })
            taints[name] = seen.isEmpty ? nil : seen
            return seen
        }
    }

    /// For how many seconds nothing was heard of the Node: neither its Lease nor the heartbeat in its status moved.
    private func silence(of node: Value, now: Whole) throws -> Whole {
        let name = node["metadata"]["name"].string ?? ""
        let lease = try objects.get(.leases, namespace: "kube-node-lease", name: name) ?? .null
        let sign = "\(lease["spec"]["renewTime"].string ?? "") \(PodState.condition(node, "Ready")["lastHeartbeatTime"].string ?? "")"
        return signs.withLock { signs in
            if let known = signs[name], known.sign == sign { return now - known.seen }
            signs[name] = (sign, now)
            return 0
        }
    }

    private func markUnknown(_ node: Value) throws -> Value {
        var changed = node
        let kubelet = "Kubelet stopped posting node status."
        for type in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            let known = !PodState.condition(node, type).isNull
            Conditions.set(
                &changed["status"], type: type, .unknown, reason: known ? "NodeStatusUnknown" : "NodeStatusNeverUpdated",
                message: known ? kubelet : "Kubelet never posted node status.")
            if !known {
                Conditions.update(&changed["status"], type: type) { $0["lastHeartbeatTime"] = node["metadata"]["creationTimestamp"] }
            }
        }
        guard changed != node else { return node }
        objects.event(
            node, .normal, reason: "NodeNotReady", message: "Node \(node["metadata"]["name"].string ?? "") status is now: NodeNotReady")
        let updated = try objects.updateStatus(.nodes, changed)
        try markPodsNotReady(on: node["metadata"]["name"].string ?? "")
        return updated
    }

    /// Services must not send traffic to Pods of a silent Node.
    private func markPodsNotReady(on node: String) throws {
        for pod in try objects.pods(on: node) where PodState.isReady(pod) {
            try objects.setPodCondition(pod, type: "Ready", false, reason: "NodeNotReady", message: "Node is not ready")
        }
    }
}

extension Objects {
    /// The Pods of a Node, which the manifest's index finds.
    func pods(on node: String) throws -> [Value] { try list(.pods, fields: "spec.nodeName=\(node)") }
}
