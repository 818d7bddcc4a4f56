internal import Synchronization

/// The far side of a process boundary, as this side sees it: the tables this side offers to it, the callbacks it was lent, and the lines to it.
///
/// Both processes make one. A call over a line may be answered by calls back on the same line, to any depth that `maximumDepth` allows. A peer that was lost stays
/// lost: after a restart there is a new one.
final class Peer: Sendable {
    /// What made a peer be lost.
    enum Trouble: Sendable, Equatable {
        /// The line broke: the process at its other end is gone, or going.
        case lost
        case timedOut(slot: String, after: Duration)
        /// It sent what no honest side sends.
        case garbage(String)
        /// The callee wrote more than `limit` bytes into the sink of `slot`.
        case flooded(slot: String, limit: Int)
    }

    /// - Parameters:
    ///   - sharedMemory: addresses that both sides map; an argument of shape `.shared` must lie there.
    ///   - trouble: called when the peer turns out to be lost, on the thread that noticed and before its call is answered; several threads may notice. Ends the far side
    ///     if it still lives, and returns the sentence for the callers' sinks ("was ended by signal 11 (SIGSEGV)"). May wait for the process to be reaped.
    init(lines: any LineSource, sharedMemory: Range<UInt> = 0..<0, trouble: @escaping @Sendable (Trouble) -> String) {
        self.lines = lines
        self.sharedMemory = sharedMemory
        self.trouble = trouble
    }

    let lines: any LineSource
    let sharedMemory: Range<UInt>
    let trouble: @Sendable (Trouble) -> String

    /// Offers a table to the far side. `instance` holds its `self`; several tables may share it. A second offer of the same table replaces the first.
    func offer(_ descriptor: TableDescriptor, at table: UnsafeRawPointer, _ instance: Instance) {}

    /// What arguments of shape `.host` are on this side; `create` alone has one.
    func offerHost(_ host: UnsafeRawPointer) {}

    /// Serves the calls that come in on `line`, on this thread, until the line or the peer is lost.
    func serve(_ line: any Line) {}

    /// Gives the far side up: calls from now on answer UNAVAILABLE, and every `.until` callback lent to it gets its last call. A second call does nothing.
    func lose(_ reason: String) {}

    var isLost: Bool { false }
}

/// The `self` of a component on the side where it lives. `create` sets it.
final class Instance: Sendable {
    private let address: Atomic<UInt>

    init(_ pointer: UnsafeMutableRawPointer? = nil) { address = Atomic(UInt(bitPattern: pointer)) }

    var pointer: UnsafeMutableRawPointer? {
        get { UnsafeMutableRawPointer(bitPattern: address.load(ordering: .acquiring)) }
        set { address.store(UInt(bitPattern: newValue), ordering: .releasing) }
    }
}
