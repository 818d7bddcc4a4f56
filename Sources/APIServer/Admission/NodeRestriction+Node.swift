import APIModel
import OrderedCollections

extension NodeRestriction {
    /// A node changes itself alone, and nothing by which workloads that matter could be led to it.
    static let checkNode: Check = { object, node, request in
        let (target, quoted) = (request.target, FieldError.quoted(node))
        guard node == target.name else {
            throw target.forbidden("node \(quoted) is not allowed to modify node \(FieldError.quoted(target.name))")
        }
        let source = object[path: "spec", "configSource"]
        switch request.operation {
        case .create:
            guard source.isNull else {
                throw target.forbidden("node \(quoted) is not allowed to create pods with a non-nil configSource")
            }
            let labels = forbidden(object["metadata"]["labels"].strings, [:])
            guard labels.isEmpty else {
                throw target.forbidden("node \(quoted) is not allowed to set the following labels: \(labels.joined(separator: ", "))")
            }
        case .update:
            guard let old = request.old else { return }
            guard source.isNull || source == old[path: "spec", "configSource"] else {
                throw target.forbidden("node \(quoted) is not allowed to update configSource to a new non-nil configSource")
            }
            if object[path: "spec", "taints"] != old[path: "spec", "taints"] {
                throw target.forbidden("node \(quoted) is not allowed to modify taints")
            }
            if object["metadata"]["ownerReferences"] != old["metadata"]["ownerReferences"] {
                throw target.forbidden("node \(quoted) is not allowed to modify ownerReferences")
            }
            let labels = forbidden(object["metadata"]["labels"].strings, old["metadata"]["labels"].strings)
            guard labels.isEmpty else {
                throw target.forbidden("is not allowed to modify labels: \(labels.joined(separator: ", "))")
            }
        case .delete, .connect: return
        }
    }

    /// The labels that differ and are not the kubelet's to set.
    private static func forbidden(_ new: [String: String], _ old: [String: String]) -> [String] {
        Set(new.keys).union(old.keys).filter { new[$0] != old[$0] && !mayLabel($0) }.sorted()
    }

    private static func mayLabel(_ key: String) -> Bool {
        let prefix = key.contains("/") ? String(key.prefix { $0 != "/" }) : ""
        func lies(in domain: String) -> Bool { prefix == domain || prefix.hasSuffix(".\(domain)") }
        if lies(in: "node-restriction.kubernetes.io") { return false }
        guard lies(in: "kubernetes.io") || lies(in: "k8s.io") else { return true }
        return kubeletLabels.contains(key) || lies(in: "kubelet.kubernetes.io") || lies(in: "node.kubernetes.io")
    }

    private static let kubeletLabels: Set = [
        NodeLabel.hostname, NodeLabel.zone, NodeLabel.region, NodeLabel.olderZone, NodeLabel.olderRegion,
        NodeLabel.system, NodeLabel.architecture, NodeLabel.olderSystem, NodeLabel.olderArchitecture,
        "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
    ]
}
