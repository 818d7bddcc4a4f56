import APIModel

/// A claim grows only when it is bound, and its class lets it.
struct PersistentVolumeClaimResize: AdmissionMember {
    let name = "PersistentVolumeClaimResize"

    func concerns(collection: String) -> Bool { collection == "/persistentvolumeclaims" }

    func validate(_ claim: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .update, request.isOfObject, let old = request.old, Self.size(claim) > Self.size(old) else { return nil }
        guard old[path: "status", "phase"].string == "Bound" else {
            throw request.target.forbidden("Only bound persistent volume claims can be expanded")
        }
        let name = Self.storageClass(claim)
        let found = name.isEmpty ? nil : request.registry.latest("storage.k8s.io/storageclasses", name: name)
        guard name == Self.storageClass(old), found?.value["allowVolumeExpansion"].bool == true else {
            throw request.target.forbidden(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize")
        }
        return nil
    }

    private static func size(_ claim: Value) -> Quantity { Quantity(of: claim[path: "spec", "resources", "requests", "storage"]) ?? .zero }

    private static func storageClass(_ claim: Value) -> String {
        claim[path: "metadata", "annotations"]["volume.beta.kubernetes.io/storage-class"].string
            ?? claim[path: "spec", "storageClassName"].string ?? ""
    }
}
