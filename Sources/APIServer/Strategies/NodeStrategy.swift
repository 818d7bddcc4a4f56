import APIModel

/// Nodes: a kubelet writes its own and no other.
struct NodeStrategy: Strategy {
    func prepareForCreate(_ node: inout Value, _ target: Target, _ write: Write) async throws {
        try NodeRestriction.checkNode(target, write)
    }
    func prepareForUpdate(_ node: inout Value, old: Value, _ target: Target, _ write: Write) async throws {
        try NodeRestriction.checkNode(target, write)
    }
    func prepareForDelete(_ node: inout Value, _ target: Target, _ write: Write) async throws {
        try NodeRestriction.checkNode(target, write)
    }
}

/// Keeps a kubelet to its own node and the pods on it.
enum NodeRestriction {
    private static let prefix = "system:node:"

    /// The node that the user is the kubelet of.
    static func node(of user: UserInfo) -> String? {
        guard user.groups.contains("system:nodes"), user.name.hasPrefix(prefix) else { return nil }
        return String(user.name.dropFirst(prefix.count))
    }

    static func checkNode(_ target: Target, _ write: Write) throws {
        guard let node = node(of: write.user), node != target.name else { return }
        throw target.forbidden("node \"\(node)\" is not allowed to modify node \"\(target.name)\"")
    }

    static func checkPodCreate(_ pod: Value, _ target: Target, _ write: Write) throws {
        guard let node = node(of: write.user) else { return }
        guard !pod[path: "metadata", "annotations"]["kubernetes.io/config.mirror"].isNull else {
            throw target.forbidden(
                "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"\(node)\" can only create mirror pods")
        }
        guard pod[path: "spec", "nodeName"].string == node else {
            throw target.forbidden("node \"\(node)\" can only create pods with spec.nodeName set to itself")
        }
    }
}
