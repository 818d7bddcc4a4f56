import APIModel

/// Claims get the default class when they name none.
struct DefaultStorageClass: AdmissionMember {
    let name = "DefaultStorageClass"

    private static let isDefault = "storageclass.kubernetes.io/is-default-class"

    func concerns(collection: String) -> Bool { collection == "/persistentvolumeclaims" }

    func admit(_ claim: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create, request.isOfObject, claim[path: "spec", "storageClassName"].isNull,
            claim[path: "metadata", "annotations"]["volume.beta.kubernetes.io/storage-class"].isNull
        else { return }
        let classes = request.registry.all("storage.k8s.io/storageclasses").filter {
            $0.metadata["annotations"][Self.isDefault].string == "true"
        }
        let newest = classes.max {
            ($0.metadata["creationTimestamp"].string ?? "", $1.name) < ($1.metadata["creationTimestamp"].string ?? "", $0.name)
        }
        if let newest { claim["spec"]["storageClassName"] = .string(newest.name) }
    }
}
