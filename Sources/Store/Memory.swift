import Synchronization

/// The committed state: what all reads come from. Safe from any thread; the lock is held for moments only.
final class Memory: Sendable {
    struct Collection: Sendable {
        var records: OrderedRecords
        var history: History
        /// The watches that have seen all there is and wait for more.
        var waiters: [ObjectIdentifier: Watch] = [:]
    }

    struct State: Sendable {
        var collections: [String: Collection] = [:]
        var revision: UInt64
        var isClosed = false
        /// Where history starts for a collection that is new.
        let opened: UInt64

        /// Has `watch` woken by the next change that concerns it.
        mutating func wait(_ watch: Watch) { with(watch.collection) { $0.waiters[ObjectIdentifier(watch)] = watch } }

        /// The collection in place, made where there is none.
        mutating func with<T>(_ collection: String, _ body: (inout Collection) -> T) -> T {
            body(&collections[collection, default: Collection(records: OrderedRecords(), history: History(compacted: opened))])
        }
    }

    let options: Options
    private let state: Mutex<State>

    init(revision: UInt64, records: [String: [Record]], options: Options) {
        self.options = options
        var state = State(revision: revision, opened: revision)
        for (name, records) in records {
            state.collections[name] = Collection(records: OrderedRecords(sorted: records), history: History(compacted: revision))
        }
        self.state = Mutex(state)
    }

    /// Reads, or changes what belongs to watches.
    func withState<T: Sendable, E: Error>(_ body: (inout State) throws(E) -> T) throws(E) -> T {
        try state.withLock { state throws(E) in try body(&state) }
    }

    /// `watch` waits no more.
    func forget(_ watch: Watch) {
        state.withLock { _ = $0.collections[watch.collection]?.waiters.removeValue(forKey: ObjectIdentifier(watch)) }
    }

    var revision: UInt64 { state.withLock(\.revision) }

    func find(_ key: Key) -> Record? { state.withLock { $0.collections[key.collection]?.records.find(key.name) } }

    /// Makes committed writes visible, in their order, and wakes the watches they concern.
    func publish(_ writes: [Write], now: Int) {
        var woken: [Watch] = []
        state.withLock { state in
            var touched: [String: Set<Substring>] = [:]
            for write in writes {
                let key = write.record.key
                state.with(key.collection) { $0.apply(write, now: now) }
                state.revision = write.record.revision
                touched[key.collection, default: []].insert(key.namespace)
            }
            for (name, namespaces) in touched { state.collections[name]?.finish(namespaces, options: options, now: now, woken: &woken) }
        }
        for watch in woken { watch.wake() }
    }

    /// Gives up history that is too old, also of collections that nobody changes.
    func trim(now: Int) {
        state.withLock { state in
            for name in Array(state.collections.keys) { state.collections[name]?.history.trim(options, now: now) }
        }
    }

    /// Ends all watches.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            var waiting: [Watch] = []
            for name in Array(state.collections.keys) {
                if let waiters = state.collections[name]?.waiters.values { waiting += waiters }
                state.collections[name]?.waiters = [:]
            }
            return waiting
        }
        for watch in waiting { watch.wake() }
    }
}

extension Memory.Collection {
    fileprivate mutating func apply(_ write: Write, now: Int) {
        let previous = write.isDeletion ? records.remove(write.record.key.name) : records.set(write.record)
        history.append(
            Event(
                kind: write.isDeletion ? .deleted : previous == nil ? .added : .modified, record: write.record, previous: previous,
                time: now))
    }

    /// Wakes the watches of these namespaces; the others skip what does not concern them, so that they do not fall behind in a busy
    /// collection.
    fileprivate mutating func finish(_ namespaces: Set<Substring>, options: Options, now: Int, woken: inout [Watch]) {
        history.trim(options, now: now)
        var staying: [ObjectIdentifier: Watch] = [:]
        for (id, watch) in waiters {
            if let namespace = watch.namespace, !namespaces.contains(Substring(namespace)) {
                watch.skip(to: history.end)
                staying[id] = watch
            } else {
                woken.append(watch)
            }
        }
        waiters = staying
    }
}
