internal import ControllerStatefulSet
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(name: "controller-statefulset", version: "1.0.0", [.controller("statefulset", StatefulSetController.self)])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
