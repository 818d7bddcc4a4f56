/// How a store is kept.
public struct Options: Sendable {
    /// History per collection: the most events, and the most bytes of their records. Watches and lists from before are `.compacted`.
    public var historyLimit = 10_000
    public var historyBytes = 64 << 20
    /// What is older than two intervals is given up, too; what is younger than one is not. Zero means never.
    public var compactionInterval: Duration = .seconds(300)
    /// The time since some moment; never goes back.
    public var now: @Sendable () -> Duration = { MonotonicClock.now }
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
