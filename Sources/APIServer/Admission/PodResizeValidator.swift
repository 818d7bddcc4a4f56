import APIModel

/// Lets a pod grow only to what its node has at all, and only where the node can do it.
struct PodResizeValidator: ValidatingMember {
    let name = "PodResizeValidator"

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        let target = request.target
        guard request.operation == .update, target.subresource == "resize", let old = request.old, pod["spec"] != old["spec"],
            let name = pod[path: "spec", "nodeName"].string, !name.isEmpty
        else { return nil }
        guard let node = request.registry.latest("/nodes", name: name)?.value else {
            throw target.forbidden("node \(FieldError.quoted(name)) not found")
        }
        let system = node["metadata"]["labels"]["kubernetes.io/os"].string ?? "linux"
        guard system == "linux" else {
            throw Self.refusal(
                target, "pod resize is only supported on linux nodes, node \(FieldError.quoted(name)) is \(FieldError.quoted(system))",
                cause: "UnsupportedPlatform")
        }
        let (wanted, has) = (PodTotals.requests(of: pod, .overhead), ResourceList(node[path: "status", "allocatable"]))
        let missing = Self.counted.compactMap { resource, amount -> String? in
            let (asked, allocatable) = (wanted[resource] ?? .zero, has[resource] ?? .zero)
            return asked > allocatable ? "\(resource), requested: \(amount(asked)), allocatable: \(amount(allocatable))" : nil
        }
        guard missing.isEmpty else {
            throw Self.refusal(
                target, "node didn't have enough allocatable resources: \(missing.joined(separator: "; "))", cause: "NodeCapacity")
        }
        return nil
    }

    /// What is looked at, and how its amounts are told.
    private static let counted: [(resource: String, amount: @Sendable (Quantity) -> Whole)] = [
        ("cpu", { $0.milliValue }), ("memory", { $0.value }),
    ]

    private static func refusal(_ target: Target, _ why: String, cause: String) -> APIError {
        var refusal = target.forbidden(why)
        refusal.details["causes"] = [["reason": .string(cause)]]
        return refusal
    }
}
