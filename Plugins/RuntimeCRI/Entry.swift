public import PluginAPI
internal import PluginKit

private let plugin = Plugin(name: "runtime-cri", version: "1.0.0", [.runtime("cri", CRIRuntime.self)])

// The name is the ABI's.
// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
