/// The records of one collection by each of their terms.
struct Index: Sendable {
    private var records: [Term: OrderedRecords] = [:]

    init(_ records: OrderedRecords, _ indexer: any Indexer) {
        var found: [Term: [Record]] = [:]
        for record in records.all {
            for term in record.terms(indexer).all { found[term, default: []].append(record) }
        }
        self.records = found.mapValues { OrderedRecords(sorted: $0) }
    }

    /// The one that the fewest records have, `nil` of none.
    func rarest(_ terms: [Term]) -> Term? { terms.min { records[$0]?.count ?? 0 < records[$1]?.count ?? 0 } }

    /// In the order of their names; among them may be some that have another word of the same number.
    subscript(term: Term) -> OrderedRecords { records[term] ?? OrderedRecords() }

    /// Takes note of a change. `nil` stands for no object.
    mutating func replace(_ previous: Record?, by record: Record?, _ indexer: (any Indexer)?) {
        let before = previous?.terms(indexer)
        let after = record?.terms(indexer)
        if let previous, let before {
            for term in before.missing(in: after) {
                records[term]?.remove(previous.key.name)
                if records[term]?.count == 0 { records.removeValue(forKey: term) }
            }
        }
        if let record, let after { for term in after.all { records[term, default: OrderedRecords()].set(record) } }
    }
}
