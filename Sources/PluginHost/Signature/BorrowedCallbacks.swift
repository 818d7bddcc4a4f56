internal import Synchronization

/// Callbacks of the far side, as the callee on this side sees them: a C structure whose context is a number. A number that is not known,
/// because the call or the stream that it belonged to is over, is ignored. What outlives its call stays until its last function was called,
/// even if the lender is lost: the plugin may be reading it, and a child ends soon after its host.
final class BorrowedCallbacks: @unchecked Sendable {
    // Sendable because everything is constant; the arguments of the enclosing call are read on that call's thread only.
    private let peer: Peer
    private let callbacks: Callbacks
    private let header: MessageHeader
    /// The call they were lent for, if they are lent for no longer.
    private let enclosing: Arguments?
    /// For callbacks that outlive their call: the structure. Others stand in the call's own memory.
    private let structure: UnsafeMutableRawPointer?

    private static let known = Mutex<(next: UInt, all: [UInt: BorrowedCallbacks])>((1, [:]))

    private init(_ peer: Peer, _ callbacks: Callbacks, _ header: MessageHeader, enclosing: Arguments?, structure: UnsafeMutableRawPointer?)
    {
        self.peer = peer
        self.callbacks = callbacks
        self.header = header
        self.enclosing = enclosing
        self.structure = structure
    }

    deinit { structure?.deallocate() }

    /// Makes the structure: in `memory` if the callbacks end with the call, else in memory of its own. Returns where it is, and its number
    /// for `discard`.
    static func make(
        _ peer: Peer, _ callbacks: Callbacks, _ header: MessageHeader, enclosing: Arguments, in memory: UnsafeMutableRawPointer
    ) -> (UnsafeMutableRawPointer, UInt) {
        let own = callbacks.life == .call ? nil : UnsafeMutableRawPointer.allocate(byteCount: callbacks.size, alignment: 8)
        let structure = own ?? memory
        let borrowed = BorrowedCallbacks(peer, callbacks, header, enclosing: own == nil ? enclosing : nil, structure: own)
        let number = known.withLock { known in
            defer { known.next += 1 }
            known.all[known.next] = borrowed
            return known.next
        }
        structure.storeBytes(of: UInt64(callbacks.size), as: UInt64.self)
        structure.storeBytes(of: number, toByteOffset: Callbacks.context, as: UInt.self)
        for (index, slot) in callbacks.slots.enumerated() {
            structure.storeBytes(
                of: Stub.function(.callbacks, slot, index), toByteOffset: Callbacks.firstSlot + 8 * index, as: UnsafeRawPointer.self)
        }
        return (structure, number)
    }

    /// Calls with this number are ignored from now on.
    static func discard(_ number: UInt) { _ = known.withLock { $0.all.removeValue(forKey: number) } }

    static func call(_ number: UInt, _ slot: SlotDescriptor, _ index: Int, _ arguments: Arguments) -> Int64 {
        guard let borrowed = known.withLock({ $0.all[number] }), borrowed.callbacks.slots[index] === slot else {
            return slot.answerUnavailable(arguments, "")
        }
        let peer = borrowed.peer
        // What ends with a call belongs to that call's thread.
        if borrowed.structure == nil, ThreadState.current.line(to: peer) == nil { return slot.answerUnavailable(arguments, "") }
        var header = borrowed.header
        header.slot = UInt8(index)
        defer { if borrowed.callbacks.life == .until(slot: index) { discard(number) } }
        return peer.call(slot, header, arguments, enclosing: borrowed.enclosing, limit: nil)
    }
}
