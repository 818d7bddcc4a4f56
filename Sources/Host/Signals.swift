internal import CLinux
internal import Glibc
internal import Synchronization

/// Waits for the signals that end the process.
enum Signals {
    /// Written to by the handler, which may do nothing else.
    private static let pipeEnd = Atomic<Int32>(-1)

    /// Returns when the process is asked to stop, by SIGTERM or SIGINT. A second signal ends it at once. Call once.
    ///
    /// A handler with a pipe and not a blocked mask: a mask would be inherited by containerd and everything it starts.
    static func stopRequested() async {
        var ends: [Int32] = [0, 0]
        guard apus_pipe(&ends) == 0 else { return }
        pipeEnd.store(ends[1], ordering: .releasing)
        for number in [SIGTERM, SIGINT] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = Glibc.write(Signals.pipeEnd.load(ordering: .acquiring), &byte, 1)
                var standard = sigaction()
                standard.__sigaction_handler.sa_handler = SIG_DFL
                sigaction(number, &standard, nil)
            }
            sigaction(number, &action, nil)
        }
        let readEnd = ends[0]
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Threads.start {
                var byte: UInt8 = 0
                while read(readEnd, &byte, 1) < 0 && errno == EINTR {}
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
