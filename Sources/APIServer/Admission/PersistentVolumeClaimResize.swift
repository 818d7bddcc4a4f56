import APIModel

/// A claim grows only when it is bound, and its class lets it.
struct PersistentVolumeClaimResize: ValidatingMember {
    let name = "PersistentVolumeClaimResize"

    func concerns(collection: String) -> Bool { collection == "/persistentvolumeclaims" }

    func validate(_ claim: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .update, request.isOfObject, let old = request.old,
            StorageObjects.requested(by: claim) > StorageObjects.requested(by: old)
        else { return nil }
        guard old[path: "status", "phase"].string == "Bound" else {
            throw request.target.forbidden("Only bound persistent volume claims can be expanded")
        }
        let name = StorageObjects.className(of: claim)
        let found = name.isEmpty ? nil : request.registry.latest("storage.k8s.io/storageclasses", name: name)
        guard name == StorageObjects.className(of: old), found?.value["allowVolumeExpansion"].bool == true else {
            throw request.target.forbidden(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize")
        }
        return nil
    }
}
