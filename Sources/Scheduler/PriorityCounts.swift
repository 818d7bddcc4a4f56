/// How many Pods there are of each priority.
struct PriorityCounts {
    private var counts: [Int32: Int] = [:]
    private(set) var lowest: Int32?

    mutating func add(_ priority: Int32) {
        counts[priority, default: 0] += 1
        lowest = min(lowest ?? priority, priority)
    }

    mutating func remove(_ priority: Int32) {
        guard let count = counts[priority] else { return }
        counts[priority] = count > 1 ? count - 1 : nil
        // Seldom, and of few: a Node's Pods have a handful of priorities.
        if count == 1, priority == lowest { lowest = counts.keys.min() }
    }
}
