/// How a store is kept.
public struct Options: Sendable {
    /// History per collection: the most events, the most bytes of their records, and how long. Watches and lists from before are
    /// `.compacted`.
    public var historyLimit = 10_000
    public var historyBytes = 64 << 20
    public var historyAge: Duration = .seconds(600)
    /// How long the first write of a group waits for company. Zero is best on most disks: a group gathers while the one before is being
    /// written.
    public var groupDelay: Duration = .zero
    /// SQLite: the write-ahead log is moved into the database when it has this many pages of 4 KiB.
    public var checkpointPages = 4_000
    /// SQLite: the database may not grow beyond this many bytes; a write that needs more fails. `nil`: as far as the disk goes.
    public var maximumSize: Int?
    /// What is done to records on their way to the disk and back. `nil`: nothing.
    public var transformer: (any Transformer)?

    public init() {}
}
