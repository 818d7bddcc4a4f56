internal import HeapModule

/// Pods that have a Node and wait until every policy lets them be bound. A plain value: it is told the time, in milliseconds of any steady
/// clock. What a call costs does not grow with the number of Pods that wait.
struct WaitingPods {
    /// What one policy said.
    struct Wait {
        let deadline: Int64
        /// How long that was when the Pod began to wait, in milliseconds.
        let timeout: Int64
        let reason: String
    }

    struct Entry {
        let pod: PodInfo
        let node: String
        let needs: BindNeeds
        /// By policy that lets it wait; one at least.
        var waits: [String: Wait]
        fileprivate let number: UInt64
    }

    private var entries: [PodKey: Entry] = [:]
    private var keys: [String: PodKey] = [:]
    /// Those of Pods that do not wait for it any more are passed over.
    private var deadlines = Heap<Deadline>()
    private var lastNumber: UInt64 = 0

    var isEmpty: Bool { entries.isEmpty }
    func contains(_ key: PodKey) -> Bool { entries[key] != nil }
    /// In the order in which they began to wait.
    var all: [Entry] { entries.values.sorted { $0.number < $1.number } }
    /// The next time at which a Pod has waited for long enough, or has been allowed meanwhile.
    var nextDeadline: Int64? { deadlines.min?.time }

    mutating func put(_ pod: PodInfo, node: String, _ needs: BindNeeds, _ waits: [String: Wait]) {
        lastNumber += 1
        entries[pod.key] = Entry(pod: pod, node: node, needs: needs, waits: waits, number: lastNumber)
        keys[pod.uid] = pod.key
        for (policy, wait) in waits { note(pod.key, policy, wait) }
    }

    /// The Pod waits for other policies from now on, or for other reasons.
    mutating func renew(_ key: PodKey, _ waits: [String: Wait]) {
        guard entries[key] != nil else { return }
        entries[key]?.waits = waits
        for (policy, wait) in waits { note(key, policy, wait) }
    }

    @discardableResult
    mutating func remove(_ key: PodKey) -> Entry? {
        guard let entry = entries.removeValue(forKey: key) else { return nil }
        keys[entry.pod.uid] = nil
        return entry
    }

    /// The Pod, if it waited for this policy alone: then it waits no more.
    mutating func allow(uid: String, by policy: String) -> Entry? {
        guard let key = keys[uid], entries[key]?.waits.removeValue(forKey: policy) != nil else { return nil }
        return entries[key]?.waits.isEmpty == true ? remove(key) : nil
    }

    /// The Pod, if it waited for this policy: then it waits no more.
    mutating func reject(uid: String, by policy: String) -> Entry? {
        guard let key = keys[uid], entries[key]?.waits[policy] != nil else { return nil }
        return remove(key)
    }

    /// A Pod that has waited for long enough, and for which policy: it waits no more.
    mutating func takeLate(now: Int64) -> (entry: Entry, policy: String, wait: Wait)? {
        while let first = deadlines.min, first.time <= now {
            deadlines.removeMin()
            guard let wait = wait(first), let entry = remove(first.key) else { continue }
            return (entry, first.policy, wait)
        }
        return nil
    }

    /// What a deadline is of, unless that is over.
    private func wait(_ deadline: Deadline) -> Wait? {
        guard let entry = entries[deadline.key], entry.number == deadline.number, let wait = entry.waits[deadline.policy],
            wait.deadline == deadline.time
        else { return nil }
        return wait
    }

    private mutating func note(_ key: PodKey, _ policy: String, _ wait: Wait) {
        guard let number = entries[key]?.number else { return }
        deadlines.insert(Deadline(time: wait.deadline, key: key, number: number, policy: policy))
        // Most were allowed: what is left of them is not worth keeping.
        guard deadlines.count > 64, deadlines.count > 4 * entries.count else { return }
        deadlines = Heap(deadlines.unordered.filter { self.wait($0) != nil })
    }
}

private struct Deadline: Comparable {
    let time: Int64
    let key: PodKey
    let number: UInt64
    let policy: String

    static func < (left: Deadline, right: Deadline) -> Bool { (left.time, left.number) < (right.time, right.number) }
}
