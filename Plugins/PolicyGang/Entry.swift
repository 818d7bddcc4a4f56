public import PluginAPI
internal import PluginKit

private let plugin = Plugin(name: "policy-gang", version: "1.0.0", [.schedulerPolicy("gang", GangPolicy.self)])

// The name is the ABI's.
// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
