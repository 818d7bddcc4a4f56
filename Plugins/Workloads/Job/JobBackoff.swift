internal import APIModel

/// How long a Job waits before it replaces failed Pods: 10 s after the first failure, twice as long after each one more, at most 10 min.
/// A success begins anew.
struct JobBackoff: Hashable {
    private(set) var failures: Whole = 0
    /// Seconds since 1970.
    private(set) var lastFailure: Whole = 0

    /// After Pods ended, each at a time in seconds since 1970.
    func updated(succeeded: [Whole], failed: [Whole]) -> JobBackoff {
        guard !succeeded.isEmpty || !failed.isEmpty else { return self }
        var next = succeeded.isEmpty ? self : JobBackoff()
        let lastSuccess = succeeded.max() ?? .min
        let later = failed.filter { $0 > lastSuccess }
        next.failures = next.failures + Whole(later.count)
        if let last = later.max() { next.lastFailure = last }
        return next
    }

    func updated(by pods: [JobPod]) -> JobBackoff {
        updated(succeeded: pods.filter(\.isSucceeded).map(\.finished), failed: pods.filter { !$0.isSucceeded }.map(\.finished))
    }

    /// - Parameter now: seconds since 1970.
    func remaining(now: Whole) -> Whole { Self.remaining(failures: failures, lastFailure: lastFailure, now: now) }

    static func remaining(failures: Whole, lastFailure: Whole, now: Whole) -> Whole {
        guard failures > 0 else { return 0 }
        // Six doublings of the first wait are beyond the longest.
        let wait = min(Whole(10) << Int(min(failures - 1, 6)), 600)
        let left = max(0, lastFailure + wait - now)
        // Clocks differ a little. A failure that is still far away was told before the clock was set back, and holds up nothing.
        return left > 2 * wait ? 0 : left
    }
}
