internal import PluginAPI

/// One Node, as a scheduler policy gets to see it.
public struct NodeSample: Sendable {
    public var name: String
    /// cpu in thousandths, memory and ephemeral storage in bytes, how many Pods.
    public var allocatable: [Int64] = [4000, 8 << 30, 100 << 30, 110]
    public var requested: [Int64] = [0, 0, 0, 0]
    public var labels: [String: String] = [:]
    public var taints: [(key: String, value: String, effect: Int32)] = []
    public var hostPorts: [Int32] = []
    public var isUnschedulable = false

    public init(_ name: String) {
        self.name = name
        labels["kubernetes.io/hostname"] = name
    }

    /// So many Nodes of many sorts, the same at every call: loaded and idle ones, tainted ones, some that take no Pods; every 13th is a
    /// hole.
    static func cluster(_ count: Int) -> [NodeSample?] {
        (0..<count).map { index in
            if index % 13 == 12 { return nil }
            var node = NodeSample("node-\(index)")
            node.labels["topology.kubernetes.io/zone"] = ["a", "b", "c"][index % 3]
            node.labels["generation"] = String(index % 10)
            node.requested = [Int64(index * 37 % 4100), Int64(index * 53 % 8200) << 20, 0, Int64(index * 7 % 111)]
            if index % 4 == 1 { node.labels["disk"] = "ssd" }
            if index % 7 == 3 { node.taints.append(("dedicated", "batch", Int32(APUS_EFFECT_NO_SCHEDULE))) }
            if index % 9 == 4 { node.taints.append(("slow", "", Int32(APUS_EFFECT_PREFER_NO_SCHEDULE))) }
            if index % 17 == 8 { node.taints.append(("broken", "", Int32(APUS_EFFECT_NO_EXECUTE))) }
            if index % 5 == 2 { node.hostPorts = [8080] }
            node.isUnschedulable = index % 11 == 5
            return node
        }
    }
}
