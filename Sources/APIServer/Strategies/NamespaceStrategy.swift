import APIModel

/// Namespaces: held by their own list of finalizers while their content goes.
struct NamespaceStrategy: Strategy {
    func prepareForCreate(_ namespace: inout Value, _ target: Target, _ write: WriteContext) async throws {
        let finalizers = namespace[path: "spec", "finalizers"].elements
        namespace["spec"]["finalizers"] = .array(finalizers.contains("kubernetes") ? finalizers : finalizers + ["kubernetes"])
        namespace["status"] = ["phase": "Active"]
        namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = .string(target.name)
    }

    func prepareForUpdate(_ namespace: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        switch target.subresource {
        case "finalize":
            let (finalizers, version) = (namespace["spec"]["finalizers"], namespace["metadata"]["resourceVersion"])
            namespace = old
            namespace["spec"]["finalizers"] = finalizers
            namespace["metadata"]["resourceVersion"] = version
        case "status": return
        default:
            namespace["spec"] = old["spec"]
            namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = .string(target.name)
        }
    }

    func prepareForDelete(_ namespace: inout Value, _ target: Target, _ write: WriteContext) async throws {
        if isHeld(namespace) { namespace["status"]["phase"] = "Terminating" }
    }

    func isHeld(_ namespace: Value) -> Bool { !namespace[path: "spec", "finalizers"].elements.isEmpty }
}
