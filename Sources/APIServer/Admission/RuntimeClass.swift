import APIModel
import OrderedCollections

/// A pod runs by a RuntimeClass that exists or not at all, and gets from it what running so costs and where it can be done.
struct RuntimeClass: MutatingMember, ValidatingMember {
    let name = "RuntimeClass"

    private static let mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard let found = try Self.runtimeClass(of: pod, request) else { return }
        let overhead = found[path: "overhead", "podFixed"]
        if !overhead.isEmpty {
            let given = pod[path: "spec", "overhead"]
            guard given.isEmpty || given == overhead else { throw request.target.forbidden(Self.mismatch) }
            pod["spec"]["overhead"] = overhead
        }
        let scheduling = found["scheduling"]
        for (key, value) in scheduling["nodeSelector"].fields {
            let own = pod[path: "spec", "nodeSelector"][key]
            guard own.isNull || own == value else {
                throw request.target.forbidden(
                    "conflict: runtimeClass.scheduling.nodeSelector[\(key)] = \(value.string ?? ""); pod.spec.nodeSelector[\(key)] = \(own.string ?? "")"
                )
            }
            pod["spec"]["nodeSelector"][key] = value
        }
        if !scheduling["tolerations"].isEmpty {
            pod["spec"]["tolerations"] = .array(
                Tolerations.merged(pod[path: "spec", "tolerations"].elements + scheduling["tolerations"].elements))
        }
    }

    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .create, request.isOfObject else { return nil }
        let overhead = try Self.runtimeClass(of: pod, request)?[path: "overhead", "podFixed"] ?? .null
        let given = pod[path: "spec", "overhead"]
        if overhead.isEmpty, !given.isEmpty {
            throw request.target.forbidden("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        }
        guard overhead.isEmpty || given == overhead else { throw request.target.forbidden(Self.mismatch) }
        return nil
    }

    /// `nil` for a pod that names none.
    private static func runtimeClass(of pod: Value, _ request: AdmissionRequest) throws -> Value? {
        guard request.operation == .create, request.isOfObject, let name = pod[path: "spec", "runtimeClassName"].string else { return nil }
        guard let found = request.registry.latest("node.k8s.io/runtimeclasses", name: name) else {
            throw request.target.forbidden("pod rejected: RuntimeClass \(FieldError.quoted(name)) not found")
        }
        return found.value
    }
}
