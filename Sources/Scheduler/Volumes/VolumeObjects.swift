internal import APIModel

/// The claims, PersistentVolumes and StorageClasses there are, and which volumes are meant for a claim that does not say so yet. Used by the
/// scheduling thread only.
final class VolumeObjects {
    static let resources = [
        StorageObjects.classes, StorageObjects.drivers, StorageObjects.capacities, StorageObjects.volumes, StorageObjects.claims,
    ]

    private(set) var claims: [PodKey: Object] = [:]
    private var volumes: [String: Object] = [:]
    private var classes: [String: Object] = [:]
    /// The drivers that say how much room they have, and by name of a class what they say.
    private var drivers: Set<String> = []
    private var capacities: [String: [PodKey: Object]] = [:]
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

    /// Of the places where a volume that is made for the claim has enough room, their topologies; `nil` where the driver does not say.
    func roomy(for claim: Object) -> [Value]? {
        let size = claim.value["spec"]["resources"]["requests"]["storage"]
        guard !size.isNull, let provisioner = classes[claim.storageClassName]?.value["provisioner"].string, drivers.contains(provisioner)
        else { return nil }
        let wanted = StorageObjects.requested(by: claim.value)
        return (capacities[claim.storageClassName] ?? [:]).sorted { $0.key.description < $1.key.description }
            .filter { Self.room($0.value).map { $0 >= wanted } ?? false }.map { $0.value.value["nodeTopology"] }.filter { !$0.isNull }
    }

    /// The largest volume that a CSIStorageCapacity has room for.
    private static func room(_ capacity: Object) -> Quantity? {
        Quantity(of: capacity.value["maximumVolumeSize"]) ?? Quantity(of: capacity.value["capacity"])
    }

    /// Takes an object of one of `resources` over; `nil` for one that went. Returns whether Pods may find a volume for that.
    func put(_ resource: GroupVersionResource, before: Object?, after: Object?) -> Bool {
        guard let object = after ?? before else { return false }
        switch resource {
        case StorageObjects.claims: claims[PodKey(object)] = after
        case StorageObjects.classes: classes[object.name] = after
        case StorageObjects.drivers:
            guard after?.value["spec"]["storageCapacity"].bool == true else { return drivers.remove(object.name) != nil }
            drivers.insert(object.name)
            return false
        case StorageObjects.capacities:
            let name = object.value["storageClassName"].string ?? ""
            let old = capacities[name]?.updateValue(object, forKey: PodKey(object))
            if capacities[name] == nil { capacities[name] = [PodKey(object): object] }
            if after == nil { capacities[name]?[PodKey(object)] = nil }
            guard let now = after.flatMap(Self.room) else { return false }
            return old.flatMap(Self.room).map { now > $0 } ?? true
        default:
            if let old = volumes[object.name] { free[old.storageClassName]?.remove(object.name) }
            volumes[object.name] = after
            if after == nil || !object.value["spec"]["claimRef"].isNull { assumed[object.name] = nil }
            if after != nil, object.isFreeVolume { free[object.storageClassName, default: []].insert(object.name) }
        }
        return after != nil
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
