internal import ControllerGarbageCollector
internal import ControllerNamespace
internal import ControllerResourceQuota
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controllers-objects", version: "1.0.0",
    [
        .controller("namespace", NamespaceController.self),
        .controller("garbage-collector", GarbageCollectorController.self),
        .controller("resourcequota", ResourceQuotaController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
