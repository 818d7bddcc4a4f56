public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controller-ttl-after-finished", version: "1.0.0", [.controller("ttl-after-finished", TTLAfterFinishedController.self)])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
