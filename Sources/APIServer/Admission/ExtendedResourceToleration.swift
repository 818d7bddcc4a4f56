import APIModel
import OrderedCollections

/// Lets a pod onto the nodes that are kept for those who need an extended resource, when it asks for it. Off unless it is enabled.
struct ExtendedResourceToleration: MutatingMember {
    let name = "ExtendedResourceToleration"

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create || request.operation == .update, request.isOfObject else { return }
        let containers = pod[path: "spec", "initContainers"].elements + pod[path: "spec", "containers"].elements
        let asked = Set(containers.flatMap { $0["resources"]["requests"].fields.keys }.filter(ResourceNames.isExtended))
        guard !asked.isEmpty else { return }
        var tolerations = pod[path: "spec", "tolerations"].elements
        for resource in asked.sorted() {
            let wanted: Value = ["key": .string(resource), "operator": "Exists", "effect": "NoSchedule"]
            let alike = tolerations.firstIndex { toleration in
                ["key", "operator", "effect"].allSatisfy { toleration[$0] == wanted[$0] } && (toleration["value"].string ?? "").isEmpty
            }
            if let alike { tolerations[alike] = wanted } else { tolerations.append(wanted) }
        }
        pod["spec"]["tolerations"] = .array(tolerations)
    }
}
