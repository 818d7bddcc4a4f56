internal import ControllerNodeLifecycle
internal import ControllerPodGC
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controllers-nodes", version: "1.0.0",
    [
        .controller("node-lifecycle", NodeLifecycleController.self),
        .controller("podgc", PodGCController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
