import Synchronization

/// Seconds that do not jump.
enum MonotonicTime {
    private static let start = ContinuousClock.now
    static func now() -> Duration { ContinuousClock.now - start }
}

/// Allowances by key: each starts full, gives one for every take, and fills up again as time goes by. Safe from any thread.
final class TokenBuckets: Sendable {
    fileprivate struct Bucket {
        var left: Double
        var at: Duration
        /// When it was used last, counted in takes.
        var turn: UInt64
    }

    fileprivate struct State {
        var buckets: [String: Bucket] = [:]
        var turn: UInt64 = 0
    }

    private let perSecond: Double
    private let burst: Double
    private let most: Int
    private let now: @Sendable () -> Duration
    private let state = Mutex(State())

    /// - Parameter most: how many keys are remembered. One that is forgotten starts full again; the ones used least recently go.
    init(perSecond: Int, burst: Int, most: Int, now: @escaping @Sendable () -> Duration) {
        self.perSecond = Double(perSecond)
        self.burst = Double(burst)
        self.most = max(most, 1)
        self.now = now
    }

    /// Whether there was one left.
    func take(_ key: String) -> Bool {
        let now = now()
        return state.withLock { state in
            state.turn += 1
            var bucket = state.buckets[key] ?? Bucket(left: burst, at: now, turn: state.turn)
            if state.buckets[key] == nil, state.buckets.count >= most { state.forgetOldHalf() }
            bucket.left = min(burst, bucket.left + (now - bucket.at) / .seconds(1) * perSecond)
            (bucket.at, bucket.turn) = (now, state.turn)
            let isLeft = bucket.left >= 1
            if isLeft { bucket.left -= 1 }
            state.buckets[key] = bucket
            return isLeft
        }
    }
}

extension TokenBuckets.State {
    /// Half at a time, so that the search for them is paid by many takes.
    fileprivate mutating func forgetOldHalf() {
        let turns = buckets.values.map(\.turn).sorted()
        let middle = turns[turns.count / 2]
        buckets = buckets.filter { $0.value.turn > middle }
    }
}
