internal import CLinux
internal import Client
internal import Synchronization

/// A line over shared memory: one mailbox that the two sides write in turns.
///
/// The far side may change the memory at any time and to anything: what is read from it is read once and held to its bounds.
final class Channel: Line, @unchecked Sendable {
    // Sendable because a conversation has one thread at a time on each side, and lending a channel to the next thread goes through a lock.
    enum Side: UInt32 {
        /// Speaks first.
        case caller = 0
        case callee = 1
        fileprivate var other: UInt32 { 1 - rawValue }
    }

    /// The life of the far side, told to everyone who waits for it, and what may be kept of its long messages.
    final class FarSide: Sendable {
        let isGone = Atomic(false)
        private let room: Atomic<Int>

        /// - Parameter room: bytes of messages that take more than one piece, on all channels together.
        init(room: Int = .max) { self.room = Atomic(room) }

        /// `false` when there is no room for so many bytes. What was taken is taken all the same.
        fileprivate func take(_ bytes: Int) -> Bool { room.wrappingSubtract(bytes, ordering: .relaxed).newValue >= 0 }
        fileprivate func giveBack(_ bytes: Int) { room.wrappingAdd(bytes, ordering: .relaxed) }
    }

    /// What one channel takes in the shared file.
    static let size = 64 << 10
    /// A message beyond this is none that an honest side sends: the largest answer, and something around it.
    static let longest = Signatures.answer + 64 << 10
    /// What a host keeps of one child's messages at once.
    static let room = 2 * longest
    /// How long the far side may take to send or fetch one piece of a longer message: it does nothing else meanwhile. All pieces have until
    /// the message's deadline.
    private static let pieceLimit = Duration.seconds(10)

    /// In place of a turn: nobody will write here any more.
    private static let lost: UInt32 = 2
    /// The turn alone is on its cache line, which a waiting side looks at all the time; the pieces begin on the next.
    private enum Offset {
        static let turn = 0, sleepers = 16, count = 64, more = 68, pondered = 72, bytes = 128
    }
    private static let pieceSize = size - Offset.bytes

    private let memory: UnsafeMutableRawPointer
    /// Keeps the memory mapped.
    private let owner: AnyObject?
    private let side: Side
    private let farSide: FarSide
    private var spinning = Spinning()
    /// When this side got its turn.
    private var turnBegan = apus_monotonic_time()
    /// Whether the far side slept when it got the turn: then it first has to wake up.
    private var farSideSlept = false
    /// Room that the message taken last uses, until the conversation goes on.
    private var held = 0
    /// What whoever speaks here works on, `nil` while nobody does. Guarded by the lock of the pool that lends the channel.
    var borrower: InHand.Reference?

    /// - Parameters:
    ///   - memory: `size` bytes, zero when the first side comes.
    ///   - owner: lives as long as the memory is mapped.
    init(_ memory: UnsafeMutableRawPointer, of owner: AnyObject?, _ side: Side, _ farSide: FarSide) {
        self.memory = memory
        self.owner = owner
        self.side = side
        self.farSide = farSide
    }

    private func word(_ offset: Int) -> UnsafeMutablePointer<UInt32> { (memory + offset).assumingMemoryBound(to: UInt32.self) }
    private func sleeper(_ side: UInt32) -> UnsafeMutablePointer<UInt32> { word(Offset.sleepers + 4 * Int(side)) }

    func send(_ message: [UInt8], deadline: ContinuousClock.Instant?) throws(LineError) {
        giveRoomBack()
        var sent = 0
        repeat {
            let count = min(message.count - sent, Self.pieceSize)
            message.withUnsafeBytes { message in
                if count > 0 { (memory + Offset.bytes).copyMemory(from: message.baseAddress! + sent, byteCount: count) }
            }
            sent += count
            apus_word_store(word(Offset.count), UInt32(count))
            apus_word_store(word(Offset.more), sent < message.count ? 1 : 0)
            try handOver()
            if sent < message.count { try waitForPiece(deadline) }
        } while sent < message.count
    }

    func receive(deadline: ContinuousClock.Instant?) throws(LineError) -> [UInt8] {
        giveRoomBack()
        try waitForTurn(until: deadline.map(Self.monotonic) ?? -1)
        var message: [UInt8] = []
        while true {
            let count = min(Int(apus_word_load(word(Offset.count))), Self.pieceSize)
            let more = apus_word_load(word(Offset.more)) != 0
            let piece = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: UnsafeRawBufferPointer(start: memory + Offset.bytes, count: count))
                initialized = count
            }
            if message.isEmpty { message = piece } else { message += piece }
            guard more else { return message }
            // Pieces without content would come for ever.
            guard count > 0 else { throw .lost }
            held += count
            guard farSide.take(count), message.count <= Self.longest else { throw .tooLong }
            try handOver()
            try waitForPiece(deadline)
        }
    }

    /// The message taken last is done with.
    func giveRoomBack() {
        guard held > 0 else { return }
        farSide.giveBack(held)
        held = 0
    }

    /// Wakes whoever waits here: the far side is gone. `FarSide.isGone` must be set before.
    func lose() {
        apus_word_store(word(Offset.turn), Self.lost)
        apus_word_wake(word(Offset.turn))
    }

    private func handOver() throws(LineError) {
        let pondered = UInt32(clamping: apus_monotonic_time() - turnBegan)
        apus_word_store(word(Offset.pondered), pondered)
        apus_word_store(word(Offset.turn), side.other)
        // Looked at after the turn was written: whoever set it then writes the turn again.
        guard !farSide.isGone.load(ordering: .sequentiallyConsistent) else { throw .lost }
        farSideSlept = apus_word_load(sleeper(side.other)) != 0
        if farSideSlept { apus_word_wake(word(Offset.turn)) }
    }

    private func waitForPiece(_ deadline: ContinuousClock.Instant?) throws(LineError) {
        let latest = ContinuousClock.now + Self.pieceLimit
        try waitForTurn(until: Self.monotonic(deadline.map { min($0, latest) } ?? latest))
    }

    /// Waits for this side's turn. `end` is a monotonic time, negative for none.
    private func waitForTurn(until end: Int64) throws(LineError) {
        let turn = word(Offset.turn)
        var seen = apus_word_load(turn)
        var spunInVain = false
        if seen != side.rawValue {
            let patience = spinning.patience(farSideSlept: farSideSlept)
            if patience > 0 { seen = apus_word_spin(turn, seen, patience) }
            spunInVain = patience > 0 && seen != side.rawValue
            while seen != side.rawValue {
                guard seen != Self.lost, !farSide.isGone.load(ordering: .sequentiallyConsistent) else { throw .lost }
                apus_word_store(sleeper(side.rawValue), 1)
                let isOver = apus_word_wait(turn, seen, end) != 0
                apus_word_store(sleeper(side.rawValue), 0)
                seen = apus_word_load(turn)
                if isOver, seen != side.rawValue { throw .timedOut }
            }
        }
        spinning.note(Int64(apus_word_load(word(Offset.pondered))), spunInVain: spunInVain)
        turnBegan = apus_monotonic_time()
        guard !farSide.isGone.load(ordering: .sequentiallyConsistent) else { throw .lost }
    }

    private static func monotonic(_ deadline: ContinuousClock.Instant) -> Int64 {
        let left = (deadline - .now).components
        guard left.seconds < 1 << 30 else { return -1 }
        return apus_monotonic_time() + max(0, left.seconds * 1_000_000_000 + left.attoseconds / 1_000_000_000)
    }
}

/// Whether looking at a word again and again is worth it: only where the far side's last turns were short.
///
/// What counts is how long the far side pondered, as it says itself, and not how long this side waited: that contains wake-ups, which take
/// longer than most calls and which spinning saves. A far side that lies costs this side moments of spinning, in calls of its own.
struct Spinning: Sendable {
    /// What counts as short, and the longest wait that is spent spinning, in nanoseconds.
    static let short: Int64 = 30_000
    /// What a wake-up across processes takes, and some.
    static let wakeUp: Int64 = 60_000
    /// So long a turn says that the conversation has paused.
    static let pause: Int64 = 1_000_000

    /// How many of the last turns were short, up to three. Below zero: how many short turns are slept through first.
    private(set) var credit = 0

    /// - Parameter farSideSlept: whether the far side has to wake up first.
    func patience(farSideSlept: Bool) -> Int64 { credit > 0 ? Self.short + (farSideSlept ? Self.wakeUp : 0) : 0 }

    mutating func note(_ pondered: Int64, spunInVain: Bool) {
        if pondered >= Self.pause {
            credit = 0
        } else if pondered > Self.short {
            credit = max(0, credit - 1)
        } else {
            // Quick, and yet not soon: it had no processor. Sleeping leaves it this one.
            credit = spunInVain ? -4 : min(3, credit + 1)
        }
    }
}
