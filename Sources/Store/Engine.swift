/// What a store writes to and learns from: a place that keeps objects, and that may have other writers.
///
/// Revisions are the engine's: it gives them out when it commits, and an engine may give one to several writes that it commits together.
/// What it has committed, for this store or for anybody else, it tells as changes; only they make anything visible to readers. So a store
/// never has to know who writes.
///
/// `load` and then `follow` are called once each; after them `commit` and `tend`, from one thread, and `close` last, from the same.
public protocol Engine: AnyObject {
    /// Everything there is.
    func load() throws(StoreError) -> Snapshot

    /// From now on tells all that changes after what `load` returned, whoever wrote it, in the order of revisions and each change once.
    ///
    /// Changes that share a revision are told together. One call at a time, from any thread, from within `commit` too.
    /// - Parameter tell: takes changes, and the revision up to which they are all there are.
    func follow(_ tell: @escaping @Sendable (_ changes: [Change], _ revision: UInt64) -> Void)

    /// Writes those of the mutations whose expectations hold, or nothing at all when it throws. No key comes twice.
    ///
    /// Returns what became of each, in their order, when it survives a loss of power. Its changes may be told earlier or later.
    func commit(_ mutations: [Mutation]) throws(StoreError) -> [Mutation.Outcome]

    /// Work that nobody waits for.
    func tend(_ occasion: Occasion)

    /// Nothing is called after this, and nothing told.
    func close()
}

/// When an engine may tidy up.
public enum Occasion: Sendable {
    /// A commit has just been answered.
    case committed
    /// Nothing has been written for some seconds.
    case quiet
    /// Every half minute, quiet or not.
    case regular
}

/// All that an engine keeps, at one revision.
public struct Snapshot: Sendable {
    public var revision: UInt64
    /// By collection, in the order of their names, each name once.
    public var records: [String: [Record]]

    public init(revision: UInt64, records: [String: [Record]]) {
        self.revision = revision
        self.records = records
    }
}

/// Something that has been committed.
public struct Change: Sendable {
    /// The new state; for a deletion the last one, with the deletion's revision in it.
    public var record: Record
    public var isDeletion: Bool

    public init(record: Record, isDeletion: Bool) {
        self.record = record
        self.isDeletion = isDeletion
    }
}
