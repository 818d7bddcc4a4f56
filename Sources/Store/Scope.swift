/// What of a collection a watch is about.
struct Scope: Sendable {
    let namespace: String?
    /// One record alone.
    let name: String?
    /// A word that the record has, before a change or after it.
    let term: Term?
    /// What the watch waits for: the narrowest that no change it is about can miss.
    let bell: Term

    init(namespace: String?, name: String?, term: Term?) {
        self.namespace = namespace
        self.name = name
        self.term = term
        let place = namespace.map { Term.namespace($0) }
        bell = name.map { Term.name($0) } ?? term.map { term in place.map(term.within) ?? term } ?? place ?? .anything
    }

    func concerns(_ event: Event, _ indexer: (any Indexer)?) -> Bool {
        if let namespace, event.record.key.namespace != namespace { return false }
        if let name, event.record.key.name != name { return false }
        guard let term else { return true }
        return event.record.terms(indexer).contains(term) || event.previous?.terms(indexer).contains(term) == true
    }
}
