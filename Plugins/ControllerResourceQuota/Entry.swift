public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controller-resourcequota", version: "1.0.0", [.controller("resourcequota", ResourceQuotaController.self)])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
