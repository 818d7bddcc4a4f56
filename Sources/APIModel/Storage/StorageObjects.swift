/// What claims, volumes and classes say, by upstream's rules (`k8s.io/component-helpers/storage/volume`).
public enum StorageObjects {
    public static let volumes = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumes")
    public static let claims = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumeclaims")
    public static let classes = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "storageclasses")
    public static let attachments = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "volumeattachments")
    public static let drivers = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "csidrivers")
    public static let capacities = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "csistoragecapacities")
    public static let driversOfNodes = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "csinodes")

    /// How a Node's status calls a volume of a CSI driver.
    public static func uniqueName(driver: String, handle: String) -> String { "kubernetes.io/csi/\(driver)^\(handle)" }

    /// The name of the VolumeAttachment by which a volume of a CSI driver comes to a Node.
    /// - Parameter digest: of a text, its SHA-256 in hexadecimal digits.
    public static func attachmentName(driver: String, handle: String, node: String, digest: (String) -> String) -> String {
        "csi-" + digest(handle + driver + node)
    }

    /// The class of a claim or a volume, empty for none.
    public static func className(of object: Value) -> String {
        object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"].string ?? object["spec"]["storageClassName"].string
            ?? ""
    }

    /// Whether the claim says which class it wants, and be it none.
    public static func hasClass(_ claim: Value) -> Bool {
        !claim["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"].isNull || !claim["spec"]["storageClassName"].isNull
    }

    public static func isDefault(_ storageClass: Value) -> Bool {
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"].contains {
            storageClass["metadata"]["annotations"][$0].string == "true"
        }
    }

    public static func waitsForConsumer(_ storageClass: Value) -> Bool {
        storageClass["volumeBindingMode"].string == "WaitForFirstConsumer"
    }

    public static func requested(by claim: Value) -> Quantity {
        Quantity(of: claim["spec"]["resources"]["requests"]["storage"]) ?? .zero
    }

    public static func capacity(ofClaim claim: Value) -> Quantity { Quantity(of: claim["status"]["capacity"]["storage"]) ?? .zero }
    public static func capacity(ofVolume volume: Value) -> Quantity { Quantity(of: volume["spec"]["capacity"]["storage"]) ?? .zero }

    public static func mode(of object: Value) -> String { object["spec"]["volumeMode"].string ?? "Filesystem" }

    /// The VolumeAttributesClass of a claim or a volume, empty for none.
    public static func attributesClass(of object: Value) -> String { object["spec"]["volumeAttributesClassName"].string ?? "" }

    /// Whether the volume can be used in each way that the claim asks for.
    public static func hasAccessModes(_ volume: Value, for claim: Value) -> Bool {
        let offered = volume["spec"]["accessModes"].elements
        return claim["spec"]["accessModes"].elements.allSatisfy(offered.contains)
    }

    /// Whether the volume is as large as the claim wants it, and of the kind, whatever class and labels it has.
    public static func suffices(_ volume: Value, for claim: Value) -> Bool {
        capacity(ofVolume: volume) >= requested(by: claim) && mode(of: volume) == mode(of: claim)
            && attributesClass(of: volume) == attributesClass(of: claim) && hasAccessModes(volume, for: claim)
    }

    /// Whether the volume is for that claim, bound or only reserved.
    public static func isMeant(_ volume: Value, for claim: Value) -> Bool {
        let (reference, metadata) = (volume["spec"]["claimRef"], claim["metadata"])
        guard !reference.isNull, reference["name"] == metadata["name"], reference["namespace"] == metadata["namespace"] else {
            return false
        }
        return reference["uid"].isEmpty || reference["uid"] == metadata["uid"]
    }

    /// Whether Pods on the Node can use the volume.
    public static func isWithinReach(_ volume: Value, of node: Value) -> Bool {
        isWithinReach(volume, ofNode: node["metadata"]["name"].string ?? "", labels: node["metadata"]["labels"].strings)
    }

    public static func isWithinReach(_ volume: Value, ofNode name: String, labels: [String: String]) -> Bool {
        let required = volume["spec"]["nodeAffinity"]["required"]
        return required.isNull || NodeFit.matches(selector: required, name: name, labels: labels)
    }
}
