import CLinux
import Foundation
import Synchronization
import Testing

@testable import PluginHost

@Suite struct IsolationChannelTests {
    /// Both ends of one channel, in this process.
    private final class Ends: @unchecked Sendable {
        // Sendable because each end is used by one thread.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Channel.size, alignment: 4096)
        let farSide = Channel.FarSide()
        let caller: Channel
        let callee: Channel

        init() {
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: Channel.size)
            caller = Channel(memory, of: nil, .caller, farSide)
            callee = Channel(memory, of: nil, .callee, farSide)
        }

        deinit { memory.deallocate() }
    }

    private func echo(_ ends: Ends) {
        startThread(name: "echo") {
            // Until the caller has gone.
            while let message = try? ends.callee.receive(deadline: nil), (try? ends.callee.send(message, deadline: nil)) != nil {}
        }
    }

    @Test(arguments: [0, 1, 63 << 10, 64 << 10, 200_000, 3 << 20]) func carriesMessagesOfAnyLength(_ count: Int) throws {
        let ends = Ends()
        echo(ends)
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for _ in 0..<3 {
            try ends.caller.send(message, deadline: nil)
            #expect(try ends.caller.receive(deadline: .now + .seconds(30)) == message)
        }
        ends.farSide.isGone.store(true, ordering: .sequentiallyConsistent)
        ends.callee.lose()
    }

    @Test func aDeadlinePasses() throws {
        let ends = Ends()
        try ends.caller.send([1], deadline: nil)
        #expect(throws: LineError.timedOut) { _ = try ends.caller.receive(deadline: .now + .milliseconds(20)) }
    }

    /// Runs `body` with a far side that is silent until `body` has returned, or has gone on for long after its deadline: then it goes on.
    private func withTardyFarSide(_ goOn: @escaping @Sendable () -> Void, _ body: () -> Void) {
        let (returned, done) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        startThread(name: "tardy") {
            _ = returned.wait(timeout: .now() + .seconds(5))
            goOn()
            done.signal()
        }
        body()
        returned.signal()
        done.wait()
    }

    /// Each piece is soon enough for itself.
    @Test func aDeadlinePassesBetweenThePiecesOfAnAnswer() throws {
        let ends = Ends()
        try ends.caller.send([1], deadline: nil)
        _ = try ends.callee.receive(deadline: nil)
        try ends.callee.send([2], deadline: nil)
        ends.memory.storeBytes(of: 1, toByteOffset: 68, as: UInt32.self)
        withTardyFarSide {
            ends.memory.storeBytes(of: 0, toByteOffset: 68, as: UInt32.self)
            _ = try? ends.callee.receive(deadline: nil)
            try? ends.callee.send([3], deadline: nil)
        } _: {
            #expect(throws: LineError.timedOut) { _ = try ends.caller.receive(deadline: .now + .milliseconds(20)) }
        }
    }

    @Test func aDeadlinePassesWhileALongMessageIsFetched() {
        let ends = Ends()
        withTardyFarSide {
            _ = try? ends.callee.receive(deadline: .now + .milliseconds(1))
        } _: {
            #expect(throws: LineError.timedOut) {
                try ends.caller.send([UInt8](repeating: 7, count: 100_000), deadline: .now + .milliseconds(20))
            }
        }
    }

    /// The word that says how many channels are in use is the far side's, too; it leaves there what it likes, and ends.
    @Test func whoeverServesHearsOfTheEndWhateverTheWordsSay() throws {
        let mailboxes = try #require(Mailboxes())
        let farSide = Channel.FarSide()
        let served = ServedChannels(mailboxes, isHost: true, count: Mailboxes.upcalls, farSide)
        apus_word_store(mailboxes.upcallsInUse, .max)
        let isOver = Atomic(false)
        let returned = DispatchSemaphore(value: 0)
        startThread(name: "follows") {
            served.follow(threadName: "serves", stack: 1 << 18) { _, _ in
                // The first one: while the others are being started.
                guard !isOver.exchange(true, ordering: .sequentiallyConsistent) else { return }
                farSide.isGone.store(true, ordering: .sequentiallyConsistent)
                served.lose()
            }
            returned.signal()
        }
        #expect(returned.wait(timeout: .now() + .seconds(30)) == .success)
    }

    @Test func whoWaitsHearsOfTheEndAtOnce() throws {
        let ends = Ends()
        try ends.caller.send([1], deadline: nil)
        let heard = DispatchSemaphore(value: 0)
        let told = Locked<LineError?>(nil)
        startThread(name: "waits") {
            do { _ = try ends.caller.receive(deadline: nil) } catch { told.change { $0 = error as? LineError } }
            heard.signal()
        }
        // As it happens: it may sleep already, or not yet wait.
        ends.farSide.isGone.store(true, ordering: .sequentiallyConsistent)
        ends.caller.lose()
        #expect(heard.wait(timeout: .now() + .seconds(30)) == .success)
        #expect(told.value == .lost)
        #expect(throws: LineError.lost) { try ends.caller.send([2], deadline: nil) }
    }

    /// What a far side may write into the memory instead of a message.
    @Test func lengthsOfTheFarSideAreHeldToTheMailbox() throws {
        let ends = Ends()
        try ends.caller.send([1], deadline: nil)
        _ = try ends.callee.receive(deadline: nil)
        try ends.callee.send([2], deadline: nil)
        ends.memory.storeBytes(of: UInt32.max, toByteOffset: 64, as: UInt32.self)
        #expect(try ends.caller.receive(deadline: nil).count < Channel.size)
    }

    @Test func piecesWithoutContentAreNoMessage() throws {
        let ends = Ends()
        try ends.caller.send([1], deadline: nil)
        _ = try ends.callee.receive(deadline: nil)
        try ends.callee.send([], deadline: nil)
        ends.memory.storeBytes(of: 1, toByteOffset: 68, as: UInt32.self)
        #expect(throws: LineError.lost) { _ = try ends.caller.receive(deadline: nil) }
    }

    /// A child may say that it uses any number of channels: the host has a thread for as many as its kind needs.
    @Test func noMoreChannelsAreServedThanAreMeant() throws {
        let mailboxes = try #require(Mailboxes())
        let farSide = Channel.FarSide()
        let served = ServedChannels(mailboxes, isHost: true, count: 3, farSide)
        apus_word_store(mailboxes.upcallsInUse, .max)
        let begun = Atomic(0)
        let returned = DispatchSemaphore(value: 0)
        startThread(name: "follows") {
            served.follow(threadName: "serves", stack: 1 << 18) { _, _ in begun.add(1, ordering: .relaxed) }
            returned.signal()
        }
        while begun.load(ordering: .relaxed) < 3 { sched_yield() }
        farSide.isGone.store(true, ordering: .sequentiallyConsistent)
        served.lose()
        #expect(returned.wait(timeout: .now() + .seconds(30)) == .success)
        #expect(begun.load(ordering: .relaxed) == 3)
    }

    @Test func allLongMessagesTogetherHaveSoMuchRoom() throws {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * Channel.size, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Channel.size)
        let (host, child) = (Channel.FarSide(room: 500_000), Channel.FarSide())
        let callers = [0, 1].map { Channel(memory + $0 * Channel.size, of: nil, .caller, host) }
        let message = [UInt8](repeating: 7, count: 300_000)
        let answered = DispatchGroup()
        for (index, caller) in callers.enumerated() {
            let callee = Channel(memory + index * Channel.size, of: nil, .callee, child)
            try caller.send([1], deadline: nil)
            answered.enter()
            startThread(name: "answers") {
                _ = try? callee.receive(deadline: nil)
                try? callee.send(message, deadline: .now + .seconds(30))
                answered.leave()
            }
        }
        #expect(try callers[0].receive(deadline: .now + .seconds(30)) == message)
        #expect(throws: LineError.tooLong) { _ = try callers[1].receive(deadline: .now + .seconds(30)) }
        child.isGone.store(true, ordering: .sequentiallyConsistent)
        for caller in callers { caller.lose() }
        answered.wait()
        memory.deallocate()
    }

    @Test func aMessageThatIsDoneWithLeavesItsRoomToTheNext() throws {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Channel.size, alignment: 4096)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: Channel.size)
        let host = Channel.FarSide(room: 500_000)
        let (caller, callee) = (Channel(memory, of: nil, .caller, host), Channel(memory, of: nil, .callee, Channel.FarSide()))
        let done = DispatchSemaphore(value: 0)
        startThread(name: "echo") {
            for _ in 0..<4 {
                guard let message = try? callee.receive(deadline: .now + .seconds(30)) else { break }
                try? callee.send(message, deadline: .now + .seconds(30))
            }
            done.signal()
        }
        let message = [UInt8](repeating: 7, count: 300_000)
        for _ in 0..<4 {
            try caller.send(message, deadline: .now + .seconds(30))
            #expect(try caller.receive(deadline: .now + .seconds(30)) == message)
        }
        done.wait()
        memory.deallocate()
    }

    struct Turn: Sendable {
        var pondered: Int64
        var spunInVain = false
        var credit: Int
    }

    @Test(arguments: [
        [
            Turn(pondered: 100, credit: 1), Turn(pondered: 30_000, credit: 2), Turn(pondered: 100, credit: 3),
            Turn(pondered: 100, credit: 3),
        ],
        [
            Turn(pondered: 100, credit: 1), Turn(pondered: 100, credit: 2), Turn(pondered: 50_000, credit: 1),
            Turn(pondered: 2_000_000, credit: 0),
        ],
        [
            Turn(pondered: 100, credit: 1), Turn(pondered: 100, spunInVain: true, credit: -4), Turn(pondered: 100, credit: -3),
            Turn(pondered: 1_000_000, credit: 0),
        ],
    ])
    func spinsAfterShortTurnsOnly(_ turns: [Turn]) {
        var spinning = Spinning()
        #expect(spinning.patience(farSideSlept: true) == 0, "not before it knows the far side")
        for turn in turns {
            spinning.note(turn.pondered, spunInVain: turn.spunInVain)
            #expect(spinning.credit == turn.credit)
            #expect((spinning.patience(farSideSlept: false) > 0) == (turn.credit > 0))
        }
        #expect(spinning.patience(farSideSlept: false) <= 30_000)
    }
}
