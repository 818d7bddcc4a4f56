public import APIModel
public import PluginKit

/// Keeps a volume that is being deleted while it is bound to a claim. Rules: upstream `pkg/controller/volume/pvprotection`.
public struct PersistentVolumeProtectionController: Controller {
    static let finalizer = "kubernetes.io/pv-protection"

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let volume = try objects.get(StorageObjects.volumes, name: key.name) else { return .done }
        let step = Protection.step(volume, Self.finalizer)
        if step == .add || (step == .removeWhenUnused && volume["status"]["phase"].string != "Bound") {
            try objects.update(StorageObjects.volumes, Protection.toggled(volume, Self.finalizer))
        }
        return .done
    }
}
