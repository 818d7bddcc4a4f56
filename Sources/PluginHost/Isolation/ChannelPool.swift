internal import CLinux
internal import Client
internal import Dispatch
internal import Synchronization

/// The channels on which this side calls, lent to one thread at a time: the one given back last is lent first, because the far side still
/// looks at it.
final class ChannelPool: LineSource {
    private struct State: ~Copyable {
        var idle: [Channel] = []
        var made: [Channel] = []
    }
    private let state = Mutex(State())
    private let free = DispatchSemaphore(value: 0)
    private let farSide: Channel.FarSide
    /// Where the far side reads how many channels are in use.
    private let mailboxes: Mailboxes
    private let isHost: Bool

    /// - Parameter count: how many there are to lend.
    init(_ mailboxes: Mailboxes, isHost: Bool, count: Int, _ farSide: Channel.FarSide) {
        self.mailboxes = mailboxes
        self.isHost = isHost
        self.farSide = farSide
        for _ in 0..<count { free.signal() }
    }

    /// Waits while all are lent.
    func borrow() throws(LineError) -> any Line {
        free.wait()
        guard !farSide.isGone.load(ordering: .sequentiallyConsistent) else {
            // The next one that waits has to hear it, too.
            free.signal()
            throw .lost
        }
        let borrower = isHost ? InHand.current : nil
        return state.withLock { state in
            if let channel = state.idle.popLast() {
                channel.borrower = borrower
                return channel
            }
            let index = state.made.count
            let channel = isHost ? mailboxes.call(index, .caller, farSide) : mailboxes.upcall(index, .caller, farSide)
            channel.borrower = borrower
            state.made.append(channel)
            let inUse = isHost ? mailboxes.callsInUse : mailboxes.upcallsInUse
            apus_word_store(inUse, UInt32(index + 1))
            apus_word_wake(inUse)
            return channel
        }
    }

    func giveBack(_ line: any Line, isUsable: Bool) {
        // One that broke stays away; its place does, too: the far side is about to be ended.
        guard isUsable else { return }
        let channel = unsafeDowncast(line, to: Channel.self)
        channel.giveRoomBack()
        state.withLock { state in
            channel.borrower = nil
            state.idle.append(channel)
        }
        free.signal()
    }

    /// What is in hand of whoever calls on a channel, by its number from 1. By 0, which is none, of the only one who calls at all.
    func inHand(on number: UInt32) -> InHand.Key? {
        state.withLock { state in
            let borrowers = state.made.map(\.borrower)
            if number > 0 { return number <= borrowers.count ? borrowers[Int(number) - 1].flatMap { InHand.key($0) } : nil }
            let calling = borrowers.compactMap { $0 }
            return calling.count == 1 ? calling.first.flatMap { InHand.key($0) } : nil
        }
    }

    /// The far side is gone: everyone who waits here or on one of the channels hears it.
    func lose() {
        for channel in state.withLock({ $0.made }) { channel.lose() }
        free.signal()
    }
}
