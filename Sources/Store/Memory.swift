import Synchronization

/// The committed state: what all reads come from. Safe from any thread; the lock is held for moments only.
final class Memory: Sendable {
    struct Collection: Sendable {
        var records: OrderedRecords
        /// Made when somebody first asks by term.
        var index: Index?
        var history: History
        /// The watches that have seen all there is, by what they wait for.
        var waiting = WaitingRoom()
    }

    struct State: Sendable {
        var collections: [String: Collection] = [:]
        var revision: UInt64
        var isClosed = false
        /// Where history starts for a collection that is new.
        let opened: UInt64
        /// Lists of states before its revision are refused, in every collection; watches from before go on where nothing has happened since.
        var compaction: Compaction
        /// What to call when readers see everything up to a revision.
        var reaching: [(revision: UInt64, body: @Sendable () -> Void)] = []

        /// The collection in place, made where there is none.
        mutating func with<T>(_ collection: String, _ body: (inout Collection) -> T) -> T {
            body(&collections[collection, default: Collection(records: OrderedRecords(), history: History(compacted: opened))])
        }
    }

    let options: Options
    private let state: Mutex<State>
    private let indexing = AtomicLazyReference<Indexing>()

    private final class Indexing: Sendable {
        let indexer: any Indexer
        init(_ indexer: any Indexer) { self.indexer = indexer }
    }

    init(_ snapshot: Snapshot, options: Options) {
        self.options = options
        let compaction = Compaction(every: options.compactionInterval, from: snapshot.revision, now: options.now())
        var state = State(revision: snapshot.revision, opened: snapshot.revision, compaction: compaction)
        for (name, records) in snapshot.records {
            state.collections[name] = Collection(
                records: OrderedRecords(sorted: records), history: History(compacted: snapshot.revision))
        }
        self.state = Mutex(state)
    }

    /// Reads, or changes what belongs to watches.
    func withState<T: Sendable, E: Error>(_ body: (inout State) throws(E) -> T) throws(E) -> T {
        try state.withLock { state throws(E) in try body(&state) }
    }

    var revision: UInt64 { state.withLock(\.revision) }

    func find(_ key: RecordKey) -> Record? { state.withLock { $0.collections[key.collection]?.records.find(key.name) } }

    // MARK: Terms

    /// The first one stays.
    func use(_ indexer: any Indexer) { _ = indexing.storeIfNil(Indexing(indexer)) }

    var indexer: (any Indexer)? { indexing.load()?.indexer }

    /// Makes sure that a collection has its index, if there is an indexer.
    func prepareIndex(_ collection: String) {
        guard let indexer else { return }
        let records = state.withLock { state in
            guard let collection = state.collections[collection], collection.index == nil else { return OrderedRecords() }
            return collection.records
        }
        guard records.count > 0 else { return }
        // Reading what records say takes much longer than putting them in place, so it is done outside the lock; what is written in the
        // meantime brings its terms along.
        for record in records.all { _ = record.terms(indexer) }
        state.withLock { state in
            state.with(collection) { if $0.index == nil { $0.index = Index($0.records, indexer) } }
        }
    }

    // MARK: Changes

    /// What is to be committed for `writes`.
    func mutations(_ writes: [Write]) -> [Mutation] {
        state.withLock { state in
            writes.map { write in
                Mutation(
                    key: write.key, expectation: write.expectation, action: write.action,
                    known: state.collections[write.key.collection]?.records.find(write.key.name))
            }
        }
    }

    /// Makes committed changes visible, in their order, and wakes the watches they concern. They are all there are up to `revision`.
    func publish(_ changes: [Change], upTo revision: UInt64) {
        let now = options.now()
        let indexer = indexer
        var woken: [Watch] = []
        let reached = state.withLock { state in
            var touched: Set<String> = []
            for change in changes {
                let name = change.record.key.collection
                state.with(name) { $0.apply(change, indexer, woken: &woken) }
                touched.insert(name)
            }
            state.revision = max(state.revision, revision)
            state.compaction.advance(now: now, newest: state.revision)
            for name in touched { state.trim(name, options) }
            return state.takeReached()
        }
        for body in reached { body() }
        for watch in woken { watch.wake() }
    }

    /// Calls `body` as soon as readers see everything up to `revision`: now, or from where changes are published.
    func whenReached(_ revision: UInt64, _ body: @escaping @Sendable () -> Void) {
        let isReached = state.withLock { state in
            if state.revision < revision { state.reaching.append((revision, body)) }
            return state.revision >= revision
        }
        if isReached { body() }
    }

    /// Gives up history that is too old, also of collections that nobody changes.
    func trim() {
        let now = options.now()
        state.withLock { state in
            state.compaction.advance(now: now, newest: state.revision)
            for name in Array(state.collections.keys) { state.trim(name, options) }
        }
    }

    /// Ends all watches.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            var waiting: [Watch] = []
            for name in Array(state.collections.keys) { state.collections[name]?.waiting.empty(into: &waiting) }
            return waiting
        }
        for watch in waiting { watch.wake() }
    }
}

extension Memory.State {
    fileprivate mutating func trim(_ collection: String, _ options: Options) {
        collections[collection]?.history.trim(options, oldest: compaction.revision)
    }

    fileprivate mutating func takeReached() -> [@Sendable () -> Void] {
        guard !reaching.isEmpty else { return [] }
        let reached = reaching.filter { $0.revision <= revision }.map(\.body)
        reaching.removeAll { $0.revision <= revision }
        return reached
    }
}

extension Memory.Collection {
    fileprivate mutating func apply(_ change: Change, _ indexer: (any Indexer)?, woken: inout [Watch]) {
        let record = change.record
        let previous = change.isDeletion ? records.remove(record.key.name) : records.set(record)
        index?.replace(previous, by: change.isDeletion ? nil : record, indexer)
        let kind: Event.Kind = change.isDeletion ? .deleted : previous == nil ? .added : .modified
        let event = Event(kind: kind, record: record, previous: previous)
        history.append(event)
        waiting.wake(event, at: history.end - 1, indexer, into: &woken)
    }
}
