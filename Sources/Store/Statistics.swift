/// What the store has done since it was opened.
public struct Statistics: Sendable {
    public var transactions: UInt64 = 0
    /// Writes committed; with `transactions` this tells how many share a transaction.
    public var writes: UInt64 = 0
    /// Writes that failed because their transaction did.
    public var failures: UInt64 = 0
    /// What the newest transaction failed with; `nil` once one succeeds again. This is the store's health.
    public var problem: String?
}
