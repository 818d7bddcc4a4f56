internal import APIModel

/// The claims, PersistentVolumes and StorageClasses there are, and which volumes are meant for a claim that does not say so yet. Used by the
/// scheduling thread only.
final class VolumeObjects {
    static let resources = [StorageObjects.classes, StorageObjects.volumes, StorageObjects.claims]

    private(set) var claims: [PodKey: Object] = [:]
    private var volumes: [String: Object] = [:]
    private var classes: [String: Object] = [:]
    /// By name of their class, those that no claim has yet.
    private var free: [String: Set<String>] = [:]
    /// By name, the claim that a Pod's binding gives the volume to.
    private var assumed: [String: PodKey] = [:]

    func volume(_ name: String) -> Object? { volumes[name] }
    func storageClass(_ name: String) -> Object? { classes[name] }

    /// Volumes of a class that a claim may have.
    func free(class name: String) -> [Object] {
        (free[name] ?? []).filter { assumed[$0] == nil }.sorted().compactMap { volumes[$0] }
    }

    /// Takes an object of one of `resources` over; `nil` for one that went.
    func put(_ resource: GroupVersionResource, before: Object?, after: Object?) {
        guard let object = after ?? before else { return }
        switch resource {
        case StorageObjects.claims: claims[PodKey(object)] = after
        case StorageObjects.classes: classes[object.name] = after
        default:
            if let old = volumes[object.name] { free[old.storageClassName]?.remove(object.name) }
            volumes[object.name] = after
            if after == nil || !object.value["spec"]["claimRef"].isNull { assumed[object.name] = nil }
            if after != nil, object.isFreeVolume { free[object.storageClassName, default: []].insert(object.name) }
        }
    }

    /// The volume of a CSI driver that a claim has, or will have; `nil` where it is none of a driver.
    func csiVolume(_ key: PodKey) -> CSIVolume? {
        guard let claim = claims[key] else { return nil }
        if let volume = volumes[claim.value["spec"]["volumeName"].string ?? ""] {
            let source = volume.value["spec"]["csi"]
            guard let driver = source["driver"].string, let handle = source["volumeHandle"].string else { return nil }
            return CSIVolume(driver: driver, handle: handle)
        }
        // Not there yet: it counts as one of its own.
        guard let provisioner = classes[claim.storageClassName]?.value["provisioner"].string, !provisioner.isEmpty else { return nil }
        return CSIVolume(driver: provisioner, handle: "claim \(key)")
    }

    /// The volume goes to the claim, until the API says so or it is forgotten.
    func assume(_ volume: String, for claim: PodKey) { assumed[volume] = claim }
    func forget(_ volume: String) { assumed[volume] = nil }
}

extension Object {
    /// Of a claim or a volume; empty for none.
    var storageClassName: String { StorageObjects.className(of: value) }

    fileprivate var isFreeVolume: Bool {
        !isBeingDeleted && value["spec"]["claimRef"].isNull && value["status"]["phase"].string == "Available"
    }
}
