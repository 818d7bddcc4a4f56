internal import ControllerEndpointSlice
internal import ControllerEndpointSliceMirroring
internal import ControllerEndpoints
internal import ControllerNetworkPolicy
internal import ControllerPodRoutes
internal import ControllerServiceCIDR
internal import ControllerServiceLB
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controllers-network", version: "1.0.0",
    [
        .controller("endpoints", EndpointsController.self),
        .controller("endpointslice", EndpointSliceController.self),
        .controller("endpointslicemirroring", EndpointSliceMirroringController.self),
        .controller("pod-routes", PodRoutesController.self),
        .controller("policy-nftables", NetworkPolicyController.self),
        .controller("service-lb", ServiceLBController.self),
        .controller("service-lb-link", ServiceLBLinkController.self),
        .controller("service-cidr", ServiceCIDRController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
