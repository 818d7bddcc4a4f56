public import Logging

/// Objects by key, with a revision for every change, on disk and in memory.
///
/// A write is answered after it is on disk (synchronised) and visible to readers; writes that wait at the same time share one transaction.
/// Reads come from memory and never wait for the disk. Every change gets the next revision, one counter for all collections, which survives
/// restarts and never goes back. Watches and lists at older revisions come from a bounded history that begins anew when the store is
/// opened. Safe from any task.
public final class Store: Sendable {
    private let memory: Memory
    private let intake: Intake

    /// Opens the store at `path`, or makes it. One store per file: a second one, in this or another process, is refused.
    ///
    /// - Throws: `StoreError` with code `.engine`, which names the file and what to do. A file that is damaged or not a store is left as it
    ///   is.
    public init(path: String, options: Options = Options(), log: Logger) throws(StoreError) {
        let (engine, content) = try Engine.open(path: path, options: options)
        memory = Memory(revision: content.revision, records: content.records, options: options)
        intake = Intake(memory: memory)
        try Writer.start(intake: intake, memory: memory, engine: engine, options: options, log: log)
    }

    deinit { intake.stop() }

    // MARK: Writes

    /// Writes `body` under `key` and returns it as readers see it. Cancellation does not stop it: once accepted, it is written or fails.
    ///
    /// - Throws: `StoreError`: `.exists`, `.notFound` or `.conflict` at once when the expectation does not hold, writes in flight included;
    ///   `.engine` when the transaction it was in could not be committed, or one that it builds on: then nothing of it is kept.
    public func put(_ key: Key, _ body: Body, expecting: Expectation) async throws(StoreError) -> Record {
        try await intake.put(key, body, expecting: expecting).get()
    }

    /// Deletes `key` and returns its last state, which DELETED events show too: `final`, or what was there, with the deletion's revision in
    /// it.
    ///
    /// - Throws: as `put`; `.notFound` when there is nothing.
    @discardableResult
    public func delete(_ key: Key, expecting: Expectation, final: Body? = nil) async throws(StoreError) -> Record {
        try await intake.delete(key, expecting: expecting, final: final).get()
    }

    // MARK: Reads

    /// The newest committed revision.
    public var revision: UInt64 { memory.revision }

    /// The newest committed state.
    public func get(_ key: Key) -> Record? { memory.find(key) }

    /// The newest state, writes in flight included: what a read-modify-write starts from. Not to be shown to readers.
    public func latest(_ key: Key) -> Record? { intake.latest(key) }

    /// How many objects each collection has. One that became empty may be listed.
    public func collections() -> [String: Int] { memory.withState { $0.collections.mapValues(\.records.count) } }

    /// The newest change of any of the collections: who has seen it has seen all. 0 where nothing ever changed.
    public func newestChange(in collections: [String]) -> UInt64 {
        memory.withState { state in collections.reduce(0) { max($0, state.collections[$1]?.history.newest ?? 0) } }
    }

    /// The records of a collection, or of one namespace in it, in the order of their keys.
    ///
    /// - Parameters:
    ///   - revision: show the state of that revision; `nil` is the newest.
    ///   - after: begin after this name (`namespace/name`), which need not exist.
    ///   - limit: at most so many.
    /// - Throws: `StoreError` with code `.compacted` when history does not reach back to `revision`, `.future` when it has not come yet,
    ///   `.closed`.
    public func list(_ collection: String, namespace: String? = nil, at revision: UInt64? = nil, after: String? = nil, limit: Int? = nil)
        throws(StoreError) -> Listing
    {
        let past = try memory.withState { state throws(StoreError) in try Past(state, collection, at: revision) }
        return past.listing(namespace: namespace, after: after, limit: limit)
    }

    /// The changes of a collection, or of one namespace in it, after `revision`. A revision that has not come yet is waited for.
    ///
    /// - Throws: `StoreError` with code `.compacted` when history does not reach back to `revision`, `.closed`.
    public func watch(_ collection: String, namespace: String? = nil, after revision: UInt64) throws(StoreError) -> Watch {
        try memory.withState { state throws(StoreError) in
            guard !state.isClosed else { throw .closed }
            let history = state.with(collection) { $0.history }
            guard revision >= history.compacted else { throw .compacted(revision, oldest: history.compacted) }
            return Watch(memory, collection: collection, namespace: namespace, cursor: history.cursor(after: revision), revision: revision)
        }
    }

    public var statistics: Statistics { intake.statistics }

    // MARK: End

    /// Writes what has been accepted, closes the file and ends all watches. Later calls fail with `.closed`; reads of single objects still
    /// answer. Calling it twice is fine.
    public func close() async {
        intake.stop()
        await intake.waitUntilClosed()
    }
}
