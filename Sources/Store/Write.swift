/// One accepted write on its way to the disk.
struct Write: Sendable {
    /// The new state; for a deletion the last one.
    var record: Record
    var isDeletion: Bool
    /// The revision of the state it was checked against, a deletion in flight included; 0 for none. If that state does not make it to the
    /// disk, neither may this one.
    var base: UInt64
    var answer: CheckedContinuation<Result<Record, StoreError>, Never>
}
