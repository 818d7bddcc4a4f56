internal import ControllerDeviceTaintEviction
internal import ControllerNodeIPAM
internal import ControllerNodeLifecycle
internal import ControllerPodGC
internal import ControllerTTL
internal import ControllerTaintEviction
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controllers-nodes", version: "1.0.0",
    [
        .controller("node-lifecycle", NodeLifecycleController.self),
        .controller("taint-eviction", TaintEvictionController.self),
        .controller("podgc", PodGCController.self),
        .controller("node-ipam", NodeIPAMController.self),
        .controller("ttl", TTLController.self),
        .controller("device-taint-eviction", DeviceTaintEvictionController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
