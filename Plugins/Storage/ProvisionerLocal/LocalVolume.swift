internal import APIModel
internal import OrderedCollections
internal import PluginKit

/// A volume on one Node's disk: when it is wanted, what it looks like, when it goes. No clock, no API.
struct LocalVolume {
    static let provisioner = "local.apus.dev"
    static let className = "local"
    static let finalizer = "external-provisioner.volume.kubernetes.io/finalizer"
    /// On a volume: whether the file system keeps Pods from writing more than its size.
    static let enforced = "local.apus.dev/enforced"

    let node: String
    /// Where the volumes lie.
    let directory: String

    /// For claims that name no class, where nobody else is for them.
    static func storageClass(isDefault: Bool) -> Value {
        [
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": [
                "name": .string(className),
                "annotations": isDefault ? ["storageclass.kubernetes.io/is-default-class": "true"] : .null,
            ],
            "provisioner": .string(provisioner), "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": true,
        ]
    }

    // MARK: A claim

    static func name(for claim: Value) -> String { "pvc-\(claim["metadata"]["uid"].string ?? "")" }

    /// Whether the binder asks us, and the Pod comes to this Node.
    func isWanted(_ claim: Value, _ storageClass: Value) -> Bool {
        let annotations = claim["metadata"]["annotations"]
        guard annotations[StorageAnnotation.provisioner].string == Self.provisioner,
            storageClass["provisioner"].string == Self.provisioner, claim["spec"]["volumeName"].isEmpty,
            claim["metadata"]["deletionTimestamp"].isNull
        else { return false }
        guard let selected = annotations[StorageAnnotation.selectedNode].string else {
            return !StorageObjects.waitsForConsumer(storageClass)
        }
        return selected == node
    }

    /// What a directory cannot give, in one sentence.
    /// - Parameters:
    ///   - labels: the Node's.
    ///   - size: of the disk, in bytes.
    static func refusal(_ claim: Value, _ storageClass: Value, labels: [String: String], size: UInt64) -> String? {
        let spec = claim["spec"]
        if StorageObjects.mode(of: claim) == "Block" { return "volumeMode Block is not supported" }
        if !spec["selector"].isNull { return "claim Selector is not supported" }
        if !spec["dataSource"].isNull || !spec["dataSourceRef"].isNull { return "a dataSource is not supported" }
        if !spec["volumeAttributesClassName"].isEmpty { return "volumeAttributesClassName is not supported" }
        if let parameter = storageClass["parameters"].fields.keys.first { return "the class's parameter \(parameter) is not known" }
        if !storageClass["mountOptions"].isEmpty { return "the class's mountOptions are not supported" }
        let topologies = storageClass["allowedTopologies"].elements
        let isAllowed = topologies.contains { term in
            term["matchLabelExpressions"].elements.allSatisfy { expression in
                labels[expression["key"].string ?? ""].map { expression["values"].elements.contains(.string($0)) } ?? false
            }
        }
        if !topologies.isEmpty, !isAllowed { return "the node is not in the class's allowedTopologies" }
        if bytes(StorageObjects.requested(by: claim)) > size { return "the node's disk has \(size) bytes in all" }
        return nil
    }

    static func bytes(_ quantity: Quantity) -> UInt64 { UInt64(clamping: quantity.value.int64) }

    func volume(for claim: Value, _ storageClass: Value, isEnforced: Bool) -> Value {
        let metadata = claim["metadata"]
        let policy = storageClass["reclaimPolicy"].string ?? "Delete"
        return [
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": [
                "name": .string(Self.name(for: claim)),
                "annotations": [
                    StorageAnnotation.provisionedBy: .string(Self.provisioner), Self.enforced: isEnforced ? "true" : "false",
                ],
                "finalizers": policy == "Delete" ? [.string(Self.finalizer)] : .null,
            ],
            "spec": [
                "capacity": ["storage": claim["spec"]["resources"]["requests"]["storage"]], "accessModes": claim["spec"]["accessModes"],
                "persistentVolumeReclaimPolicy": .string(policy), "storageClassName": .string(StorageObjects.className(of: claim)),
                "volumeMode": "Filesystem", "local": ["path": .string("\(directory)/\(Self.name(for: claim))")],
                "claimRef": [
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": metadata["namespace"], "name": metadata["name"],
                    "uid": metadata["uid"],
                ],
                "nodeAffinity": [
                    "required": [
                        "nodeSelectorTerms": [
                            ["matchExpressions": [["key": .string(NodeLabel.hostname), "operator": "In", "values": [.string(node)]]]]
                        ]
                    ]
                ],
            ],
        ]
    }

    // MARK: A volume

    /// Whether we made it, here.
    func isOurs(_ volume: Value) -> Bool {
        let (metadata, spec) = (volume["metadata"], volume["spec"])
        return metadata["annotations"][StorageAnnotation.provisionedBy].string == Self.provisioner
            && spec["local"]["path"].string == "\(directory)/\(metadata["name"].string ?? "")"
            && StorageObjects.isWithinReach(volume, of: ["metadata": ["labels": [NodeLabel.hostname: .string(node)]]])
    }

    /// Whether the volume and what it holds go.
    static func isOver(_ volume: Value) -> Bool { volume["status"]["phase"].string == "Released" && isDeleted(volume) }

    private static func isDeleted(_ volume: Value) -> Bool { volume["spec"]["persistentVolumeReclaimPolicy"].string == "Delete" }

    /// The finalizers that a volume should have: ours as long as we are to remove what it holds. `nil` where it has them.
    static func finalizers(of volume: Value) -> Value? {
        let before = volume["metadata"]["finalizers"].elements
        let isThere = before.contains(.string(finalizer))
        if isDeleted(volume) {
            let isSettled = isThere || !volume["metadata"]["deletionTimestamp"].isNull
            return isSettled ? nil : .array(before + [.string(finalizer)])
        }
        return isThere ? .array(before.filter { $0.string != finalizer }) : nil
    }
}
