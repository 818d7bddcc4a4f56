import APIModel

/// Which fields of the metadata a write of the status leaves as they are; it may change the others.
enum StatusMetadata {
    static let all = ["labels", "annotations", "finalizers", "ownerReferences"]

    static func kept(_ storage: Storage) -> [String] {
        if storage.type.custom != nil { return all }
        return switch storage.collection {
        case "/pods": ["ownerReferences"]
        case "apps/deployments": ["labels"]
        case "flowcontrol.apiserver.k8s.io/flowschemas", "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
            "admissionregistration.k8s.io/validatingadmissionpolicies", "apiextensions.k8s.io/customresourcedefinitions",
            "apiregistration.k8s.io/apiservices", "storage.k8s.io/volumeattachments", "resource.k8s.io/resourceclaims",
            "networking.k8s.io/servicecidrs":
            all
        default: []
        }
    }
}

/// What a write through a resource or sub-resource cannot change, and so cannot own: the status through the resource, the rest through
/// the status.
enum ResetFields {
    static func filter(_ storage: Storage, subresource: String) -> FieldFilter {
        if let special = special["\(storage.collection) \(subresource)"] { return special }
        switch subresource {
        case "": return storage.traits.contains(.status) ? excluding([["status"]]) : .none
        case "status":
            let kept = StatusMetadata.kept(storage)
            return excluding([["spec"]] + (kept == StatusMetadata.all ? [["metadata"]] : kept.map { ["metadata", $0] }))
        default: return .none
        }
    }

    /// By collection and sub-resource.
    private static let special: [String: FieldFilter] = [
        "/pods status": excluding([["spec"], ["metadata", "deletionTimestamp"], ["metadata", "ownerReferences"]]),
        "/pods ephemeralcontainers": .including([["spec", "ephemeralContainers"]]),
        "/pods resize": .including(
            ["containers", "initContainers"].flatMap { list in ["name", "resources", "resizePolicy"].map { ["spec", list, "*", $0] } }),
        "/namespaces finalize": excluding([["status"]]),
        "apiextensions.k8s.io/customresourcedefinitions status": excluding([["spec"]]),
        "certificates.k8s.io/certificatesigningrequests ": excluding([["spec"], ["status"]]),
        "certificates.k8s.io/certificatesigningrequests status": excluding([["spec"], ["status", "conditions"]]),
        "certificates.k8s.io/certificatesigningrequests approval": excluding([["spec"], ["status", "certificate"]]),
    ]

    private static func excluding(_ paths: [[String]]) -> FieldFilter {
        .excluding(FieldSet(paths.map { $0.map(PathElement.field) }))
    }
}
