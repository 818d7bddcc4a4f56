import APIModel
import Client

/// Which of the runtime's ways to run containers a pod gets. Upstream: `kubelet/runtimeclass`.
struct RuntimeHandler: Sendable {
    let client: any Client

    private static let runtimeClasses = GroupVersionResource(group: "node.k8s.io", version: "v1", resource: "runtimeclasses")

    /// Empty for the usual one. Throws `ConfigurationError` in upstream's words.
    func name(for pod: Pod) async throws -> String {
        guard let name = pod.spec["runtimeClassName"].string, !name.isEmpty else { return "" }
        do {
            return try await client.get(Self.runtimeClasses, namespace: nil, name: name).value["handler"].string ?? ""
        } catch let error as APIError {
            if error.reason == .notFound { throw ConfigurationError(message: "runtimeclass.node.k8s.io \"\(name)\" not found") }
            throw ConfigurationError(message: "failed to lookup RuntimeClass \(name): \(error.message)")
        }
    }
}
