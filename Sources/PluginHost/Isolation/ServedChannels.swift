internal import CLinux
internal import Synchronization

/// The channels on which the far side calls: a thread for each, made when the far side begins to use it.
final class ServedChannels: Sendable {
    private let mailboxes: Mailboxes
    private let farSide: Channel.FarSide
    private let isHost: Bool
    /// No more than these are served, whatever the far side uses.
    private let count: Int
    private let made = Mutex<[Channel]>([])

    init(_ mailboxes: Mailboxes, isHost: Bool, count: Int, _ farSide: Channel.FarSide) {
        self.mailboxes = mailboxes
        self.isHost = isHost
        self.count = count
        self.farSide = farSide
    }

    /// Follows the far side until it is lost. Runs on the caller's thread; `serve` on threads of its own, each with `stack` bytes of stack,
    /// with the channel's number from 1.
    func follow(threadName: String, stack: Int, _ serve: @escaping @Sendable (_ number: UInt32, Channel) -> Void) {
        let inUse = isHost ? mailboxes.upcallsInUse : mailboxes.callsInUse
        var served = 0
        while true {
            let seen = apus_word_load(inUse)
            // Looked at after the word: `lose` changes that after it was set.
            guard !farSide.isGone.load(ordering: .sequentiallyConsistent) else { break }
            while served < min(Int(seen), count) {
                let channel = isHost ? mailboxes.upcall(served, .callee, farSide) : mailboxes.call(served, .callee, farSide)
                made.withLock { $0.append(channel) }
                served += 1
                startThread(name: threadName, stack: stack) { [number = UInt32(served)] in serve(number, channel) }
            }
            _ = apus_word_wait(inUse, seen, -1)
        }
        // Whoever was added while the far side went has not heard it.
        lose()
    }

    /// The far side is gone: `follow` returns, and everyone who waits on one of the channels hears it.
    func lose() {
        for channel in made.withLock({ $0 }) { channel.lose() }
        let inUse = isHost ? mailboxes.upcallsInUse : mailboxes.callsInUse
        // Another value than before, whatever the far side left there.
        apus_word_store(inUse, apus_word_load(inUse) &+ 1)
        apus_word_wake(inUse)
    }
}
