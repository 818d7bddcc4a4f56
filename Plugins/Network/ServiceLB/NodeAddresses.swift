internal import APIModel
internal import PluginKit

/// The addresses by which nodes can be reached from outside. Pure.
enum NodeAddresses {
    /// A node with this label takes no part.
    private static let excluded = "node.kubernetes.io/exclude-from-external-load-balancers"

    /// Of the ready ones; external addresses, if any node has one, and else internal ones. In order, each once.
    static func all(of nodes: [Value]) -> [String] {
        let nodes = nodes.filter(takesPart)
        for type in ["ExternalIP", "InternalIP"] {
            let found = nodes.flatMap { addresses($0, type) }
            if !found.isEmpty { return Set(found).sorted() }
        }
        return []
    }

    /// What `all` looks at, of one node.
    static func relevant(_ node: Value) -> [Value] {
        [.bool(PodState.isReady(node)), node["metadata"]["labels"][excluded], node["status"]["addresses"]]
    }

    static func takesPart(_ node: Value) -> Bool { PodState.isReady(node) && node["metadata"]["labels"][excluded].isNull }

    /// Nobody outside reaches a node by its loopback address.
    private static func addresses(_ node: Value, _ type: String) -> [String] {
        node["status"]["addresses"].elements.filter { $0["type"].string == type }.compactMap { $0["address"].string }
            .filter { !$0.hasPrefix("127.") && $0 != "::1" }
    }
}
