internal import DequeModule
internal import HeapModule

/// Pods that wait for a Node. A plain value: it is told the time, in milliseconds of any steady clock. What a call costs does not grow with
/// the number of Pods that wait, but for those that it moves.
///
/// ```
/// add ─▶ active ─pop─▶ (being scheduled) ─fail─▶ parked ─wake─▶ woken ─time─▶ active
///           ▲                                └─error─▶ backoff ─time────────────┘
/// ```
/// A parked Pod is woken by the events that may help it, those too that happened since it was popped. While nothing is active the woken ones are
/// taken before their time: their back-off is there for the sake of others. Those whose time comes within one second are in the order of the
/// active queue.
///
/// Pods that are active are compared when one is taken, not when they come: whoever compares is asked then.
struct SchedulingQueue<Pod> {
    struct Entry {
        let key: PodKey
        var pod: Pod
        var priority: Int32
        /// How often a Node was looked for.
        var attempts = 0
        /// Of these, since no Node was found last, how many broke; and how many ended with no Node.
        fileprivate var errors = 0
        fileprivate var refusals = 0
        /// When it came first, and when it was tried last; for figures.
        fileprivate(set) var firstCame: ContinuousClock.Instant?
        fileprivate(set) var lastTried: ContinuousClock.Instant?
        /// Among equals the one that came, or failed, first goes first.
        fileprivate(set) var order: UInt64
        /// Not before this time.
        fileprivate(set) var readyAt: Int64 = 0
        /// While it is parked, what may help it.
        fileprivate(set) var helpedBy = ClusterEvents.all
        /// Whether it waits for the end of its back-off also while there is nothing else to do.
        fileprivate var isPatient = false
        /// Who refused it, until it is tried again.
        fileprivate var refusers: Set<SchedulerMetrics.Refuser> = []
        /// While it is being scheduled, how many events there had been before.
        fileprivate var eventsBefore: UInt64 = 0
        /// Of the place it is in now: a ticket with another number is of a place that it has left.
        fileprivate var ticket: UInt64 = 0
    }

    enum Failure {
        /// No Node fits: parked until one of the events happens.
        case unschedulable(helpedBy: ClusterEvents)
        /// The Node that was found was refused: parked until anything happens, and then for the whole of its back-off, because Pods that are refused
        /// one for the other would go round and round.
        case rejected
        /// Something broke: again after the back-off.
        case error
    }

    fileprivate enum Place: Equatable {
        case active, backoff, woken, parked, popped

        /// In upstream's words; `nil` while the Pod is being scheduled.
        var queue: SchedulerMetrics.Queue? {
            switch self {
            case .active: .active
            case .backoff, .woken: .backoff
            case .parked: .unschedulable
            case .popped: nil
            }
        }
    }

    private var entries: [PodKey: (entry: Entry, place: Place)] = [:]
    /// How many wait where.
    private(set) var waiting = SchedulerMetrics.Pending()
    /// Where it is counted which Pods come to wait where, and why; `nil`: nowhere.
    var metrics: SchedulerMetrics?
    // All of these hold tickets; those of Pods that are not there any more are passed over.
    private var active = Heap<Ticket>()
    /// They belong into `active`, and have not been compared yet.
    private var arrived: [Ticket] = []
    private var backoff = Heap<Ticket>()
    private var woken = Heap<Ticket>()
    private let order = Order()
    /// Those parked first come first.
    private var parkedLong = Deque<(key: PodKey, ticket: UInt64, since: Int64)>()
    /// By what may help them: of a handful of sorts, as many as policies have reasons.
    private var parked: [ClusterEvents: Set<PodKey>] = [:]
    private var parkedCount: Int { parked.values.reduce(0) { $0 + $1.count } }
    private var events = EventClock()
    private var lastOrder: UInt64 = 0
    private var lastTicket: UInt64 = 0
    /// Woken Pods whose time comes within as many milliseconds are as late as one another.
    private static var window: Int64 { 1000 }
    /// After this long a parked Pod is tried again whatever happens.
    static var parkedLimit: Int64 { 300_000 }

    /// In milliseconds.
    private let (initialBackoff, mostBackoff): (Int64, Int64)

    init(initialBackoff: Int64 = 1000, mostBackoff: Int64 = 10_000) {
        (self.initialBackoff, self.mostBackoff) = (initialBackoff, mostBackoff)
    }

    /// With upstream's defaults 1 s, 2 s, 4 s, 8 s, 10 s.
    func backoffTime(attempts: Int) -> Int64 {
        var time = initialBackoff
        for _ in 0..<max(0, attempts - 1) {
            if time > mostBackoff / 2 { return mostBackoff }
            time *= 2
        }
        return min(time, mostBackoff)
    }

    var count: Int { entries.count }
    func contains(_ key: PodKey) -> Bool { entries[key] != nil }
    func pod(_ key: PodKey) -> Pod? { entries[key]?.entry.pod }

    /// A new Pod, or a changed one: goes to the active queue at once. A Pod being scheduled is only replaced.
    mutating func put(_ key: PodKey, _ pod: Pod, priority: Int32, now: Int64) {
        let isKnown = entries[key] != nil
        var entry = entries[key]?.entry ?? Entry(key: key, pod: pod, priority: priority, order: nextOrder())
        (entry.pod, entry.priority) = (pod, priority)
        if entries[key]?.place == .popped {
            entries[key] = (entry, .popped)
        } else {
            unpark(entry)
            insert(entry, entry.place(now), isKnown ? "UnschedulablePodUpdate" : "UnschedulablePodAdd")
        }
    }

    /// The Pod waits since then, if it did not wait before.
    mutating func came(_ key: PodKey, at time: ContinuousClock.Instant) {
        if entries[key]?.entry.firstCame == nil { entries[key]?.entry.firstCame = time }
    }

    /// A Node is looked for now.
    mutating func begin(_ key: PodKey, at time: ContinuousClock.Instant) { entries[key]?.entry.lastTried = time }

    /// Where it stands, and what is known of when it was tried.
    func entry(of key: PodKey) -> Entry? { entries[key]?.entry }

    /// Replaces what is known of a Pod without moving it.
    mutating func replace(_ key: PodKey, _ pod: Pod) { entries[key]?.entry.pod = pod }

    mutating func remove(_ key: PodKey) {
        guard let (entry, place) = entries.removeValue(forKey: key) else { return }
        metrics?.refused(by: entry.refusers, -1)
        unpark(entry)
        waiting.move(from: place.queue, to: nil)
    }

    /// Somebody else says from now on which of two Pods is first.
    mutating func reorder() {
        arrived += active.unordered
        active = Heap()
    }

    /// The next Pod to find a Node for; `nil` when none is due. `done` or `fail` must follow.
    /// - Parameter isLess: whether one is tried before another, where that is not to be decided by priority and age: `nil` from it is. The
    ///   same at each call, but after `reorder`.
    mutating func pop(now: Int64, by isLess: ((Entry, Entry) -> Bool?)? = nil) -> Entry? {
        guard let isLess else { return take(now: now) }
        return withoutActuallyEscaping(isLess) { isLess in
            order.isLess = isLess
            defer { order.isLess = nil }
            return take(now: now)
        }
    }

    private mutating func take(now: Int64) -> Entry? {
        while let ticket = backoff.min, ticket.readyAt <= now {
            backoff.removeMin()
            if let entry = entry(ticket.key, ticket.number) { insert(entry, .active, "BackoffComplete") }
        }
        while let ticket = woken.min, ticket.readyAt <= now {
            woken.removeMin()
            if let entry = entry(ticket.key, ticket.number) { insert(entry, .active, "BackoffComplete") }
        }
        for ticket in arrived where entry(ticket.key, ticket.number) != nil { active.insert(ticket) }
        arrived.removeAll(keepingCapacity: true)
        while let ticket = active.popMin() ?? woken.popMin() {
            guard var entry = entry(ticket.key, ticket.number) else { continue }
            entry.attempts += 1
            entry.ticket = 0
            metrics?.refused(by: entry.refusers, -1)
            entry.refusers = []
            entry.eventsBefore = events.count
            if entries[ticket.key]?.place == .woken { metrics?.came(to: .active, "PopFromBackoffQ") }
            waiting.move(from: entries[ticket.key]?.place.queue, to: nil)
            entries[ticket.key] = (entry, .popped)
            return entry
        }
        return nil
    }

    /// The Pod got a Node, or is not ours any more.
    mutating func done(_ key: PodKey) { remove(key) }

    /// No Node was found, or what was found came to nothing. A Pod that is not in the queue any more stays out.
    /// - Parameter refusers: who said no; for figures.
    mutating func fail(_ key: PodKey, _ failure: Failure, by refusers: Set<SchedulerMetrics.Refuser> = [], now: Int64) {
        guard var entry = entries[key]?.entry, entries[key]?.place == .popped else { return }
        entry.refusers = refusers
        metrics?.refused(by: refusers, 1)
        // What broke says nothing of what was refused, and is forgotten with the next answer.
        if case .error = failure {
            entry.errors += 1
        } else {
            (entry.errors, entry.refusals) = (0, entry.refusals + 1)
        }
        entry.readyAt = now + backoffTime(attempts: entry.errors > 0 ? entry.errors : entry.refusals)
        // Behind all that have not been tried yet.
        entry.order = nextOrder()
        entry.isPatient = false
        switch failure {
        case .unschedulable(let events):
            entry.helpedBy = events
            park(entry, now: now)
        case .rejected:
            (entry.helpedBy, entry.isPatient) = (.all, true)
            park(entry, now: now)
        case .error: insert(entry, .backoff, Self.failed)
        }
    }

    /// Something happened that may let parked Pods run: those that it may help wait for the end of their back-off at most.
    /// - Parameter cause: the Pod that gave something up itself, which is no help to it. It has failed before.
    mutating func wake(_ events: ClusterEvents, by cause: PodKey? = nil, now: Int64) {
        self.events.note(events)
        for (helpedBy, keys) in parked where !helpedBy.isDisjoint(with: events) {
            let stays = cause.map(keys.contains) == true ? cause : nil
            parked[helpedBy] = stays.map { [$0] }
            for key in keys where key != stays {
                guard let entry = entries[key]?.entry else { continue }
                insert(entry, entry.place(now), events.label)
            }
        }
        tidy()
    }

    /// Wakes the Pods that have been parked for long.
    mutating func wakeOld(now: Int64) {
        while let first = parkedLong.first, now - first.since >= Self.parkedLimit {
            parkedLong.removeFirst()
            guard let entry = entry(first.key, first.ticket) else { continue }
            unpark(entry)
            insert(entry, .active, "UnschedulableTimeout")
        }
    }

    /// When to look again at the latest; `nil` when only an event can bring work.
    func deadline(now: Int64) -> Int64? {
        if !active.isEmpty || !arrived.isEmpty || !woken.isEmpty { return now }
        return [backoff.min?.readyAt, parkedLong.first.map { $0.since + Self.parkedLimit }].compactMap(\.self).min()
    }

    /// The Pod, if it is still where the ticket was given for.
    private func entry(_ key: PodKey, _ ticket: UInt64) -> Entry? {
        guard let entry = entries[key]?.entry, entry.ticket == ticket else { return nil }
        return entry
    }

    /// What brings a Pod back that was tried, in upstream's words.
    private static var failed: String { "ScheduleAttemptFailure" }

    /// - Parameter event: what brings the Pod there, in upstream's words.
    private mutating func insert(_ entry: Entry, _ place: Place, _ event: String) {
        let number = note(entry, place, event)
        let readyAt =
            switch place {
            case .woken: (entry.readyAt + Self.window - 1) / Self.window * Self.window
            case .backoff: entry.readyAt
            default: Int64(0)
            }
        let ticket = Ticket(entry, number: number, readyAt: readyAt, order)
        switch place {
        case .backoff: backoff.insert(ticket)
        case .woken: woken.insert(ticket)
        default: arrived.append(ticket)
        }
    }

    private mutating func park(_ entry: Entry, now: Int64) {
        let missed = events.since(entry.eventsBefore).intersection(entry.helpedBy)
        guard missed.isEmpty else { return insert(entry, entry.place(now), missed.label) }
        parkedLong.append((entry.key, note(entry, .parked, Self.failed), now))
        parked[entry.helpedBy, default: []].insert(entry.key)
        tidy()
    }

    private mutating func unpark(_ entry: Entry) {
        parked[entry.helpedBy]?.remove(entry.key)
        if parked[entry.helpedBy]?.isEmpty == true { parked[entry.helpedBy] = nil }
    }

    /// Most were woken or went: what is left of them is not worth keeping.
    private mutating func tidy() {
        guard parkedLong.count > 64, parkedLong.count > 2 * parkedCount else { return }
        parkedLong = Deque(parkedLong.filter { self.entry($0.key, $0.ticket) != nil })
    }

    /// Notes where a Pod is, and returns the number of its ticket.
    private mutating func note(_ entry: Entry, _ place: Place, _ event: String) -> UInt64 {
        lastTicket += 1
        var entry = entry
        entry.ticket = lastTicket
        waiting.move(from: entries[entry.key]?.place.queue, to: place.queue)
        if let queue = place.queue { metrics?.came(to: queue, event) }
        entries[entry.key] = (entry, place)
        return lastTicket
    }

    private mutating func nextOrder() -> UInt64 {
        lastOrder += 1
        return lastOrder
    }
}

extension SchedulingQueue.Entry {
    /// Where it goes when something happened that may help it.
    fileprivate func place(_ now: Int64) -> SchedulingQueue<Pod>.Place {
        if readyAt <= now { return .active }
        return isPatient ? .backoff : .woken
    }
}

extension SchedulingQueue {
    /// Says of two Pods which is first, while one is taken.
    final class Order {
        var isLess: ((Entry, Entry) -> Bool?)?
    }

    /// A place in one of the heaps: small, because heaps move their elements about.
    struct Ticket: Comparable {
        let number: UInt64
        /// Zero in the active queue, where only the order counts.
        let readyAt: Int64
        private let priority: Int32
        private let turn: UInt64
        private let order: Order
        private let snapshot: Snapshot

        init(_ entry: Entry, number: UInt64, readyAt: Int64, _ order: Order) {
            (self.number, self.readyAt, self.order) = (number, readyAt, order)
            (priority, turn, snapshot) = (entry.priority, entry.order, Snapshot(entry))
        }

        var key: PodKey { snapshot.entry.key }

        static func < (left: Ticket, right: Ticket) -> Bool {
            guard left.readyAt == right.readyAt else { return left.readyAt < right.readyAt }
            if let isLess = left.order.isLess?(left.snapshot.entry, right.snapshot.entry) { return isLess }
            return (right.priority, left.turn, left.number) < (left.priority, right.turn, right.number)
        }
        static func == (left: Ticket, right: Ticket) -> Bool { left.number == right.number }
    }

    /// An entry as it was when its place was given.
    private final class Snapshot {
        let entry: Entry
        init(_ entry: Entry) { self.entry = entry }
    }
}

/// When each event happened last, counted in events.
private struct EventClock {
    private(set) var count: UInt64 = 0
    private var last = [UInt64](repeating: 0, count: ClusterEvents.RawValue.bitWidth)

    mutating func note(_ events: ClusterEvents) {
        count += 1
        for bit in last.indices where events.rawValue & (1 << bit) != 0 { last[bit] = count }
    }

    /// Those that happened after as many others.
    func since(_ before: UInt64) -> ClusterEvents {
        guard before < count else { return [] }
        return last.indices.reduce(into: []) { if last[$1] > before { $0.insert(ClusterEvents(rawValue: 1 << $1)) } }
    }
}
