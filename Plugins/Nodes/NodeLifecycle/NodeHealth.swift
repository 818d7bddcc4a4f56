internal import APIModel

/// What is remembered of Nodes between two looks. Clocks of other machines are not trusted, nor the date of this one, which can be set: what
/// counts is how long ago something was seen here. Times are seconds since any moment.
struct NodeHealth {
    private struct Seen {
        /// The newest sign of life.
        var sign: String
        var since: Whole
        var node: Value
    }

    private var nodes: [String: Seen] = [:]
    /// Nobody is silent for longer than since then.
    private var restart: Whole = .min

    /// - Returns: for how many seconds nothing was heard of the Node, and whether it is new here.
    /// - Parameters:
    ///   - renewTime: of its Lease.
    ///   - age: of the Node.
    mutating func note(_ node: Value, ready: Value, renewTime: String?, age: Whole, now: Whole) -> (silence: Whole, isNew: Bool) {
        let name = node["metadata"]["name"].string ?? ""
        let sign = "\(renewTime ?? "") \(ready["lastHeartbeatTime"].string ?? "")"
        let known = nodes[name].flatMap { $0.node["metadata"]["uid"] == node["metadata"]["uid"] ? $0 : nil }
        if let known, known.sign == sign { return (now - max(known.since, restart), false) }
        // A kubelet that has never said anything is waited for from the beginning.
        let isMute = known == nil && renewTime == nil && ready.isNull
        let since = isMute ? now - age : now
        let reference: Value = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": node["metadata"]["name"], "uid": node["metadata"]["uid"]],
        ]
        nodes[name] = Seen(sign: sign, since: since, node: reference)
        return (now - max(since, restart), known == nil)
    }

    /// - Returns: the Node, as far as an Event needs it, if it was known.
    mutating func forget(_ name: String) -> Value? { nodes.removeValue(forKey: name)?.node }

    /// Gives every Node its whole time anew, for nothing could be heard until now.
    mutating func startAnew(now: Whole) { restart = now }
}
