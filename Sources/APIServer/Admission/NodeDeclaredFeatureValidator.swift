import APIModel

/// Lets a pod be changed only as its node says that it can follow.
struct NodeDeclaredFeatureValidator: ValidatingMember {
    let name = "NodeDeclaredFeatureValidator"

    /// What a node declares that can follow a change, by what is changed. In the order of their names.
    private static let features: [(name: String, isNeeded: @Sendable (_ old: Value, _ new: Value) -> Bool)] = [
        ("InPlacePodLevelResourcesVerticalScaling", { old, new in old["resources"] != new["resources"] }),
        (
            "InPlacePodVerticalScalingInitContainers",
            { old, new in
                zip(old["initContainers"].elements, new["initContainers"].elements).contains {
                    $0["restartPolicy"].string != "Always" && $0["resources"] != $1["resources"]
                }
            }
        ),
    ]

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        let target = request.target
        guard request.operation == .update, request.isOfObject || target.subresource == "resize", let old = request.old,
            let node = pod[path: "spec", "nodeName"].string, !node.isEmpty
        else { return nil }
        let needed = Self.features.filter { $0.isNeeded(old["spec"], pod["spec"]) }.map(\.name)
        guard !needed.isEmpty else { return nil }
        guard let declared = request.registry.latest("/nodes", name: node)?.value[path: "status", "declaredFeatures"] else {
            throw target.forbidden("node \(FieldError.quoted(node)) not found")
        }
        let known = Set(declared.elements.compactMap(\.string))
        let missing = needed.filter { !known.contains($0) }
        guard missing.isEmpty else {
            throw target.forbidden(
                "pod update requires features \(missing.joined(separator: ", ")) which are not available on node \(FieldError.quoted(node))"
            )
        }
        return nil
    }
}
