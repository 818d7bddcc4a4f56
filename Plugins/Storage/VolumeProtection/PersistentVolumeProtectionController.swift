public import APIModel
public import PluginKit

/// Keeps a volume that is being deleted while it is bound to a claim. Rules: upstream `pkg/controller/volume/pvprotection`.
public struct PersistentVolumeProtectionController: Controller {
    static let finalizer = "kubernetes.io/pv-protection"

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let volume = try objects.get(StorageObjects.volumes, name: key.name) else { return .done }
        let settled = Protection.settled(volume, Self.finalizer) { volume["status"]["phase"].string == "Bound" }
        if let settled { try objects.update(StorageObjects.volumes, settled) }
        return .done
    }
}
