import APIModel
import PKI

/// A volume of a storage driver, as a pod uses it.
struct CSIVolume: Sendable {
    let driver: String
    /// The driver's name of it.
    let handle: String
    /// The PersistentVolume's name, or the name that the pod has for one of its own.
    let name: String
    /// Whether it lives and dies with the pod.
    let isEphemeral: Bool
    let isReadOnly: Bool
    /// Whether it is a device without a file system.
    let isBlock: Bool
    let fsType: String
    let attributes: [String: String]
    let mountOptions: [String]
    let accessModes: [String]
    /// SecretReferences, null for none.
    let stageSecret: Value
    let publishSecret: Value
    let expandSecret: Value

    /// Of a PersistentVolume; `nil` when it is of another kind.
    init?(_ volume: Value, isReadOnly: Bool) {
        let (spec, source) = (volume["spec"], volume[path: "spec", "csi"])
        guard let driver = source["driver"].string else { return nil }
        self.driver = driver
        handle = source["volumeHandle"].string ?? ""
        name = volume["metadata"].name
        isEphemeral = false
        self.isReadOnly = isReadOnly
        isBlock = StorageObjects.mode(of: volume) == "Block"
        fsType = source["fsType"].string ?? ""
        attributes = source["volumeAttributes"].strings
        mountOptions = spec["mountOptions"].elements.compactMap(\.string)
        accessModes = spec["accessModes"].elements.compactMap(\.string)
        stageSecret = source["nodeStageSecretRef"]
        publishSecret = source["nodePublishSecretRef"]
        expandSecret = source["nodeExpandSecretRef"]
    }

    /// Of a pod's own volume; `nil` when it is of another kind.
    init?(_ volume: Value, of pod: Pod) {
        let source = volume["csi"]
        guard let driver = source["driver"].string else { return nil }
        self.driver = driver
        handle = "csi-" + Digest.hexadecimal(pod.uid + volume.name)
        name = volume.name
        isEphemeral = true
        isReadOnly = source["readOnly"].bool ?? false
        isBlock = false
        fsType = source["fsType"].string ?? ""
        attributes = source["volumeAttributes"].strings
        mountOptions = []
        accessModes = ["ReadWriteOnce"]
        stageSecret = .null
        expandSecret = .null
        let secret = source["nodePublishSecretRef"]
        publishSecret = secret.isNull ? .null : ["name": secret["name"], "namespace": .string(pod.namespace)]
    }

    var device: CSIDevice { CSIDevice(driver: driver, handle: handle, block: isBlock ? name : nil) }

    /// The VolumeAttachment by which it comes to a node.
    func attachment(to node: String) -> String {
        StorageObjects.attachmentName(driver: driver, handle: handle, node: node, digest: Digest.hexadecimal)
    }

    private static let modes: [String: Int64] = [
        "ReadWriteOnce": 1, "ReadOnlyMany": 3, "ReadWriteMany": 5, "ReadWriteOncePod": 1,
    ]
    private static let finerModes: [String: Int64] = ["ReadWriteOnce": 7, "ReadWriteOncePod": 6]

    /// CSI's `VolumeCapability`. Drivers that can do more are told more.
    func capability(_ driver: CSIDriver.Capabilities, group: Int64?) -> Value {
        let mode = accessModes.first ?? "ReadWriteOnce"
        let number = (driver.tellsWritersApart ? Self.finerModes[mode] : nil) ?? Self.modes[mode] ?? 0
        if isBlock { return ["block": .emptyObject, "access_mode": ["mode": .int(Whole(number))]] }
        var mount: Value = ["fs_type": .string(fsType), "mount_flags": Value(mountOptions)]
        if driver.givesToGroups, let group { mount["volume_mount_group"] = .string(String(group)) }
        return ["mount": mount, "access_mode": ["mode": .int(Whole(number))]]
    }
}

/// What a driver's volume is on the node, however many pods use it.
struct CSIDevice: Hashable, Sendable {
    var driver: String
    var handle: String
    /// The PersistentVolume's name, if the volume has no file system: the places of such volumes are called so.
    var block: String?

    /// Where volumes without a file system are, below the kubelet's directory. Upstream: `volumeDevices`.
    static let blocks = "plugins/kubernetes.io/csi/volumeDevices"

    /// How a Node's status calls it.
    var uniqueName: String { StorageObjects.uniqueName(driver: driver, handle: handle) }

    /// Where is written what it is, below the kubelet's directory.
    var directory: String {
        block.map { "\(Self.blocks)/\($0)/data" } ?? "plugins/kubernetes.io/csi/\(driver)/\(Digest.hexadecimal(handle))"
    }

    /// Where the driver brings it for all pods, below the kubelet's directory.
    var staging: String { block.map { "\(Self.blocks)/staging/\($0)" } ?? "\(directory)/globalmount" }

    /// Where the driver brings it for a pod that has it as `key`, below the kubelet's directory.
    func target(_ key: CSILedger.Key) -> String {
        block.map { "\(Self.blocks)/publish/\($0)/\(key.pod)" } ?? "pods/\(key.pod)/\(CSI.volumes)/\(key.volume)/mount"
    }
}
