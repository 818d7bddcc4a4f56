import APIModel

/// Keeps a kubelet to its own node and the pods on it.
struct NodeRestriction: AdmissionMember {
    let name = "NodeRestriction"

    private static let prefix = "system:node:"

    func concerns(collection: String) -> Bool { collection == "/nodes" || collection == "/pods" }

    /// The node that the user is the kubelet of.
    static func node(of user: UserInfo) -> String? {
        guard user.groups.contains("system:nodes"), user.name.hasPrefix(prefix) else { return nil }
        return String(user.name.dropFirst(prefix.count))
    }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        guard let node = Self.node(of: request.user) else { return }
        let target = request.target
        switch (target.storage.collection, request.operation) {
        case ("/nodes", .create), ("/nodes", .update), ("/nodes", .delete):
            guard node == target.name else {
                throw target.forbidden("node \"\(node)\" is not allowed to modify node \"\(target.name)\"")
            }
        case ("/pods", .create) where request.isOfObject: try checkMirror(object, node, target)
        default: return
        }
    }

    private func checkMirror(_ pod: Value, _ node: String, _ target: Target) throws {
        guard !pod[path: "metadata", "annotations"]["kubernetes.io/config.mirror"].isNull else {
            throw target.forbidden(
                "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"\(node)\" can only create mirror pods")
        }
        guard pod[path: "spec", "nodeName"].string == node else {
            throw target.forbidden("node \"\(node)\" can only create pods with spec.nodeName set to itself")
        }
    }
}
