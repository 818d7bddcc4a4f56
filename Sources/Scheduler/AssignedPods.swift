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
    /// By claim, and by the name of a disk, those that use it.
    private var claimUsers: [PodKey: Set<PodKey>] = [:]
    private var diskUsers: [String: Set<PodKey>] = [:]
    let columns: NodeColumns
    let templates: PodTemplates

    init(_ columns: NodeColumns, _ templates: PodTemplates = PodTemplates()) { (self.columns, self.templates) = (columns, templates) }

    func contains(_ key: PodKey) -> Bool { entries[key] != nil }
    func isAssumed(_ key: PodKey, uid: String) -> Bool { entries[key].map { $0.isAssumed && $0.pod.uid == uid } ?? false }
    /// The uid of a Pod that is assumed to be bound soon.
    func assumed(_ key: PodKey) -> String? { entries[key].flatMap { $0.isAssumed ? $0.pod.uid : nil } }

    /// Counts `pod` on `node`, in the place of what it held before. The Node may come later.
    mutating func put(_ pod: PodInfo, node: String, isAssumed: Bool) {
        remove(pod.key)
        entries[pod.key] = Entry(pod: pod, node: node, isAssumed: isAssumed)
        byNode[node, default: []].insert(pod.key)
        for claim in pod.claims { claimUsers[claim.key, default: []].insert(pod.key) }
        for disk in pod.disks { diskUsers[disk.name, default: []].insert(pod.key) }
        if let index = columns.index(of: node) { columns.add(pod, to: index) }
    }

    /// Those that use a claim.
    func users(of claim: PodKey) -> Set<PodKey> { claimUsers[claim] ?? [] }

    /// The Nodes on which one of them, but for those that are gone, keeps a disk from others.
    func nodes(keeping disk: Disk, gone: Set<PodKey>) -> Set<String> {
        let users = (diskUsers[disk.name] ?? []).subtracting(gone).compactMap { entries[$0] }
        return Set(users.filter { $0.pod.disks.contains { $0.conflicts(with: disk) } }.map(\.node))
    }

    /// The Pods that hold something on a Node, in no order.
    func pods(on node: String) -> [PodInfo] { byNode[node]?.compactMap { entries[$0]?.pod } ?? [] }

    /// Counts a Pod that the API says is bound, and returns what that may mean for others. Most changes of one, such as those of its
    /// conditions, change nothing here.
    mutating func put(bound pod: Object) -> ClusterEvents {
        let key = PodKey(pod)
        let before = entries[key]
        if let before, before.pod.isSame(as: pod) {
            entries[key]?.isAssumed = false
            return []
        }
        let info = PodInfo(pod, templates.template(of: pod))
        if let before, before.isAssumed, before.pod.isSame(as: info), before.node == info.nodeName {
            // What was assumed came true: the columns have it all.
            if let node = columns.index(of: before.node) { columns.replace(before.pod, by: info, on: node) }
            entries[key] = Entry(pod: info, node: info.nodeName, isAssumed: false)
            return .podAdded
        }
        put(info, node: info.nodeName, isAssumed: false)
        // One that was bound already may hold less than it did, or be on its way out.
        return before?.isAssumed == false ? [.podAdded, .podRemoved] : .podAdded
    }

    /// Returns whether the Pod held anything.
    @discardableResult
    mutating func remove(_ key: PodKey) -> Bool {
        guard let entry = entries.removeValue(forKey: key) else { return false }
        byNode[entry.node]?.remove(key)
        if byNode[entry.node]?.isEmpty == true { byNode[entry.node] = nil }
        for claim in entry.pod.claims {
            claimUsers[claim.key]?.remove(key)
            if claimUsers[claim.key]?.isEmpty == true { claimUsers[claim.key] = nil }
        }
        for disk in entry.pod.disks {
            diskUsers[disk.name]?.remove(key)
            if diskUsers[disk.name]?.isEmpty == true { diskUsers[disk.name] = nil }
        }
        if let index = columns.index(of: entry.node) { columns.subtract(entry.pod, from: index) }
        return true
    }

    /// Takes back what was assumed; what the API confirmed meanwhile stays. Returns whether that made room.
    mutating func forget(_ key: PodKey, uid: String) -> Bool { isAssumed(key, uid: uid) && remove(key) }

    /// Takes a Node over, with the Pods that came before it. Returns what that may mean for waiting Pods.
    mutating func putNode(_ node: Object) -> ClusterEvents {
        let isNew = columns.index(of: node.name) == nil
        let changed = columns.put(node)
        guard !changed.isEmpty, let index = columns.index(of: node.name) else { return changed }
        for key in byNode[node.name] ?? [] {
            if isNew { columns.add(entries[key]!.pod, to: index) } else { columns.pods.touch(entries[key]!.pod) }
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
