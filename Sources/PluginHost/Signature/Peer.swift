internal import Synchronization

/// The far side of a process boundary, as this side sees it: the tables this side offers to it, the callbacks it was lent, and the lines to
/// it.
///
/// Both processes make one. A call over a line may be answered by calls back on the same line, as deep as `maximumDepth`. A peer that was
/// lost stays lost: after a restart there is a new one.
final class Peer: Sendable {
    /// Which process this is. The host trusts nothing that it is sent; a child ends with its host.
    enum Side: Sendable { case host, child }

    /// What made a peer be lost.
    enum Trouble: Sendable, Equatable {
        /// The line broke: the process at its other end is gone, or going.
        case lost
        case timedOut(slot: String, after: Duration)
        /// It sent what no honest side sends.
        case garbage(String)
        /// The callee wrote more than `limit` bytes into the sink of `slot`.
        case flooded(slot: String, limit: Int)

        /// A line that broke, where nobody waited for a call to end.
        init(_ error: LineError) { self = error == .tooLong ? .garbage("messages longer than there is room for") : .lost }
    }

    /// How many calls of the far side one thread serves inside each other.
    static let maximumDepth = 16

    let side: Side
    let lines: any LineSource
    let sharedMemory: Range<UInt>
    private let trouble: @Sendable (Trouble) -> String

    private struct State: Sendable {
        var reason: String?
        var offers: [UInt8: Offer] = [:]
        var host: UInt = 0
        var lent: [UInt64: LentCallbacks] = [:]
        var nextLent: UInt64 = 1
    }
    private let state = Mutex(State())
    private let isOver = Atomic(false)

    /// - Parameters:
    ///   - sharedMemory: addresses that both sides map; an argument of shape `.shared` must lie there.
    ///   - trouble: called when the peer turns out to be lost, on the thread that noticed and before its call is answered; several threads
    ///     may notice. Ends the far side if it still lives, and returns the sentence for the callers' sinks ("was ended by signal 11
    ///     (SIGSEGV)"). May wait for the process to be reaped.
    init(_ side: Side, lines: any LineSource, sharedMemory: Range<UInt> = 0..<0, trouble: @escaping @Sendable (Trouble) -> String) {
        self.side = side
        self.lines = lines
        self.sharedMemory = sharedMemory
        self.trouble = trouble
    }

    /// Offers a table to the far side. `instance` holds its `self`; several tables may share it. A second offer of the same table replaces
    /// the first.
    func offer(_ descriptor: TableDescriptor, at table: UnsafeRawPointer, _ instance: Instance) {
        state.withLock {
            $0.offers[descriptor.number] = Offer(descriptor: descriptor, address: UInt(bitPattern: table), instance: instance)
        }
    }

    /// What arguments of shape `.host` are on this side; `create` alone has one.
    func offerHost(_ host: UnsafeRawPointer) { state.withLock { $0.host = UInt(bitPattern: host) } }

    /// Gives the far side up: calls from now on answer UNAVAILABLE with the first `reason`, and every `.until` callback lent to it gets its
    /// last call. A second call does nothing.
    func lose(_ reason: String) {
        let lent = state.withLock { state -> [LentCallbacks] in
            guard state.reason == nil else { return [] }
            state.reason = reason
            isOver.store(true, ordering: .releasing)
            defer { state.lent = [:] }
            return Array(state.lent.values)
        }
        for callbacks in lent { callbacks.end() }
    }

    var isLost: Bool { isOver.load(ordering: .acquiring) }

    /// Why the peer is lost.
    var reason: String { state.withLock { $0.reason ?? "" } }

    /// Reports what went wrong, and gives the far side up. Returns the sentence for the caller.
    func fail(_ trouble: Trouble) -> String {
        // What follows the first trouble is its consequence.
        if isLost { return reason }
        lose(self.trouble(trouble))
        return reason
    }
}

/// One offered table.
struct Offer: Sendable {
    let descriptor: TableDescriptor
    fileprivate let address: UInt
    let instance: Instance

    var table: UnsafeRawPointer { UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped }
    func function(_ slot: Int) -> UnsafeRawPointer? { table.load(fromByteOffset: descriptor.offset(of: slot), as: UnsafeRawPointer?.self) }
}

extension Peer {
    func offer(number: UInt8) -> Offer? { state.withLock { $0.offers[number] } }

    var host: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: state.withLock { $0.host }) }

    /// Lends callbacks beyond their call; `nil` when the peer is lost.
    func lend(_ callbacks: LentCallbacks) -> UInt64? {
        state.withLock { state in
            guard state.reason == nil else { return nil }
            defer { state.nextLent += 1 }
            state.lent[state.nextLent] = callbacks
            return state.nextLent
        }
    }

    func lent(_ id: UInt64) -> LentCallbacks? { state.withLock { $0.lent[id] } }
    func forget(_ id: UInt64) -> LentCallbacks? { state.withLock { $0.lent.removeValue(forKey: id) } }
}

/// The `self` of a component on the side where it lives. `create` sets it.
final class Instance: Sendable {
    private let address: Atomic<UInt>

    init(_ pointer: UnsafeMutableRawPointer? = nil) { address = Atomic(UInt(bitPattern: pointer)) }

    var pointer: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: address.load(ordering: .acquiring)) }
    func set(_ pointer: UnsafeMutableRawPointer?) { address.store(UInt(bitPattern: pointer), ordering: .releasing) }
}
