/// Pods that wait for a Node. A plain value: it is told the time, in milliseconds of any steady clock.
///
/// ```
/// add ─▶ active ─pop─▶ (being scheduled) ─fail─▶ unschedulable ─wake─▶ backoff ─time─▶ active
///           ▲                                └─error─▶ backoff ─time──────────────────────┘
/// ```
struct SchedulingQueue<Pod> {
    struct Entry {
        let key: PodKey
        var pod: Pod
        var priority: Int32
        /// How often a Node was looked for.
        var attempts = 0
        /// When it was first added: among equals the oldest goes first.
        let added: Int64
        fileprivate let order: UInt64
        /// Not before this time.
        fileprivate(set) var readyAt: Int64 = 0
    }

    enum Failure {
        /// No Node fits: parked until something changes.
        case unschedulable
        /// Something broke: again after the back-off.
        case error
    }

    private enum Place: Equatable {
        case active, backoff
        case unschedulable(since: Int64)
        case popped
    }

    private var entries: [PodKey: (entry: Entry, place: Place)] = [:]
    // Both hold keys with the entry's `order` and place at that time; what does not match any more is passed over.
    private var active = Heap<Ticket>()
    private var backoff = Heap<Ticket>()
    private var order: UInt64 = 0
    private var parked = 0
    /// After this long a parked Pod is tried again whatever happens.
    static var parkedLimit: Int64 { 300_000 }

    /// By back-off: 1 s, 2 s, 4 s … 10 s.
    static func backoffTime(attempts: Int) -> Int64 { min(10_000, 1000 << Int64(max(0, min(attempts, 10) - 1))) }

    var count: Int { entries.count }
    func contains(_ key: PodKey) -> Bool { entries[key] != nil }
    func pod(_ key: PodKey) -> Pod? { entries[key]?.entry.pod }

    /// A new Pod, or a changed one: goes to the active queue at once. A Pod being scheduled is only replaced.
    mutating func put(_ key: PodKey, _ pod: Pod, priority: Int32, now: Int64) {
        order += 1
        let known = entries[key]
        var entry = Entry(key: key, pod: pod, priority: priority, added: known?.entry.added ?? now, order: order)
        entry.attempts = known?.entry.attempts ?? 0
        if known?.place == .popped {
            entries[key] = (entry, .popped)
            return
        }
        park(known?.place, -1)
        let readyAt = known?.entry.readyAt ?? 0
        entry.readyAt = readyAt
        insert(entry, readyAt > now ? .backoff : .active)
    }

    /// Replaces what is known of a Pod without moving it.
    mutating func replace(_ key: PodKey, _ pod: Pod) { entries[key]?.entry.pod = pod }

    mutating func remove(_ key: PodKey) {
        park(entries.removeValue(forKey: key)?.place, -1)
    }

    /// The next Pod to find a Node for; `nil` when none is due. `done` or `fail` must follow.
    mutating func pop(now: Int64) -> Entry? {
        while let ticket = backoff.first, ticket.readyAt <= now {
            backoff.removeFirst()
            guard let found = entries[ticket.key], found.entry.order == ticket.order, found.place == .backoff else { continue }
            insert(found.entry, .active)
        }
        while let ticket = active.first {
            active.removeFirst()
            guard var found = entries[ticket.key], found.entry.order == ticket.order, found.place == .active else { continue }
            found.entry.attempts += 1
            found.place = .popped
            entries[ticket.key] = found
            return found.entry
        }
        return nil
    }

    /// The Pod got a Node, or is not ours any more.
    mutating func done(_ key: PodKey) { entries[key] = nil }

    /// No Node was found, or what was found came to nothing. A Pod that is not in the queue any more stays out.
    mutating func fail(_ key: PodKey, _ failure: Failure, now: Int64) {
        guard var found = entries[key], found.place == .popped else { return }
        found.entry.readyAt = now + Self.backoffTime(attempts: found.entry.attempts)
        switch failure {
        case .unschedulable:
            entries[key] = (found.entry, .unschedulable(since: now))
            parked += 1
        case .error: insert(found.entry, .backoff)
        }
    }

    /// Something changed that may let parked Pods run: they wait for the end of their back-off only.
    mutating func wake(now: Int64) {
        guard parked > 0 else { return }
        for (entry, place) in entries.values {
            guard case .unschedulable = place else { continue }
            insert(entry, entry.readyAt > now ? .backoff : .active)
        }
        parked = 0
    }

    /// Wakes the Pods that have been parked for long.
    mutating func wakeOld(now: Int64) {
        guard parked > 0 else { return }
        for (entry, place) in entries.values {
            guard case .unschedulable(let since) = place, now - since >= Self.parkedLimit else { continue }
            parked -= 1
            insert(entry, .active)
        }
    }

    /// When to look again at the latest; `nil` when only an event can bring work.
    func deadline(now: Int64) -> Int64? {
        if !active.isEmpty { return now }
        return [backoff.first?.readyAt, parked > 0 ? now + 30_000 : nil].compactMap(\.self).min()
    }

    private mutating func insert(_ entry: Entry, _ place: Place) {
        entries[entry.key] = (entry, place)
        let ticket = Ticket(
            key: entry.key, order: entry.order, priority: entry.priority, added: entry.added, readyAt: place == .backoff ? entry.readyAt : 0
        )
        if place == .backoff { backoff.insert(ticket) } else { active.insert(ticket) }
    }

    private mutating func park(_ place: Place?, _ by: Int) {
        if case .unschedulable = place { parked += by }
    }
}

/// A place in one of the heaps.
private struct Ticket: Comparable {
    let key: PodKey
    let order: UInt64
    let priority: Int32
    let added: Int64
    /// Zero in the active queue, where only priority and age count.
    let readyAt: Int64

    static func < (left: Ticket, right: Ticket) -> Bool {
        (left.readyAt, right.priority, left.added, left.order) < (right.readyAt, left.priority, right.added, right.order)
    }
    static func == (left: Ticket, right: Ticket) -> Bool { left.order == right.order && left.readyAt == right.readyAt }
}
