internal import ControllerRootCA
internal import ControllerServiceAccount
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controllers-identity", version: "1.0.0",
    [
        .controller("serviceaccount", ServiceAccountController.self),
        .controller("root-ca", RootCAController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
