import Synchronization

/// One object at one revision, as it was committed. Never changes; shared by all readers.
public final class Record: Sendable {
    public let key: RecordKey
    /// JSON with the revision in `metadata.resourceVersion`.
    public let bytes: [UInt8]
    /// The revision of the write that made it.
    public let revision: UInt64
    /// The revision of the write that created the object; tells an object from a later one of the same name.
    public let createRevision: UInt64
    /// Where the digits of the revision stand in `bytes`.
    let revisionOffset: Int
    private let derived: Memo
    private let found = AtomicLazyReference<Terms>()

    /// - Parameter bytes: have the revision at `revisionOffset` already.
    init(
        key: RecordKey, bytes: [UInt8], revision: UInt64, createRevision: UInt64, revisionOffset: Int,
        memo: (any AnyObject & Sendable)? = nil
    ) {
        self.key = key
        self.bytes = bytes
        self.revision = revision
        self.createRevision = createRevision
        self.revisionOffset = revisionOffset
        self.derived = Memo(memo)
    }

    public convenience init(key: RecordKey, body: Body, revision: UInt64, createRevision: UInt64) {
        self.init(
            key: key, bytes: body.bytes(at: revision), revision: revision, createRevision: createRevision,
            revisionOffset: body.resourceVersionOffset, memo: body.memo)
        if let terms = body.terms { _ = found.storeIfNil(terms) }
    }

    /// The same content at another revision.
    public func restamped(_ revision: UInt64) -> Record {
        let digits = String(self.revision).utf8.count
        var bytes = bytes
        bytes.removeSubrange(revisionOffset..<revisionOffset + digits)
        var body = Body(bytes: bytes, resourceVersionOffset: revisionOffset)
        body.terms = found.load()
        return Record(key: key, body: body, revision: revision, createRevision: createRevision)
    }

    /// A decoded or encoded form that readers attach: made by the first who asks, then shared. It can be made again once the record is
    /// history. Forms of different types stand side by side.
    ///
    /// Safe from any thread. `make` must not ask the same record for a memo.
    public func memo<T: AnyObject & Sendable>(_ make: (Record) -> T) -> T { derived.value { make(self) } }

    func dropMemo() { derived.drop() }

    /// By what the record can be found, asked of `indexer` at most once.
    func terms(_ indexer: (any Indexer)?) -> Terms {
        if let terms = found.load() { return terms }
        guard let indexer else { return .none }
        return found.storeIfNil(Terms(indexer.terms(of: self)))
    }
}
