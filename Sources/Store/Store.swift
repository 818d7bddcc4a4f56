public import Logging

/// Objects by key, with a revision for every change: what an engine keeps, in memory.
///
/// A write is answered after the engine has it safe and readers see it; writes that wait at the same time are committed together. Reads
/// come from memory and never wait for the engine. Every change has a revision, one counter for all collections, which survives restarts
/// and never goes back. Watches and lists at older revisions come from a bounded history that begins anew when the store is opened. There
/// may be other writers; their changes show like one's own. Safe from any task.
public final class Store: Sendable {
    private let memory: Memory
    private let intake: Intake
    /// Where the engine keeps what it has, if that is a file.
    public let path: String?

    /// Takes up what the engine has, and the engine for itself.
    ///
    /// - Throws: `StoreError` with code `.engine`, which says what to do.
    public init(engine: any Engine, at path: String? = nil, options: Options = Options(), log: Logger) throws(StoreError) {
        self.path = path
        memory = Memory(try engine.load(), options: options)
        intake = Intake(memory: memory)
        engine.follow { [memory] changes, revision in memory.publish(changes, upTo: revision) }
        try Writer.start(intake: intake, memory: memory, engine: engine, options: options, log: log)
    }

    deinit { intake.stop() }

    /// From now on records can be found by the terms that `indexer` gives them. Called once, before anybody asks by terms: the first one
    /// stays.
    public func use(_ indexer: any Indexer) { memory.use(indexer) }

    // MARK: Writes

    /// Writes `body` under `key` and returns it as readers see it. Cancellation does not stop it: once accepted, it is written or fails.
    ///
    /// - Throws: `StoreError`: `.exists`, `.notFound` or `.conflict` when the expectation does not hold, after what stood in its way can be
    ///   read; `.engine` when it could not be committed.
    public func put(_ key: RecordKey, _ body: Body, expecting: Expectation) async throws(StoreError) -> Record {
        try await intake.write(key, .put(withTerms(body, key)), expecting: expecting).get()
    }

    /// Deletes `key` and returns its last state, which DELETED events show too: `final`, or what was there, with the deletion's revision in
    /// it.
    ///
    /// - Throws: as `put`; `.notFound` when there is nothing.
    @discardableResult
    public func delete(_ key: RecordKey, expecting: Expectation, final: Body? = nil) async throws(StoreError) -> Record {
        try await intake.write(key, .delete(final: final.map { withTerms($0, key) }), expecting: expecting).get()
    }

    /// Found here, in the caller's task, so that the thread that commits need not.
    private func withTerms(_ body: Body, _ key: RecordKey) -> Body {
        guard let indexer = memory.indexer else { return body }
        var body = body
        body.terms = Terms(indexer.terms(of: body, in: key.collection))
        return body
    }

    // MARK: Reads

    /// The newest revision up to which readers see everything.
    public var revision: UInt64 { memory.revision }

    /// The newest committed state.
    public func get(_ key: RecordKey) -> Record? { memory.find(key) }

    /// How many objects each collection has. One that became empty may be listed.
    public func collections() -> [String: Int] { memory.withState { $0.collections.mapValues(\.records.count) } }

    /// How many changes each collection has seen since the store was opened.
    public func changes() -> [String: Int] { memory.withState { $0.collections.mapValues(\.history.end) } }

    /// How many objects a collection has, and how many bytes one of them has about: it is taken from one.
    public func extent(of collection: String) -> (count: Int, bytes: Int) {
        memory.withState { state in
            guard let records = state.collections[collection]?.records, records.count > 0 else { return (0, 0) }
            return (records.count, records[records.start].bytes.count)
        }
    }

    /// The newest change of any of the collections: who has seen it has seen all. 0 where nothing ever changed.
    public func newestChange(in collections: [String]) -> UInt64 {
        memory.withState { state in collections.reduce(0) { max($0, state.collections[$1]?.history.newest ?? 0) } }
    }

    /// The records of a collection, or of a part of it, in the order of their keys.
    ///
    /// - Parameters:
    ///   - name: one record alone, with its namespace.
    ///   - terms: every record that has all of them is there; others may be, too.
    ///   - revision: show the state of that revision; `nil` is the newest.
    ///   - after: begin after this name (`namespace/name`), which need not exist.
    ///   - limit: at most so many.
    /// - Throws: `StoreError` with code `.compacted` when history does not reach back to `revision`, `.future` when it has not come yet,
    ///   `.closed`.
    public func list(
        _ collection: String, namespace: String? = nil, name: String? = nil, terms: [Term] = [], at revision: UInt64? = nil,
        after: String? = nil, limit: Int? = nil
    ) throws(StoreError) -> Listing {
        // Nothing is narrower than a name.
        let terms = name == nil ? terms : []
        if !terms.isEmpty { memory.prepareIndex(collection) }
        let indexer = memory.indexer
        let now = memory.options.now()
        let past = try memory.withState { state throws(StoreError) in
            state.compaction.advance(now: now, newest: state.revision)
            return try Past(state, collection, terms: terms, at: revision, indexer)
        }
        // "0" follows "/": all names of the namespace and no others lie between.
        let first = name ?? namespace.map { $0 + "/" } ?? ""
        let last = name.map { $0 + "\0" } ?? namespace.map { $0 + "0" }
        return past.listing(from: max(first, after.map { $0 + "\0" } ?? ""), upTo: last, limit: limit)
    }

    /// The changes of a collection, or of a part of it, after `revision`. A revision that has not come yet is waited for.
    ///
    /// - Parameters:
    ///   - name: of one record alone, with its namespace.
    ///   - terms: every change of a record that has all of them, before or after it, is there; others may be, too.
    /// - Throws: `StoreError` with code `.compacted` when history does not reach back to `revision`, `.closed`.
    public func watch(_ collection: String, namespace: String? = nil, name: String? = nil, terms: [Term] = [], after revision: UInt64)
        throws(StoreError) -> Watch
    {
        try memory.withState { state throws(StoreError) in
            guard !state.isClosed else { throw .closed }
            let (history, index) = state.with(collection) { ($0.history, $0.index) }
            guard revision >= history.compacted else { throw .compacted(revision, oldest: history.compacted) }
            // Without an indexer nothing has terms to wait for.
            let term = memory.indexer == nil ? nil : index?.rarest(terms) ?? terms.first
            return Watch(
                memory, collection: collection, scope: Scope(namespace: namespace, name: name, term: term),
                cursor: history.cursor(after: revision), revision: revision)
        }
    }

    public var statistics: Statistics { intake.statistics }

    // MARK: End

    /// Writes what has been accepted, closes the engine and ends all watches. Later calls fail with `.closed`; reads of single objects
    /// still answer. Calling it twice is fine.
    public func close() async {
        intake.stop()
        await intake.waitUntilClosed()
    }
}
