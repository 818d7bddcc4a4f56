import APIModel

/// What plugins want put into a container that has devices of theirs. Where two want something else at the same place, the first has it.
/// Upstream: `deviceRunContainerOptions`.
struct DeviceOptions: Equatable, Sendable {
    private(set) var environment: [String: String] = [:]
    private(set) var annotations: [String: String] = [:]
    /// CRI's.
    private(set) var mounts: [Value] = []
    private(set) var devices: [Value] = []
    private(set) var cdiDevices: [Value] = []

    init() {}

    /// - Parameter responses: a `ContainerAllocateResponse` a resource.
    init(_ responses: [Value]) {
        for response in responses {
            environment.merge(response["envs"].strings) { first, _ in first }
            annotations.merge(response["annotations"].strings) { first, _ in first }
            for mount in response["mounts"].elements {
                let wanted: Value = [
                    "container_path": mount["container_path"], "host_path": mount["host_path"],
                    "readonly": .bool(mount["read_only"].bool ?? false),
                ]
                Self.add(wanted, to: &mounts, by: "container_path")
            }
            for device in response["devices"].elements { Self.add(device, to: &devices, by: "container_path") }
            for device in response["cdi_devices"].elements { Self.add(device, to: &cdiDevices, by: "name") }
        }
    }

    /// - Parameters:
    ///   - ids: devices that the runtime knows how to put into a container.
    ///   - claim: the uid of the claim they are of. Runtimes that do not read CRI's field read an annotation.
    mutating func add(_ ids: [String], of claim: String) {
        if ids.isEmpty { return }
        for id in ids { Self.add(["name": .string(id)], to: &cdiDevices, by: "name") }
        annotations["cdi.k8s.io/dra_\(claim)"] = ids.joined(separator: ",")
    }

    private static func add(_ value: Value, to list: inout [Value], by field: String) {
        if !list.contains(where: { $0[field] == value[field] }) { list.append(value) }
    }
}
