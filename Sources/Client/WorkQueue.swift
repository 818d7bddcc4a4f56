import DequeModule
import HeapModule
import Synchronization

/// Items to be worked on, with the rules of client-go's work queue: an item that waits is there once however often it is added; one that is
/// being worked on is not handed out again before `done`, and comes back then if it was added in between.
///
/// ```swift
/// while let item = await queue.next() {
///     if await work(item) { queue.forget(item) } else { queue.addRateLimited(item) }
///     queue.done(item)
/// }
/// ```
/// Safe from any task.
public final class WorkQueue<Item: Hashable & Sendable>: Sendable {
    fileprivate struct State {
        /// In order of arrival.
        var queue = Deque<Item>()
        /// What waits, or is to wait when it is `done`.
        var dirty: Set<Item> = []
        var processing: Set<Item> = []
        /// The tasks in `next`, longest waiting first.
        var getters: [(id: UInt64, answer: CheckedContinuation<Item?, Never>)] = []
        var lastGetter: UInt64 = 0
        /// When delayed items are due; `times` holds the entries that still count.
        var delayed = Heap<Delayed<Item>>()
        var times: [Item: ContinuousClock.Instant] = [:]
        var failures: [Item: Int] = [:]
        var isShutDown = false
        /// See `whenReady`.
        var ready: (@Sendable () -> Void)?
        /// `nil` where nobody asks.
        var history: QueueHistory<Item>?
    }

    private let state: Mutex<State>
    private let baseDelay: Duration
    private let maximumDelay: Duration

    /// The delays are those of `addRateLimited`: doubled with each failure, from the first to the last.
    /// - Parameter keepsFigures: whether it is counted and timed what becomes of items.
    public init(baseDelay: Duration = .milliseconds(5), maximumDelay: Duration = .seconds(1000), keepsFigures: Bool = false) {
        state = Mutex(State(history: keepsFigures ? QueueHistory() : nil))
        self.baseDelay = baseDelay
        self.maximumDelay = maximumDelay
    }

    /// How many items wait, without those that are delayed or being worked on.
    public var depth: Int { state.withLock { $0.queue.count } }

    /// What has become of its items, `nil` of a queue that keeps no figures.
    package var figures: QueueFigures? { state.withLock { $0.history?.told } }

    /// Ignored after `shutDown`.
    public func add(_ item: Item) {
        let tell = state.withLock { state in state.add(item) }
        tell?()
    }

    /// Adds `item` after `delay`; of several delays the one that ends first counts.
    public func add(_ item: Item, after delay: Duration) {
        state.withLock { if !$0.isShutDown { $0.history?.postponed() } }
        guard delay > .zero else { return add(item) }
        let time = ContinuousClock.now + delay
        let isFirst = state.withLock { state in
            guard !state.isShutDown else { return false }
            if let existing = state.times[item], existing <= time { return false }
            state.times[item] = time
            state.delayed.insert(Delayed(time: time, item: item))
            return state.delayed.min?.time == time
        }
        if isFirst { Alarm.shared.set(time) { [weak self] in self?.addDue() } }
    }

    /// Adds `item` after a delay that grows with every call until `forget`.
    public func addRateLimited(_ item: Item) {
        let failures = state.withLock { state in
            defer { state.failures[item, default: 0] += 1 }
            return state.failures[item, default: 0]
        }
        add(item, after: failures >= 40 ? maximumDelay : min(baseDelay * (1 << failures), maximumDelay))
    }

    /// The item succeeded, or is given up: its next delay starts small again.
    public func forget(_ item: Item) { state.withLock { _ = $0.failures.removeValue(forKey: item) } }

    /// How often the item was added by `addRateLimited` since it was last forgotten.
    public func failures(_ item: Item) -> Int { state.withLock { $0.failures[item] ?? 0 } }

    /// The next item, as soon as there is one; it is the caller's until `done`. `nil` when the queue is shut down and empty, and when the
    /// task is cancelled.
    public func next() async -> Item? {
        let id = state.withLock { state in
            state.lastGetter += 1
            return state.lastGetter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { answer in
                let result: Item?? = state.withLock { state in
                    // The handler below either ran before this and is seen here, or finds the getter.
                    if Task.isCancelled { return .some(nil) }
                    if let item = state.take() { return item }
                    if state.isShutDown { return .some(nil) }
                    state.getters.append((id, answer))
                    return .none
                }
                if let result { answer.resume(returning: result) }
            }
        } onCancel: {
            let getter = state.withLock { state in state.getters.firstIndex { $0.id == id }.map { state.getters.remove(at: $0) } }
            getter?.answer.resume(returning: nil)
        }
    }

    /// The next item, if there is one: for threads, which must not suspend. It is the caller's until `done`.
    public func take() -> Item? { state.withLock { $0.take() } }

    /// `ready` is called whenever an item waits that no task in `next` takes, by whoever added it, and so must not block. Set it once, before
    /// the first item.
    public func whenReady(_ ready: @escaping @Sendable () -> Void) { state.withLock { $0.ready = ready } }

    /// The caller of `next` or `take` has finished with `item`.
    public func done(_ item: Item) {
        let tell = state.withLock { state in
            state.processing.remove(item)
            state.history?.ended(item)
            return state.dirty.contains(item) ? state.enqueue(item) : nil
        }
        tell?()
    }

    /// Takes nothing more. What waits is still handed out; delayed items are dropped.
    public func shutDown() {
        let getters = state.withLock { state in
            state.isShutDown = true
            state.times = [:]
            state.delayed = Heap()
            defer { state.getters = [] }
            return state.getters
        }
        for getter in getters { getter.answer.resume(returning: nil) }
    }

    private func addDue() {
        var due: [Item] = []
        let next = state.withLock { state in
            let now = ContinuousClock.now
            while let first = state.delayed.min, first.time <= now {
                let entry = state.delayed.removeMin()
                // An entry that an earlier one has replaced counts no more.
                guard state.times[entry.item] == entry.time else { continue }
                state.times[entry.item] = nil
                due.append(entry.item)
            }
            return state.delayed.min?.time
        }
        for item in due { add(item) }
        if let next { Alarm.shared.set(next) { [weak self] in self?.addDue() } }
    }
}

private struct Delayed<Item: Sendable>: Comparable, Sendable {
    var time: ContinuousClock.Instant
    var item: Item
    static func < (left: Delayed, right: Delayed) -> Bool { left.time < right.time }
    static func == (left: Delayed, right: Delayed) -> Bool { left.time == right.time }
}

extension WorkQueue.State {
    /// Returns what hands `item` over, or tells of it, when the state is unlocked.
    mutating func add(_ item: Item) -> (@Sendable () -> Void)? {
        guard !isShutDown, dirty.insert(item).inserted else { return nil }
        history?.added(item)
        return processing.contains(item) ? nil : enqueue(item)
    }

    mutating func enqueue(_ item: Item) -> (@Sendable () -> Void)? {
        guard !getters.isEmpty else {
            queue.append(item)
            return ready
        }
        begin(item)
        let getter = getters.removeFirst().answer
        return { getter.resume(returning: item) }
    }

    mutating func take() -> Item? {
        guard let item = queue.popFirst() else { return nil }
        begin(item)
        return item
    }

    private mutating func begin(_ item: Item) {
        dirty.remove(item)
        processing.insert(item)
        history?.began(item)
    }
}
