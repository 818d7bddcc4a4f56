/// A list at one revision.
public struct Listing: Sendable {
    /// Ordered by key.
    public var records: [Record]
    public var revision: UInt64
    /// Whether records follow that `limit` cut off.
    public var more: Bool
    /// How many.
    public var remaining: Int
}
