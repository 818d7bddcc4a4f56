import Dispatch
import Foundation
import PluginAPI
import Synchronization

@testable import PluginHost

/// Messages one way, for one reader.
final class Mailbox: Sendable {
    private let messages = Mutex<(waiting: [[UInt8]], isClosed: Bool)>(([], false))
    private let arrived = DispatchSemaphore(value: 0)

    func put(_ message: [UInt8]) throws(LineError) {
        let isClosed = messages.withLock { state in
            if !state.isClosed { state.waiting.append(message) }
            return state.isClosed
        }
        if isClosed { throw .lost }
        arrived.signal()
    }

    func take(_ deadline: ContinuousClock.Instant?) throws(LineError) -> [UInt8] {
        if let deadline {
            let rest = ContinuousClock.now.duration(to: deadline).components
            let nanoseconds = Int(rest.seconds) * 1_000_000_000 + Int(rest.attoseconds / 1_000_000_000)
            if arrived.wait(timeout: .now() + .nanoseconds(max(0, nanoseconds))) == .timedOut { throw .timedOut }
        } else {
            arrived.wait()
        }
        let message = messages.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        guard let message else {
            // Closed: for every later reader, too.
            arrived.signal()
            throw .lost
        }
        return message
    }

    func close() {
        messages.withLock { $0 = ([], true) }
        arrived.signal()
    }
}

/// One end of a line in memory; notes what is sent.
final class MemoryLine: Line {
    private let out: Mailbox
    private let into: Mailbox
    private let tap: @Sendable ([UInt8]) -> Void

    init(out: Mailbox, into: Mailbox, tap: @escaping @Sendable ([UInt8]) -> Void) {
        self.out = out
        self.into = into
        self.tap = tap
    }

    func send(_ message: [UInt8], deadline: ContinuousClock.Instant?) throws(LineError) {
        tap(message)
        try out.put(message)
    }
    func receive(deadline: ContinuousClock.Instant?) throws(LineError) -> [UInt8] { try into.take(deadline) }
    func close() {
        out.close()
        into.close()
    }
}

/// Two peers in one process, with as many lines between them as are asked for, each served by a thread.
final class WireBench: Sendable {
    let host: Peer
    let child: Peer
    private let toChild = Lines()
    private let toHost = Lines()
    /// Everything that was sent, for the fuzz test: by the host, and by the child.
    var messages: (host: [[UInt8]], child: [[UInt8]]) { (toChild.sent.near + toHost.sent.far, toChild.sent.far + toHost.sent.near) }

    fileprivate final class Lines: LineSource {
        private struct State {
            var idle: [MemoryLine] = []
            var all: [MemoryLine] = []
            var sent: (near: [[UInt8]], far: [[UInt8]]) = ([], [])
            var isClosed = false
        }
        private let state = Mutex(State())
        private let threads = DispatchGroup()
        private let serve = Mutex<(@Sendable (any Line) -> Void)?>(nil)

        var sent: (near: [[UInt8]], far: [[UInt8]]) { state.withLock { $0.sent } }
        func serve(_ body: @escaping @Sendable (any Line) -> Void) { serve.withLock { $0 = body } }

        func borrow() throws(LineError) -> any Line {
            let (idle, isClosed) = state.withLock { ($0.idle.popLast(), $0.isClosed) }
            guard !isClosed, let serve = serve.withLock({ $0 }) else { throw .lost }
            if let idle { return idle }
            let boxes = (Mailbox(), Mailbox())
            let near = MemoryLine(out: boxes.0, into: boxes.1) { [weak self] message in
                self?.state.withLock { $0.sent.near.append(message) }
            }
            let far = MemoryLine(out: boxes.1, into: boxes.0) { [weak self] message in self?.state.withLock { $0.sent.far.append(message) }
            }
            state.withLock { $0.all += [near, far] }
            threads.enter()
            Thread.detachNewThread { [threads] in
                serve(far)
                threads.leave()
            }
            return near
        }

        func giveBack(_ line: any Line, isUsable: Bool) {
            guard let line = line as? MemoryLine else { return }
            if isUsable { state.withLock { $0.idle.append(line) } } else { line.close() }
        }

        func close() {
            let all = state.withLock { state in
                state.isClosed = true
                state.idle = []
                return state.all
            }
            for line in all { line.close() }
        }

        var count: Int { state.withLock { $0.all.count / 2 } }

        func join() {
            threads.wait()
            // Each peer holds the lines that the other serves.
            serve.withLock { $0 = nil }
        }
    }

    init() {
        let notes = Notes()
        // Everything in this process is in memory that both sides map.
        host = Peer(.host, lines: toChild, sharedMemory: 0..<UInt.max) { notes.add($0) }
        child = Peer(.child, lines: toHost, sharedMemory: 0..<UInt.max) { notes.add($0) }
        self.notes = notes
        toChild.serve { [child] in child.serve($0) }
        toHost.serve { [host] in host.serve($0) }
    }
    private let notes: Notes

    private final class Notes: Sendable {
        let all = Mutex<[Peer.Trouble]>([])
        let isOver = Mutex(false)
        func add(_ trouble: Peer.Trouble) -> String {
            if !isOver.withLock({ $0 }) { all.withLock { $0.append(trouble) } }
            return "was ended: \(trouble)"
        }
    }

    /// What went wrong until the lines were cut, in order.
    var trouble: [Peer.Trouble] { notes.all.withLock { $0 } }

    /// How many lines were made.
    var lineCount: Int { toChild.count + toHost.count }

    /// Breaks every line, as the end of a process does.
    func cutLines() {
        toChild.close()
        toHost.close()
    }

    /// Breaks every line and waits for the threads that serve.
    func cut() {
        notes.isOver.withLock { $0 = true }
        cutLines()
        toChild.join()
        toHost.join()
        host.lose("the lines were cut")
        child.lose("the lines were cut")
    }

    deinit { cut() }
}
