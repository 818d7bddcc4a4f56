/// The watches of one collection that wait, by what they wait for, so that a change finds those it concerns and meets no others.
struct WaitingRoom: Sendable {
    private var watches: [Term: [ObjectIdentifier: Watch]] = [:]

    mutating func enter(_ watch: Watch) { watches[watch.scope.bell, default: [:]][ObjectIdentifier(watch)] = watch }

    mutating func leave(_ watch: Watch) {
        let bell = watch.scope.bell
        watches[bell]?.removeValue(forKey: ObjectIdentifier(watch))
        if watches[bell]?.isEmpty == true { watches.removeValue(forKey: bell) }
    }

    mutating func empty(into woken: inout [Watch]) {
        for found in watches.values { woken += found.values }
        watches = [:]
    }

    /// Lets go of those that `event` concerns; they go on at `cursor`, where it stands.
    mutating func wake(_ event: Event, at cursor: Int, _ indexer: (any Indexer)?, into woken: inout [Watch]) {
        guard !watches.isEmpty else { return }
        let namespace = Term.namespace(event.record.key.namespace)
        call(.anything, cursor, &woken)
        call(namespace, cursor, &woken)
        call(.name(event.record.key.name), cursor, &woken)
        let terms = event.record.terms(indexer)
        call(terms.all, in: namespace, cursor, &woken)
        if let previous = event.previous { call(previous.terms(indexer).missing(in: terms), in: namespace, cursor, &woken) }
    }

    private mutating func call(_ terms: [Term], in namespace: Term, _ cursor: Int, _ woken: inout [Watch]) {
        for term in terms {
            call(term, cursor, &woken)
            call(term.within(namespace), cursor, &woken)
        }
    }

    private mutating func call(_ bell: Term, _ cursor: Int, _ woken: inout [Watch]) {
        guard let found = watches.removeValue(forKey: bell) else { return }
        for watch in found.values {
            watch.goOn(at: cursor)
            woken.append(watch)
        }
    }
}
