/// Something to be committed: a compare-and-swap on one key.
public struct Mutation: Sendable {
    public enum Action: Sendable {
        case put(Body)
        /// `final` is the last state that others get to see, `nil` the one that is there.
        case delete(final: Body?)
    }

    public var key: RecordKey
    public var expectation: Expectation
    public var action: Action
    /// The newest state that the engine has told of. An engine without other writers that has told all need not look for itself.
    public var known: Record?

    public init(key: RecordKey, expectation: Expectation, action: Action, known: Record? = nil) {
        self.key = key
        self.expectation = expectation
        self.action = action
        self.known = known
    }

    /// Whether `current` is what the mutation expects to find.
    public func accepts(_ current: Record?) -> Bool {
        switch (expectation, current, action) {
        case (.absent, nil, .put), (.any, _, .put), (.any, .some, .delete): true
        case (.revision(let revision), let current?, _): current.revision == revision
        case (.absent, _, _), (.revision, nil, _), (.any, nil, .delete): false
        }
    }

    /// What it makes of a state that it accepts.
    public func applied(to current: Record?, at revision: UInt64) -> Change {
        switch (action, current) {
        case (.put(let body), _), (.delete(let body?), _):
            let record = Record(key: key, body: body, revision: revision, createRevision: current?.createRevision ?? revision)
            return Change(record: record, isDeletion: action.isDeletion)
        case (.delete(nil), let current?): return Change(record: current.restamped(revision), isDeletion: true)
        case (.delete(nil), nil): preconditionFailure("a deletion accepts no state that is not there")
        }
    }
}

extension Mutation.Action {
    var isDeletion: Bool { if case .delete = self { true } else { false } }
}

/// What a write expects to find.
public enum Expectation: Sendable {
    /// No object: a create.
    case absent
    /// The object exactly at this revision.
    case revision(UInt64)
    /// For a put, anything or nothing; for a delete, any object.
    case any
}

extension Mutation {
    /// What became of it.
    public enum Outcome: Sendable {
        case committed(Record)
        /// What was there at this revision is not what the mutation expects.
        case refused(UInt64)

        /// Everything that led to it has been told once this revision has.
        var revision: UInt64 {
            switch self {
            case .committed(let record): record.revision
            case .refused(let revision): revision
            }
        }
    }
}
