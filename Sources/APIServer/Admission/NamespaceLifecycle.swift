import APIModel

/// Nothing is made in a namespace that is not there or on its way out, and a few namespaces stay.
struct NamespaceLifecycle: MutatingMember {
    let name = "NamespaceLifecycle"

    private static let immortal: Set = ["default", "kube-system", "kube-public"]
    /// What may be asked in a namespace that is not there.
    private static let reviews: Set = ["authorization.k8s.io/localsubjectaccessreviews"]

    func concerns(collection: String) -> Bool { !Self.reviews.contains(collection) }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        let target = request.target
        switch request.operation {
        case .delete where target.storage.collection == "/namespaces":
            guard !Self.immortal.contains(target.name) else { throw target.forbidden("this namespace may not be deleted") }
        case .create where target.type.isNamespaced && request.isOfObject:
            try Self.check(target, request.registry)
        default: return
        }
    }

    private static func check(_ target: Target, _ registry: Registry) throws {
        guard let namespace = registry.latest("/namespaces", name: target.namespace) else {
            throw APIError.notFound("namespaces", target.namespace)
        }
        guard namespace.isBeingDeleted || namespace.value[path: "status", "phase"].string == "Terminating" else { return }
        var refusal = target.forbidden("unable to create new content in namespace \(target.namespace) because it is being terminated")
        refusal.details["causes"] = [
            [
                "reason": "NamespaceTerminating", "message": "namespace \(target.namespace) is being terminated",
                "field": "metadata.namespace",
            ]
        ]
        throw refusal
    }
}
