import APIModel
import OrderedCollections

/// Claims, volumes and their attribute classes stay until nobody uses them any more, which controllers see to.
struct StorageObjectInUseProtection: MutatingMember {
    let name = "StorageObjectInUseProtection"

    private static let finalizers = [
        "/persistentvolumes": "kubernetes.io/pv-protection", "/persistentvolumeclaims": "kubernetes.io/pvc-protection",
        "storage.k8s.io/volumeattributesclasses": "kubernetes.io/vac-protection",
    ]

    func concerns(collection: String) -> Bool { Self.finalizers[collection] != nil }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create, request.isOfObject, let finalizer = Self.finalizers[request.target.storage.collection],
            !object["metadata"]["finalizers"].elements.contains(.string(finalizer))
        else { return }
        object["metadata"]["finalizers"].elements.append(.string(finalizer))
    }
}
