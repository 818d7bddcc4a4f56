public import APIModel

/// What controllers of storage write on claims and volumes for one another.
public enum StorageAnnotation {
    /// On a claim: it was bound once, completely.
    public static let bindCompleted = "pv.kubernetes.io/bind-completed"
    /// On a claim or a volume: the other was chosen by a controller, not by a user.
    public static let boundByController = "pv.kubernetes.io/bound-by-controller"
    /// On a volume: who made it, and will remove it.
    public static let provisionedBy = "pv.kubernetes.io/provisioned-by"
    /// On a claim: the Node that the Pod goes to which is the first to use it.
    public static let selectedNode = "volume.kubernetes.io/selected-node"
    /// On a claim: who is to make a volume for it.
    public static let provisioner = "volume.kubernetes.io/storage-provisioner"
    public static let provisionerBeta = "volume.beta.kubernetes.io/storage-provisioner"
}

/// What claims, volumes and classes say, by upstream's rules (`k8s.io/component-helpers/storage/volume`).
public enum StorageObjects {
    public static let volumes = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumes")
    public static let claims = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumeclaims")
    public static let classes = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "storageclasses")

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

    public static func capacity(of object: Value) -> Quantity {
        Quantity(of: (object["kind"].string == "PersistentVolume" ? object["spec"] : object["status"])["capacity"]["storage"]) ?? .zero
    }

    public static func mode(of object: Value) -> String { object["spec"]["volumeMode"].string ?? "Filesystem" }

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
        let required = volume["spec"]["nodeAffinity"]["required"]
        guard !required.isNull else { return true }
        return NodeFit.matches(
            ["affinity": ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": required]]], node: node)
    }
}

/// The claims that a Pod uses.
public enum PodClaims {
    /// By name, those of ephemeral volumes included.
    public static func names(_ pod: Value) -> [String] {
        pod["spec"]["volumes"].elements.compactMap { volume in
            volume["ephemeral"].isNull ? volume["persistentVolumeClaim"]["claimName"].string : name(of: volume, pod)
        }
    }

    /// The claim of an ephemeral volume.
    public static func name(of volume: Value, _ pod: Value) -> String {
        "\(pod["metadata"]["name"].string ?? "")-\(volume["name"].string ?? "")"
    }

    /// The keys of the claims that `pod` uses, for a controller's `map`.
    public static func keys(_ pod: Value) -> [Key] {
        names(pod).map {
            Key(resource: StorageObjects.claims.description, namespace: pod["metadata"]["namespace"].string ?? "", name: $0)
        }
    }
}

extension Objects {
    /// The Pods that use a claim, and the one that it was made for. The manifest must watch Pods and index them by
    /// `spec.volumes[*].persistentVolumeClaim.claimName`.
    public func pods(using claim: Value) throws -> [Value] {
        let metadata = claim["metadata"]
        let (namespace, name) = (metadata["namespace"].string ?? "", metadata["name"].string ?? "")
        var pods = try list(.pods, namespace: namespace, fields: "spec.volumes[*].persistentVolumeClaim.claimName=\(name)")
        let owner = OwnerReference.controller(of: claim)
        if owner["kind"].string == "Pod", owner["apiVersion"].string == "v1",
            let pod = try get(.pods, namespace: namespace, name: owner["name"].string ?? ""), pod["metadata"]["uid"] == owner["uid"],
            pod["spec"]["volumes"].elements.contains(where: { !$0["ephemeral"].isNull && PodClaims.name(of: $0, pod) == name })
        {
            pods.append(pod)
        }
        return pods
    }
}
