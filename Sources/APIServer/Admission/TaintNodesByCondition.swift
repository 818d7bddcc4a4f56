import APIModel

/// A new node takes no pods until somebody has seen that it is ready.
struct TaintNodesByCondition: MutatingMember {
    let name = "TaintNodesByCondition"

    func concerns(collection: String) -> Bool { collection == "/nodes" }

    func admit(_ node: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create, request.isOfObject else { return }
        let taints = node[path: "spec", "taints"].elements
        guard !taints.contains(where: { $0["key"].string == "node.kubernetes.io/not-ready" && $0["effect"].string == "NoSchedule" }) else {
            return
        }
        node["spec"]["taints"] = .array(taints + [["key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"]])
    }
}
