internal import CLinux
internal import Glibc
internal import Synchronization

/// Hears signals that are asked for, and nothing else.
///
/// A handler with a pipe and not a blocked mask: a mask would be inherited by containerd and everything it starts, and is not that of
/// threads which run already.
enum Signals {
    /// Written to by the handler, which may do nothing else.
    private static let pipeEnd = Atomic<Int32>(-1)
    /// Whether the second signal of a kind ends the process at once.
    private static let isImpatient = Atomic<Bool>(false)
    private static let wasStopRequested = Atomic<Bool>(false)

    /// Whether `stopRequested` has returned, or is about to.
    static var isStopRequested: Bool { wasStopRequested.load(ordering: .acquiring) }

    /// From now on each of these signals is a byte, its number, on the descriptor that this answers, which does not block. One that is
    /// ignored, as `nohup` has it, stays so. Call once.
    static func descriptor(of numbers: [Int32]) throws -> Int32 {
        var ends: [Int32] = [0, 0]
        guard apus_pipe(&ends) == 0 else { throw StartupFailure("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        pipeEnd.store(ends[1], ordering: .releasing)
        for number in numbers {
            var action = sigaction()
            sigaction(number, nil, &action)
            if unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
            action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                if number == SIGTERM || number == SIGINT { Signals.wasStopRequested.store(true, ordering: .releasing) }
                var byte = UInt8(truncatingIfNeeded: number)
                _ = Glibc.write(Signals.pipeEnd.load(ordering: .acquiring), &byte, 1)
                guard Signals.isImpatient.load(ordering: .acquiring) else { return }
                var standard = sigaction()
                standard.__sigaction_handler.sa_handler = SIG_DFL
                sigaction(number, &standard, nil)
            }
            sigaction(number, &action, nil)
        }
        return ends[0]
    }

    /// The next signal that arrived there; `nil` when there is none.
    static func next(from descriptor: Int32) -> Int32? {
        var byte: UInt8 = 0
        return read(descriptor, &byte, 1) == 1 ? Int32(byte) : nil
    }

    /// Returns when the process is asked to stop, by SIGTERM or SIGINT. A second signal ends it at once. Call once.
    static func stopRequested() async {
        isImpatient.store(true, ordering: .releasing)
        guard let readEnd = try? descriptor(of: [SIGTERM, SIGINT]) else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Threads.start {
                var wait = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
                while poll(&wait, 1, -1) < 0 && errno == EINTR {}
                continuation.resume()
            }
        }
    }
}

/// Threads of our own, for work that blocks.
enum Threads {
    static func start(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let failed = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        precondition(failed == 0, "no thread could be started: \(String(cString: strerror(failed)))")
        pthread_detach(thread)
    }
}
