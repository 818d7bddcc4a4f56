public import APIModel
public import PluginKit
internal import Synchronization

/// Deletes Pods from Nodes with NoExecute taints that they do not, or no longer, tolerate. Rules: upstream `pkg/controller/tainteviction`.
public final class TaintEvictionController: Controller {
    private let objects: Objects
    /// The NoExecute taints of each Node and when they were first seen.
    private let taints = Mutex<[String: [Value: Whole]]>([:])
    /// The Pods of each Node that will have to go, by uid.
    private let waiting = Mutex<[String: [String: (namespace: String, name: String)]]>([:])

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        let node = try objects.get(.nodes, name: key.name) ?? .null
        let now = Timestamp.nowSeconds()
        let seen = taintsSeen(on: node, key.name, now: now)
        let (next, pods) = try Eviction(node: node, objects: objects, now: now, seen: seen).run()
        try remember(pods, on: key.name)
        return next.map { .doneCheckAgain(afterMilliseconds: $0 * 1000) } ?? .done
    }

    /// Says of Pods that were to go and may stay that they do.
    private func remember(_ pods: [Value], on node: String) throws {
        let names = pods.map { pod in
            let metadata = pod["metadata"]
            return (metadata["uid"].string ?? "", (namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? ""))
        }
        let now = Dictionary(names, uniquingKeysWith: { first, _ in first })
        let before = waiting.withLock { waiting in
            defer { waiting[node] = now.isEmpty ? nil : now }
            return waiting[node] ?? [:]
        }
        for (uid, place) in before where now[uid] == nil {
            guard let pod = try objects.get(.pods, namespace: place.namespace, name: place.name), pod["metadata"]["uid"].string == uid,
                pod["metadata"]["deletionTimestamp"].isNull
            else { continue }
            objects.event(
                pod, .normal, reason: "TaintManagerEviction", message: "Cancelling deletion of Pod \(place.namespace)/\(place.name)")
        }
    }

    /// The NoExecute taints of the Node, and since when they have been seen there.
    private func taintsSeen(on node: Value, _ name: String, now: Whole) -> [Value: Whole] {
        let current = node["spec"]["taints"].elements.filter { $0["effect"].string == "NoExecute" }
        return taints.withLock { taints in
            let known = taints[name] ?? [:]
            let seen = Dictionary(current.map { ($0, known[$0] ?? now) }, uniquingKeysWith: { first, _ in first })
            taints[name] = seen.isEmpty ? nil : seen
            return seen
        }
    }
}

extension Objects {
    /// The Pods of a Node, which the manifest's index finds.
    func pods(on node: String) throws -> [Value] { try list(.pods, fields: "spec.nodeName=\(node)") }
}
