import APIModel
import Client

/// Makes the namespace in which something is to be made. Off unless it is enabled.
struct NamespaceAutoProvision: MutatingMember {
    let name = "NamespaceAutoProvision"

    func concerns(collection: String) -> Bool { collection != "/namespaces" }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        let (target, registry) = (request.target, request.registry)
        guard request.operation == .create, target.type.isNamespaced, !target.namespace.isEmpty, !request.context.isDryRun,
            registry.latest("/namespaces", name: target.namespace) == nil, let storage = registry.served.storage(.namespaces)
        else { return }
        let namespace: Value = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(target.namespace)]]
        do {
            _ = try await registry.create(
                Target(storage: storage, namespace: "", name: target.namespace), namespace, WriteContext(registry, user: .apiserver))
        } catch let error as APIError where error.reason == .alreadyExists {
        } catch let error as APIError {
            throw target.forbidden(error.message)
        }
    }
}
