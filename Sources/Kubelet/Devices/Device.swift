import APIModel

/// A device as its plugin tells of it.
struct Device: Equatable, Sendable {
    var id: String
    var isHealthy: Bool
    /// The NUMA nodes it is near, none when it does not say.
    var nodes: Set<Int> = []

    init(id: String, isHealthy: Bool = true, nodes: Set<Int> = []) { (self.id, self.isHealthy, self.nodes) = (id, isHealthy, nodes) }

    /// From a `Device` of the protocol.
    init(_ message: Value) {
        let nodes = message[path: "topology", "nodes"].elements.map { Int($0["ID"].int ?? 0) }
        self.init(id: message["ID"].string ?? "", isHealthy: message["health"].string == "Healthy", nodes: Set(nodes))
    }
}
