public import APIModel
public import PluginKit

/// Says of a bound claim that asks for more than it has who is to give it. No kind of volume is made larger here: whoever serves its
/// StorageClass does that. Rules: upstream `pkg/controller/volume/expand`.
public struct PersistentVolumeExpanderController: Controller {
    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let claim = try objects.get(StorageObjects.claims, namespace: key.namespace, name: key.name), Self.wantsMore(claim),
            let volume = try objects.get(StorageObjects.volumes, name: claim["spec"]["volumeName"].string ?? ""),
            volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
        else { return .done }
        // Of volumes that a driver brings, another is sure to be there.
        let isForeign = !volume["spec"]["csi"].isNull || !volume["metadata"]["annotations"][StorageAnnotation.provisionedBy].isNull
        objects.event(
            claim, isForeign ? .normal : .warning, reason: "ExternalExpanding",
            message: "waiting for an external controller to expand this PVC")
        return .done
    }

    static func wantsMore(_ claim: Value) -> Bool {
        claim["status"]["phase"].string == "Bound" && StorageObjects.requested(by: claim) > StorageObjects.capacity(ofClaim: claim)
    }
}
