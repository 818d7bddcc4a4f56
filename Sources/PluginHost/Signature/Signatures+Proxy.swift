internal import PluginAPI

extension Signatures {
    static let proxy = TableDescriptor(
        APUS_PROXY, number: 3, size: MemoryLayout<apus_proxy>.size, isShared: false,
        [
            SlotDescriptor(
                "sync", [.me, .structure(services), .sink(limit: sentence)], .status, Tag(.control, .running), deadline: .seconds(30)),
            SlotDescriptor(
                "cleanup", [.me, .sink(limit: sentence)], .status, Tag(.control, .loaded, .running, .stopped), deadline: .seconds(30)),
        ])

    private static let servicePort = Layout(
        "apus_service_port", size: MemoryLayout<apus_service_port>.stride,
        [
            .init(offset: at(\apus_service_port.namespace_), target: .bytes),
            .init(offset: at(\apus_service_port.name), target: .bytes),
            .init(offset: at(\apus_service_port.port_name), target: .bytes),
        ])

    static let services = Layout(
        "apus_services", size: MemoryLayout<apus_services>.stride,
        [
            .init(offset: at(\apus_services.services), target: .structures(servicePort, count: at(\apus_services.service_count))),
            .init(
                offset: at(\apus_services.endpoints),
                target: .values(size: MemoryLayout<apus_endpoint>.stride, count: at(\apus_services.endpoint_count))),
            .init(
                offset: at(\apus_services.addresses),
                target: .values(size: MemoryLayout<apus_address>.stride, count: at(\apus_services.address_count))),
            .init(offset: at(\apus_services.removed), target: .values(size: 8, count: at(\apus_services.removed_count))),
            .init(offset: at(\apus_services.pod_cidr), target: .bytes),
        ])
}
