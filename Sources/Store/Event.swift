/// One committed change. Shared by all watchers.
public final class Event: Sendable {
    public enum Kind: Sendable { case added, modified, deleted }

    public let kind: Kind
    /// The new state; for a deletion the last one, with the deletion's revision in it.
    public let record: Record
    /// The state before, `nil` when the object was added.
    public let previous: Record?
    private let derived = Memo()

    init(kind: Kind, record: Record, previous: Record?) {
        self.kind = kind
        self.record = record
        self.previous = previous
    }

    public var revision: UInt64 { record.revision }

    /// Something all watchers share, such as the encoded event: made by the first who asks. The rules are those of `Record.memo`.
    public func memo<T: AnyObject & Sendable>(_ make: (Event) -> T) -> T { derived.value { make(self) } }

    /// Lets go of what readers attached to states that are no longer current.
    func cool() {
        derived.drop()
        previous?.dropMemo()
        if kind == .deleted { record.dropMemo() }
    }
}
