public import APIModel
public import PluginKit

/// Keeps as many Pods as a ReplicaSet asks for.
public struct ReplicaSetController: ReplicaKeeper {
    static let resource = GroupVersionResource(group: "apps", version: "v1", resource: "replicasets")
    static let countsTerminating = true

    let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome { try keepReplicas(key) }

    static func selector(of set: Value) -> Value { set["spec"]["selector"] }
}
