import APIModel
import Store
import Synchronization

/// The changes that one watcher gets to see: those of the store, through its selectors.
struct WatchSource: Sendable {
    /// What a change means to a watcher.
    enum Change: Sendable {
        case added
        case modified
        case deleted
        /// It is still there, and the watcher's selectors do not match it any more: to the watcher, it is deleted.
        case departed

        /// As the API calls it.
        var name: String {
            switch self {
            case .added: "ADDED"
            case .modified: "MODIFIED"
            case .deleted, .departed: "DELETED"
            }
        }
    }

    private let initial: Initial
    /// Whether a bookmark says where the initial events end.
    let marksInitialEnd: Bool
    let startRevision: UInt64
    let watch: Watch
    private let selection: Selection

    init(_ registry: Registry, _ target: Target, _ query: ListQuery) async throws {
        selection = try Selection(labels: query.labelSelector, fields: query.fieldSelector, target.storage, limit: registry.selectorLimit)
        let version = try query.version()
        let wantsState = query.sendsInitialEvents ?? (version == nil || version == 0)
        marksInitialEnd = query.sendsInitialEvents == true && query.allowsBookmarks
        // Changes that are still to come can be waited for, a state cannot.
        if let version, version > 0, wantsState { try registry.checkReached(version) }
        let (namespace, name) = selection.place(in: target)
        var state: [Record] = []
        do throws(StoreError) {
            if wantsState {
                let now = try registry.store.list(
                    target.storage.collection, namespace: namespace, name: name, terms: selection.terms)
                state = now.records
                startRevision = now.revision
            } else {
                startRevision = version.flatMap { $0 > 0 ? $0 : nil } ?? registry.store.revision
            }
            watch = try registry.store.watch(
                target.storage.collection, namespace: namespace, name: name, terms: selection.terms, after: startRevision)
        } catch {
            if case .compacted = error.code {
                throw Registry.expired("too old resource version: \(query.resourceVersion) (\(registry.store.revision))")
            }
            throw Registry.error(error, target)
        }
        let selection = selection
        try await selection.prepare(state, registry)
        initial = Initial(selection.isEverything ? state : state.filter { selection.matches($0) })
    }

    /// Has what the selectors look at, and what the watcher is to see, made of the events, where a webhook makes it.
    func prepare(_ events: [Event], _ storage: Storage, _ registry: Registry) async throws {
        guard storage.webhook != nil else { return }
        try await selection.prepare(events.flatMap { [$0.previous, $0.record].compactMap(\.self) }, registry)
        try await storage.prepare(events.compactMap { notice($0)?.record }, registry)
    }

    /// What is there already, told as if it were added now. Handed out once: a watch that lasts must not keep what has long changed.
    func takeInitial() -> [Record] { initial.take() }

    private final class Initial: Sendable {
        private let records: Mutex<[Record]>
        init(_ records: [Record]) { self.records = Mutex(records) }

        func take() -> [Record] {
            records.withLock { records in
                defer { records = [] }
                return records
            }
        }
    }

    /// What the watcher is told of an event, `nil` for nothing: an object that begins to match is added, one that ceases to is deleted. The
    /// record is what it sees: of one that has gone from its view the last state that was in it, with the resourceVersion of the change.
    func notice(_ event: Event) -> (change: Change, record: Record)? {
        if selection.isEverything {
            switch event.kind {
            case .added: return (.added, event.record)
            case .modified: return (.modified, event.record)
            case .deleted: return (.deleted, event.record)
            }
        }
        let before = event.previous.map { selection.matches($0) } ?? false
        switch (before, selection.matches(event.record), event.kind) {
        case (true, true, .deleted): return (.deleted, event.record)
        case (true, false, _): return (.departed, event.departed)
        case (false, _, .deleted), (false, false, _): return nil
        case (true, true, _): return (.modified, event.record)
        case (false, true, _): return (.added, event.record)
        }
    }
}

extension Event {
    private final class Departed: Sendable {
        let record: Record
        init(_ record: Record) { self.record = record }
    }

    /// The state before, with the revision of this event. Made once for all watchers.
    fileprivate var departed: Record { memo { Departed($0.previous?.restamped($0.revision) ?? $0.record) }.record }
}
