/// Pods that wait for room on a Node, with those that are to make it.
struct Nominations {
    struct Entry {
        var pod: PodInfo
        var node: String
        /// By uid, those that were asked to go; empty for a nomination that the API told us of.
        var victims: Set<String> = []
    }
    private var entries: [PodKey: Entry] = [:]

    subscript(_ key: PodKey) -> Entry? { entries[key] }
    var isEmpty: Bool { entries.isEmpty }

    mutating func put(_ entry: Entry) { entries[entry.pod.key] = entry }

    /// Returns whether there was one.
    mutating func remove(_ key: PodKey) -> Bool { entries.removeValue(forKey: key) != nil }

    /// What the API says of a Pod without a Node. A nomination of ours stays while the API has not heard of it.
    mutating func hear(_ pod: PodInfo, before: String) {
        if var entry = entries[pod.key] {
            entry.pod = pod
            entries[pod.key] = pod.nominatedNodeName.isEmpty && !before.isEmpty ? nil : entry
        } else if !pod.nominatedNodeName.isEmpty {
            entries[pod.key] = Entry(pod: pod, node: pod.nominatedNodeName)
        }
    }

    /// The Pods that go before another: those that wait for a Node and are not less important.
    func ahead(of pod: PodInfo) -> [Entry] {
        entries.isEmpty ? [] : entries.values.filter { $0.pod.priority >= pod.priority && $0.pod.key != pod.key }
    }

    /// The Pods that have to look for another Node, now that a more important one waits for theirs.
    func displaced(by pod: PodInfo, on node: String) -> [PodInfo] {
        entries.values.filter { $0.node == node && $0.pod.key != pod.key && $0.pod.priority < pod.priority }.map(\.pod)
    }
}
