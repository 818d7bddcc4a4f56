public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controller-replicaset", version: "1.1.0",
    [
        .controller("replicaset", ReplicaSetController.self),
        .controller("replicationcontroller", ReplicationControllerController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
