internal import ControllerHorizontalPodAutoscaler
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controller-horizontalpodautoscaler", version: "1.0.0",
    [.controller("horizontalpodautoscaler", HorizontalPodAutoscalerController.self)])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
