import APIModel

/// Volumes begin without a claim.
struct PersistentVolumeStrategy: Strategy {
    func prepareForCreate(_ volume: inout Value, _ target: Target, _ write: Write) async throws { volume["status"] = ["phase": "Pending"] }
}

/// Claims get the default class when they name none.
struct PersistentVolumeClaimStrategy: Strategy {
    private static let isDefault = "storageclass.kubernetes.io/is-default-class"

    func prepareForCreate(_ claim: inout Value, _ target: Target, _ write: Write) async throws {
        claim["status"] = ["phase": "Pending"]
        guard claim[path: "spec", "storageClassName"].isNull,
            claim[path: "metadata", "annotations"]["volume.beta.kubernetes.io/storage-class"].isNull
        else { return }
        let classes = write.registry.all("storage.k8s.io/storageclasses").filter {
            $0.metadata["annotations"][Self.isDefault].string == "true"
        }
        let newest = classes.max {
            ($0.metadata["creationTimestamp"].string ?? "", $1.name) < ($1.metadata["creationTimestamp"].string ?? "", $0.name)
        }
        if let newest { claim["spec"]["storageClassName"] = .string(newest.name) }
    }
}
