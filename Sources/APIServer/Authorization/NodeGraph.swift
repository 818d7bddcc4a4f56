import APIModel
import Store

/// Which objects belong to which node: what is bound to it, and what the pods bound to it refer to.
///
/// The graph is the store's index: each pod can be found by its node together with whatever it refers to, each volume by the secrets that a
/// kubelet reads for it. So the graph is as new as the objects, and asking costs the same whatever runs elsewhere.
struct NodeGraph: Sendable {
    let store: Store

    /// Collections whose objects name their node.
    private static let bound: Set = [
        "/pods", "storage.k8s.io/volumeattachments", "resource.k8s.io/resourceslices", "certificates.k8s.io/podcertificaterequests",
    ]

    /// Whether a way leads from the node to the object, which need not exist.
    func leads(from node: String, to key: RecordKey) -> Bool {
        if Self.bound.contains(key.collection) { return store.get(key)?.object.value[path: "spec", "nodeName"].string == node }
        if key.collection == "/persistentvolumes" {
            return store.get(key).map { isMounted($0.object.value, on: node) } ?? false
        }
        return needs(node, key) || key.collection == "/secrets" && volumes(with: key.name).contains { isMounted($0, on: node) }
    }

    /// Whether a pod on the node refers to the object.
    private func needs(_ node: String, _ key: RecordKey) -> Bool {
        first("/pods", by: Self.term(node, key)) { pod in
            pod[path: "spec", "nodeName"].string == node && PodReferences(pod).contains(key.collection, key.name)
        } != nil
    }

    /// Whether a pod on the node has the volume's claim.
    private func isMounted(_ volume: Value, on node: String) -> Bool {
        let claim = volume[path: "spec", "claimRef"]
        guard let namespace = claim["namespace"].string, let name = claim["name"].string else { return false }
        return needs(node, RecordKey(collection: "/persistentvolumeclaims", name: "\(namespace)/\(name)"))
    }

    private func volumes(with secret: String) -> [Value] {
        let found = try? store.list("/persistentvolumes", terms: [Self.volumeTerm(secret)]).records
        return (found ?? []).map(\.object.value).filter { VolumeSecrets.names(of: $0).contains(secret) }
    }

    /// The first record with the term that is really meant by it: two words may share a term.
    private func first(_ collection: String, by term: Term, where isMeant: (Value) -> Bool) -> Value? {
        var after: String?
        while let record = try? store.list(collection, terms: [term], after: after, limit: 1).records.first {
            let value = record.object.value
            if isMeant(value) { return value }
            after = record.key.name
        }
        return nil
    }

    // MARK: Terms

    /// By what the graph finds an object of the collection, beside its labels and fields.
    static func terms(of object: Value, in collection: String) -> [Term] {
        switch collection {
        case "/pods": pod(object)
        case "/persistentvolumes": VolumeSecrets.names(of: object).map(volumeTerm)
        default: []
        }
    }

    /// A mirror pod leads to nothing: the node itself wrote it.
    private static func pod(_ pod: Value) -> [Term] {
        guard let node = pod[path: "spec", "nodeName"].string, !node.isEmpty,
            pod[path: "metadata", "annotations"][MirrorPod.annotation].isNull
        else { return [] }
        let namespace = pod[path: "metadata", "namespace"].string ?? ""
        return PodReferences(pod).names.flatMap { collection, names in
            names.map { term(node, RecordKey(collection: collection, name: "\(namespace)/\($0)")) }
        }
    }

    private static func term(_ node: String, _ key: RecordKey) -> Term { Term(.field, "node \(node) \(key.collection)", key.name) }
    private static func volumeTerm(_ secret: String) -> Term { Term(.field, "volume secret", secret) }
}

extension PodReferences {
    /// - Parameter name: with its namespace, which is the pod's.
    fileprivate func contains(_ collection: String, _ name: String) -> Bool {
        names[collection]?.contains(String(name.drop { $0 != "/" }.dropFirst())) == true
    }
}

/// The secrets that a kubelet reads to mount a persistent volume.
enum VolumeSecrets {
    /// Sources whose secret lies beside the claim when no namespace is said.
    private static let legacy = ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"]
    private static let csi = ["nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"]

    /// `namespace/name` each; none of a volume that nobody claims.
    static func names(of volume: Value) -> [String] {
        let spec = volume["spec"]
        guard let claimed = spec[path: "claimRef", "namespace"].string else { return [] }
        func name(_ reference: Value) -> String? {
            guard let name = reference["name"].string, !name.isEmpty else { return nil }
            return "\(reference["namespace"].string ?? claimed)/\(name)"
        }
        let azure = spec["azureFile"]
        let references =
            legacy.map { spec[$0]["secretRef"] } + csi.map { spec["csi"][$0] }
            + [["name": azure["secretName"], "namespace": azure["secretNamespace"]]]
        return references.compactMap(name)
    }
}
