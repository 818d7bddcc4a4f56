public import APIModel
public import PluginKit
internal import Synchronization

/// Deletes Pods from Nodes with NoExecute taints that they do not, or no longer, tolerate. Rules: upstream `pkg/controller/tainteviction`.
public final class TaintEvictionController: Controller {
    private let objects: Objects
    /// The NoExecute taints of each Node and when they were first seen.
    private let taints = Mutex<[String: [Value: Whole]]>([:])

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        let node = try objects.get(.nodes, name: key.name) ?? .null
        let now = Timestamp.nowSeconds()
        let seen = taintsSeen(on: node, key.name, now: now)
        let next = try Eviction(node: node, objects: objects, now: now, seen: seen).run()
        return next.map { .doneCheckAgain(afterMilliseconds: $0 * 1000) } ?? .done
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
