public import APIModel
public import PluginKit

/// Keeps as many Pods as a ReplicationController asks for: a ReplicaSet of older times.
public struct ReplicationControllerController: ReplicaKeeper {
    static let resource = GroupVersionResource(group: "", version: "v1", resource: "replicationcontrollers")
    static let countsTerminating = false

    let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome { try keepReplicas(key) }

    /// An empty selector would take everything; none at all, which the API does not let in, takes nothing.
    static func selector(of controller: Value) -> Value {
        let labels = controller["spec"]["selector"]
        return labels.isEmpty ? .null : ["matchLabels": labels]
    }
}
