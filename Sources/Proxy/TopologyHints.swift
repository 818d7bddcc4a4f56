internal import APIModel

/// Which ready endpoints of one port are meant for this node: those hinted for it, where every one has such a hint and one is for this node;
/// else those hinted for its zone, by the same rule; else all.
///
/// Rules: upstream `pkg/proxy/topology.go`.
struct TopologyHints {
    let nodeName: String
    /// Empty for a node without one.
    let zone: String

    private var forNode = Tally()
    private var forZone = Tally()

    init(nodeName: String, zone: String) { (self.nodeName, self.zone) = (nodeName, zone) }

    /// One kind of hint on all ready endpoints.
    private struct Tally {
        var hasEveryone = true
        var mine: Set<String> = []

        mutating func note(_ names: [Value], _ name: String, _ endpoint: String) {
            if names.isEmpty { hasEveryone = false }
            if !name.isEmpty, names.contains(where: { $0["name"].string == name }) { mine.insert(endpoint) }
        }
        var decides: Bool { hasEveryone && !mine.isEmpty }
    }

    mutating func note(_ hints: Value, of endpoint: String) {
        forNode.note(hints["forNodes"].elements, nodeName, endpoint)
        forZone.note(hints["forZones"].elements, zone, endpoint)
    }

    /// Asked when every ready endpoint has been noted.
    func allow(_ endpoint: String) -> Bool {
        if forNode.decides { return forNode.mine.contains(endpoint) }
        return !forZone.decides || forZone.mine.contains(endpoint)
    }
}
