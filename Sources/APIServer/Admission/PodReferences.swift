import APIModel
import OrderedCollections

/// The objects beside it that a pod needs, by collection and name: all in its namespace, and what its node may read for it.
struct PodReferences {
    private(set) var names: [String: Set<String>] = [:]

    init(_ pod: Value) {
        let spec = pod["spec"]
        add("/serviceaccounts", spec["serviceAccountName"])
        for reference in spec["imagePullSecrets"].elements { add("/secrets", reference["name"]) }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in spec[list].elements { add(container: container) }
        }
        for volume in spec["volumes"].elements { add(volume: volume, pod: pod[path: "metadata", "name"].string ?? "") }
        for claim in spec["resourceClaims"].elements { add("resource.k8s.io/resourceclaims", claim["resourceClaimName"]) }
        for made in pod[path: "status", "resourceClaimStatuses"].elements + [pod[path: "status", "extendedResourceClaimStatus"]] {
            add("resource.k8s.io/resourceclaims", made["resourceClaimName"])
        }
    }

    private mutating func add(_ collection: String, _ name: Value) {
        if let name = name.string, !name.isEmpty { names[collection, default: []].insert(name) }
    }

    private mutating func add(container: Value) {
        for source in container["envFrom"].elements {
            add("/secrets", source["secretRef"]["name"])
            add("/configmaps", source["configMapRef"]["name"])
        }
        for variable in container["env"].elements {
            add("/secrets", variable["valueFrom"]["secretKeyRef"]["name"])
            add("/configmaps", variable["valueFrom"]["configMapKeyRef"]["name"])
        }
    }

    private mutating func add(volume: Value, pod: String) {
        add("/secrets", volume["secret"]["secretName"])
        add("/secrets", volume["azureFile"]["secretName"])
        add("/secrets", volume["csi"]["nodePublishSecretRef"]["name"])
        for type in ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"] {
            add("/secrets", volume[type]["secretRef"]["name"])
        }
        add("/configmaps", volume["configMap"]["name"])
        for source in volume["projected"]["sources"].elements {
            add("/secrets", source["secret"]["name"])
            add("/configmaps", source["configMap"]["name"])
        }
        add("/persistentvolumeclaims", volume["persistentVolumeClaim"]["claimName"])
        if !volume["ephemeral"].isNull { add("/persistentvolumeclaims", .string(PodClaims.name(of: volume, pod: pod))) }
    }

    /// What a pod refers to that stands for nothing in the API, in the words of a refusal; `nil` when it refers to nothing.
    static func first(in pod: Value) -> String? {
        let names = PodReferences(pod).names
        let order = [
            "/serviceaccounts", "/secrets", "/configmaps", "resource.k8s.io/resourceclaims", "/persistentvolumeclaims",
        ]
        if let found = order.first(where: { names[$0] != nil }) { return found.split(separator: "/").last.map(String.init) }
        if !pod[path: "spec", "resourceClaims"].isEmpty { return "resourceclaims" }
        for volume in pod[path: "spec", "volumes"].elements {
            if !volume["csi"].isNull { return "csidrivers (via CSI volumes)" }
            if !volume["glusterfs"].isNull { return "endpoints (via glusterFS volumes)" }
            let sources = volume[path: "projected", "sources"].elements
            for (field, what) in [
                ("serviceAccountToken", "serviceaccounts (via projected volumes)"), ("clusterTrustBundle", "clustertrustbundles"),
                ("podCertificate", "podcertificates"),
            ] where sources.contains(where: { !$0[field].isNull }) {
                return what
            }
        }
        return nil
    }
}
