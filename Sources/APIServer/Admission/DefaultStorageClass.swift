import APIModel

/// Claims get the default class when they name none.
struct DefaultStorageClass: MutatingMember {
    let name = "DefaultStorageClass"

    func concerns(collection: String) -> Bool { collection == "/persistentvolumeclaims" }

    func admit(_ claim: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create, request.isOfObject, !StorageObjects.hasClass(claim) else { return }
        let newest = DefaultClass.newest(of: "storage.k8s.io/storageclasses", by: "storageclass.kubernetes.io/is-default-class", request)
        if let newest { claim["spec"]["storageClassName"] = .string(newest) }
    }
}
