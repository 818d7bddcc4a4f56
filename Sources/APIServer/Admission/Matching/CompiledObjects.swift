import APIModel
import Store
import Synchronization

/// What the objects of a collection come to, made anew for those alone that have changed. Safe from any task.
final class CompiledObjects<Compiled: Sendable>: Sendable {
    private struct State {
        /// Up to which `all` is complete; `nil` before the first look.
        var change: UInt64?
        var byKey: [RecordKey: (revision: UInt64, compiled: Compiled)] = [:]
        var all: [Compiled] = []
    }

    private let collection: String
    private let compile: @Sendable (Value) -> Compiled
    private let state = Mutex(State())

    init(_ collection: String, _ compile: @escaping @Sendable (Value) -> Compiled) {
        self.collection = collection
        self.compile = compile
    }

    /// In the order of their names. The change is looked at before the objects are, so that one that comes in between makes the result
    /// stale again.
    func all(_ store: Store) -> [Compiled] {
        let change = store.newestChange(in: [collection])
        return state.withLock { state in
            if let seen = state.change, change <= seen { return state.all }
            let records = (try? store.list(collection))?.records ?? []
            var byKey: [RecordKey: (revision: UInt64, compiled: Compiled)] = [:]
            for record in records {
                let before = state.byKey[record.key]
                byKey[record.key] =
                    before?.revision == record.revision ? before : (record.revision, compile(record.object.value))
            }
            state = State(change: change, byKey: byKey, all: records.compactMap { byKey[$0.key]?.compiled })
            return state.all
        }
    }
}
