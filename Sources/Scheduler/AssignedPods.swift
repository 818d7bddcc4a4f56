internal import APIModel

/// The Pods that hold something on a Node: bound ones, and those assumed to be bound soon. Keeps the columns right whatever order Pods and
/// Nodes come in.
struct AssignedPods {
    private struct Entry {
        var pod: PodInfo
        var node: String
        /// Chosen by us, and the API has not said so yet.
        var isAssumed: Bool
    }
    private var entries: [PodKey: Entry] = [:]
    private var byNode: [String: Set<PodKey>] = [:]
    let columns: NodeColumns

    init(_ columns: NodeColumns) { self.columns = columns }

    func contains(_ key: PodKey) -> Bool { entries[key] != nil }
    func isAssumed(_ key: PodKey, uid: String) -> Bool { entries[key].map { $0.isAssumed && $0.pod.uid == uid } ?? false }

    /// Counts `pod` on `node`, in the place of what it held before. The Node may come later.
    mutating func put(_ pod: PodInfo, node: String, isAssumed: Bool) {
        remove(pod.key)
        entries[pod.key] = Entry(pod: pod, node: node, isAssumed: isAssumed)
        byNode[node, default: []].insert(pod.key)
        if let index = columns.index(of: node) { columns.add(pod, to: index) }
    }

    /// Returns whether the Pod held anything.
    @discardableResult
    mutating func remove(_ key: PodKey) -> Bool {
        guard let entry = entries.removeValue(forKey: key) else { return false }
        byNode[entry.node]?.remove(key)
        if byNode[entry.node]?.isEmpty == true { byNode[entry.node] = nil }
        if let index = columns.index(of: entry.node) { columns.subtract(entry.pod, from: index) }
        return true
    }

    /// Takes back what was assumed; what the API confirmed meanwhile stays. Returns whether that made room.
    mutating func forget(_ key: PodKey, uid: String) -> Bool { isAssumed(key, uid: uid) && remove(key) }

    /// Takes a Node over, with the Pods that came before it. Returns whether that can make room for waiting Pods.
    mutating func putNode(_ node: Object) -> Bool {
        let isNew = columns.index(of: node.name) == nil
        let changed = columns.put(node)
        if isNew, let index = columns.index(of: node.name) {
            for key in byNode[node.name] ?? [] { columns.add(entries[key]!.pod, to: index) }
        }
        return changed
    }

    /// The Node goes; its Pods hold something again should it come back.
    mutating func removeNode(_ name: String) {
        guard let index = columns.index(of: name) else { return }
        for key in byNode[name] ?? [] { columns.subtract(entries[key]!.pod, from: index) }
        columns.remove(name)
    }
}
