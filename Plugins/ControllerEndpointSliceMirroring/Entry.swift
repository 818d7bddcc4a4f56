public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controller-endpointslicemirroring", version: "1.0.0",
    [.controller("endpointslicemirroring", EndpointSliceMirroringController.self)])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
