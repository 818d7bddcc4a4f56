internal import APIModel

/// The claims, PersistentVolumes and StorageClasses there are, and which volumes are meant for a claim that does not say so yet. Used by the
/// scheduling thread only.
struct VolumeObjects {
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
    mutating func put(_ resource: GroupVersionResource, before: Object?, after: Object?) {
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

    /// The volume goes to the claim, until the API says so or it is forgotten.
    mutating func assume(_ volume: String, for claim: PodKey) { assumed[volume] = claim }
    mutating func forget(_ volume: String) { assumed[volume] = nil }
}

extension Object {
    /// Of a claim or a volume; empty for none.
    var storageClassName: String { StorageObjects.className(of: value) }

    fileprivate var isFreeVolume: Bool {
        !isBeingDeleted && value["spec"]["claimRef"].isNull && value["status"]["phase"].string == "Available"
    }
}
