internal import Glibc
internal import Synchronization

/// Lets a call that should be over in a moment happen on the thread of whoever asks, which may be one that must not wait: changing threads
/// would cost more than the call. One at a time in the process, so that one that hangs after all costs one thread, and none where there is
/// but one processor; who is turned away has threads that may block.
enum CallInPlace {
    private static let isTaken = Atomic<Bool>(false)
    private static let isPossible = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1

    /// `nil` when `body` was not called.
    static func run<R>(_ body: () -> R) -> R? {
        guard isPossible, !isTaken.exchange(true, ordering: .acquiring) else { return nil }
        defer { isTaken.store(false, ordering: .releasing) }
        return body()
    }
}
