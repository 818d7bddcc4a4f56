internal import APIModel
internal import PluginKit

/// Keeps as many Pods as a ReplicaSet asks for.
struct ReplicaSetController: ReplicaKeeper {
    static let resource = GroupVersionResource(group: "apps", version: "v1", resource: "replicasets")
    static let countsTerminating = true

    let objects: Objects

    init(_ host: Host, config: Value) { objects = host.objects }

    static func selector(of set: Value) -> Value { set["spec"]["selector"] }
}
