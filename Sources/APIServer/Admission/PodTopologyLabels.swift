import APIModel
import OrderedCollections

/// A pod tells its containers where its node stands: it gets the node's labels of zone and region when it is bound.
struct PodTopologyLabels: MutatingMember {
    let name = "PodTopologyLabels"

    private static let labels = [NodeLabel.zone, NodeLabel.region]

    func concerns(collection: String) -> Bool { collection == "/pods" || collection == "/bindings" }

    /// What a pod says of itself already does not count. A node that nobody knows has no place.
    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create else { return }
        let isBinding = request.target.subresource == "binding"
        guard isBinding || request.isOfObject else { return }
        let node = isBinding ? object[path: "target", "name"] : object[path: "spec", "nodeName"]
        if isBinding, let kind = object[path: "target", "kind"].string, !kind.isEmpty, kind != "Node" { return }
        guard let name = node.string, !name.isEmpty, let found = request.registry.latest("/nodes", name: name) else { return }
        for label in Self.labels {
            let value = found.metadata["labels"][label]
            if !value.isNull { object["metadata"]["labels"][label] = value }
        }
    }
}
