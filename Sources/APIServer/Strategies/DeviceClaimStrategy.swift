import APIModel

/// ResourceClaims and their templates: whoever wants devices that are others', to look after them, does so in a Namespace that is for that.
struct DeviceClaimStrategy: Strategy {
    private static let label = "resource.kubernetes.io/admin-access"

    /// What a request for devices is like cannot change later.
    func prepareForCreate(_ object: inout Value, _ target: Target, _ write: WriteContext) async throws {
        let spec = target.type.kind == "ResourceClaim" ? object["spec"] : object[path: "spec", "spec"]
        let requests = spec[path: "devices", "requests"].elements
        guard let index = requests.firstIndex(where: { $0[path: "exactly", "adminAccess"].bool == true }) else { return }
        try Self.check(FieldPath("spec.devices.requests[\(index)].adminAccess"), target, write)
    }

    func prepareForUpdate(_ object: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        guard target.subresource == "status" else { return }
        if Self.administered(old) == nil, let index = Self.administered(object) {
            try Self.check(FieldPath("status.allocation.devices.results[\(index)].adminAccess"), target, write)
        }
        if target.type.kind == "ResourceClaim" { try await Self.authorize(object, old: old, target, write) }
    }

    private static func administered(_ claim: Value) -> Int? {
        claim[path: "status", "allocation", "devices", "results"].elements.firstIndex { $0["adminAccess"].bool == true }
    }

    private static func check(_ field: FieldPath, _ target: Target, _ write: WriteContext) throws {
        guard write.registry.latest("/namespaces", name: target.namespace)?.labels[label] != "true" else { return }
        throw target.invalid([
            .forbidden(field, "admin access to devices requires the `\(label): true` label on the containing namespace")
        ])
    }
}
