internal import APIModel
internal import PluginKit

/// Keeps as many Pods as a ReplicationController asks for: a ReplicaSet of older times.
struct ReplicationControllerController: ReplicaKeeper {
    static let resource = GroupVersionResource(group: "", version: "v1", resource: "replicationcontrollers")
    static let countsTerminating = false

    let objects: Objects

    init(_ host: Host, config: Value) { objects = host.objects }

    /// An empty selector would take everything; none at all, which the API does not let in, takes nothing.
    static func selector(of controller: Value) -> Value {
        let labels = controller["spec"]["selector"]
        return labels.isEmpty ? .null : ["matchLabels": labels]
    }
}
