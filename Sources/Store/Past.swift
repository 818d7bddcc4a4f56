/// A part of a collection at a revision: its newest records, and what has changed since then, to be undone. Taken under the lock, read
/// outside it.
struct Past: Sendable {
    private let revision: UInt64
    private let records: OrderedRecords
    /// The state at `revision` of every name that changed since, `nil` where there was none.
    private let undone: [String: Record?]

    /// - Parameter terms: only records that have the rarest of them, if there are any and the collection has an index; else all.
    init(_ state: borrowing Memory.State, _ name: String, terms: [Term], at revision: UInt64?, _ indexer: (any Indexer)?)
        throws(StoreError)
    {
        guard !state.isClosed else { throw .closed }
        self.revision = revision ?? state.revision
        guard self.revision <= state.revision else {
            throw StoreError(code: .future, message: "revision \(self.revision) has not been reached, the newest is \(state.revision)")
        }
        let collection = state.collections[name]
        let term = collection?.index?.rarest(terms)
        if let term, let index = collection?.index { records = index[term] } else { records = collection?.records ?? OrderedRecords() }
        var undone: [String: Record?] = [:]
        if let revision, revision < state.revision {
            let history = collection?.history ?? History(compacted: state.opened)
            let oldest = max(history.compacted, state.compaction.revision)
            guard revision >= oldest else { throw .compacted(revision, oldest: oldest) }
            for cursor in history.cursor(after: revision)..<history.end {
                let (name, before) = (history[cursor].record.key.name, history[cursor].previous)
                guard undone[name] == nil else { continue }
                let isWanted = term.map { before?.terms(indexer).contains($0) == true } ?? true
                undone.updateValue(isWanted ? before : nil, forKey: name)
            }
        }
        self.undone = undone
    }

    /// - Parameters:
    ///   - first: the least name that is wanted.
    ///   - last: what is less is wanted, `nil` for all.
    func listing(from first: String, upTo last: String?, limit: Int?) -> Listing {
        let end = last.map(records.lowerBound) ?? records.end
        var next = min(records.lowerBound(first), end)
        var changed = undone.filter { change in change.key >= first && last.map { change.key < $0 } ?? true }.sorted { $0.key < $1.key }[
            ...]
        var found: [Record] = []
        let limit = limit ?? .max
        if limit == .max || limit > 0 { found.reserveCapacity(min(limit, records.distance(from: next, to: end))) }

        while found.count < limit {
            let name = next < end ? records[next].key.name : nil
            if let change = changed.first, name.map({ change.key <= $0 }) ?? true {
                if let record = change.value { found.append(record) }
                if name == change.key { next = records.position(after: next) }
                changed.removeFirst()
            } else if name != nil {
                found.append(records[next])
                next = records.position(after: next)
            } else {
                break
            }
        }
        var remaining = records.distance(from: next, to: end)
        for change in changed { remaining += (change.value == nil ? 0 : 1) - (records.find(change.key) == nil ? 0 : 1) }
        return Listing(records: found, revision: revision, more: remaining > 0, remaining: remaining)
    }
}
