internal import APIModel

/// Where the labels of a PersistentVolume say that it is: upstream's VolumeZone.
enum VolumeZones {
    /// By older name, the newer one.
    private static let older = [NodeLabel.olderZone: NodeLabel.zone, NodeLabel.olderRegion: NodeLabel.region]
    private static let keys = [NodeLabel.zone, NodeLabel.region] + older.keys.sorted()

    /// Of Nodes, as in a node selector: one that says nothing of zones will do; `nil` where every Node does.
    static func terms(_ volume: Object) -> [Value]? {
        let there = keys.compactMap { key in volume.labels[key].flatMap { values($0) }.map { (key, $0) } }
        guard !there.isEmpty else { return nil }
        // Of a Node without the older label the newer one counts.
        let ways = there.reduce([[]] as [[Value]]) { ways, label in
            ways.flatMap { way in alternatives(label.0, label.1).map { way + $0 } }
        }
        return ways.map { ["matchExpressions": .array($0)] } + [["matchExpressions": .array(keys.map(isAbsent))]]
    }

    private static func alternatives(_ key: String, _ values: Value) -> [[Value]] {
        func isOneOf(_ key: String) -> Value { ["key": .string(key), "operator": "In", "values": values] }
        guard let newer = older[key] else { return [[isOneOf(key)]] }
        return [[isOneOf(key)], [isAbsent(key), isOneOf(newer)]]
    }

    private static func isAbsent(_ key: String) -> Value { ["key": .string(key), "operator": "DoesNotExist"] }

    /// `a__b`; a label with an empty part means nothing.
    private static func values(_ label: String) -> Value? {
        let all = label.split(separator: "__", omittingEmptySubsequences: false).map(String.init)
        return all.contains("") ? nil : Value(all)
    }
}
