internal import Glibc

/// A moment on the clock that never jumps, as system calls want it.
struct Deadline: Sendable {
    private let instant: ContinuousClock.Instant

    init(after duration: Duration) { instant = .now + duration }

    var isPast: Bool { ContinuousClock.now >= instant }

    /// What is left, as `poll` takes it: at least one millisecond until the moment has come, then none.
    var milliseconds: Int32 {
        let left = ContinuousClock.now.duration(to: instant).components
        if left.seconds < 0 || left.attoseconds < 0 { return 0 }
        return Int32(clamping: left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1)
    }
}
