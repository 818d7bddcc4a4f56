import APIModel

/// Nothing is written in a namespace that is not there. Off unless it is enabled, since `NamespaceLifecycle` says so of what is new.
struct NamespaceExists: MutatingMember {
    let name = "NamespaceExists"

    func concerns(collection: String) -> Bool { collection != "/namespaces" }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        let target = request.target
        guard request.operation != .connect, target.type.isNamespaced, !target.namespace.isEmpty else { return }
        guard request.registry.latest("/namespaces", name: target.namespace) != nil else {
            throw APIError.notFound("namespaces", target.namespace)
        }
    }
}
