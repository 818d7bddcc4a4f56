import APIModel
import Store

/// The changes that one watcher gets to see: those of the store, through its selectors.
struct WatchSource: Sendable {
    enum Change: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    /// What is there already, told as if it were added now.
    let initial: [Record]
    /// Whether a bookmark says where the initial events end.
    let marksInitialEnd: Bool
    let startRevision: UInt64
    let watch: Watch
    private let selection: Selection

    init(_ registry: Registry, _ target: Target, _ query: ListQuery) throws {
        selection = try Selection(labels: query.labelSelector, fields: query.fieldSelector, target.storage)
        let version = try query.version()
        let wantsState: Bool
        if let sends = query.sendsInitialEvents {
            guard query.resourceVersionMatch == "NotOlderThan" else {
                throw Registry.invalidOptions(
                    "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
            }
            guard !sends || query.allowsBookmarks else {
                throw Registry.invalidOptions(
                    "allowWatchBookmarks: Forbidden: sendInitialEvents requires setting allowWatchBookmarks to true")
            }
            wantsState = sends
        } else {
            guard query.resourceVersionMatch.isEmpty else {
                throw Registry.invalidOptions(
                    "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
            }
            wantsState = version == nil || version == 0
        }
        marksInitialEnd = query.sendsInitialEvents == true
        if let version, version > 0 { try registry.checkReached(version) }
        do throws(StoreError) {
            if wantsState {
                let now = try registry.store.list(target.storage.collection, namespace: target.namespace.isEmpty ? nil : target.namespace)
                let selection = selection
                initial = now.records.filter { (target.name.isEmpty || target.in($0).name == target.name) && selection.matches($0) }
                startRevision = now.revision
            } else {
                initial = []
                startRevision = version.flatMap { $0 > 0 ? $0 : nil } ?? registry.store.revision
            }
            watch = try registry.store.watch(
                target.storage.collection, namespace: target.namespace.isEmpty ? nil : target.namespace, after: startRevision)
        } catch {
            if case .compacted = error.code {
                throw Registry.expired("too old resource version: \(query.resourceVersion) (\(registry.store.revision))")
            }
            throw Registry.error(error, target)
        }
        name = target.name.isEmpty ? nil : target.key.name
    }

    private let name: String?

    /// What the watcher is told of an event, `nil` for nothing: an object that begins to match is added, one that ceases to is deleted.
    func change(_ event: Event) -> Change? {
        if let name, event.record.key.name != name { return nil }
        if selection.isEverything {
            switch event.kind {
            case .added: return .added
            case .modified: return .modified
            case .deleted: return .deleted
            }
        }
        let before = event.previous.map { selection.matches($0) } ?? false
        guard event.kind != .deleted else { return before ? .deleted : nil }
        switch (before, selection.matches(event.record)) {
        case (true, true): return .modified
        case (false, true): return .added
        case (true, false): return .deleted
        case (false, false): return nil
        }
    }
}
