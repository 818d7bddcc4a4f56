import APIModel
import Synchronization

/// The encoded forms of one record or event, by who they are for: each made by the first who asks, then shared by all.
final class Encodings<Encoded: Sendable>: Sendable {
    struct Form: Sendable, Equatable {
        /// Of an event, what it means to the watcher.
        var change: WatchSource.Change?
        var presentation: Presentation
        /// The version that the client speaks.
        var version: GroupVersion
        /// Of a custom kind, which of its definition's forms: a changed one shows the same record differently.
        var generation: Int64 = 0
    }

    /// Few, so that looking at each is quicker than a table.
    private let forms = Mutex<[(form: Form, encoded: Encoded)]>([])

    /// `make` runs with the forms locked.
    func form(_ form: Form, _ make: () throws -> Encoded) rethrows -> Encoded {
        try forms.withLock { forms in
            if let known = forms.first(where: { $0.form == form }) { return known.encoded }
            let encoded = try make()
            forms.removeAll { $0.form.version == form.version && $0.form.generation != form.generation }
            forms.append((form, encoded))
            return encoded
        }
    }
}
