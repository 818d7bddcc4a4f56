/// Says how long those that were sent away should stay away: longer as long as many are, as upstream reckons it. A value without clock.
struct DroppedRequests: Sendable {
    private static let longest: Int64 = 32

    /// In seconds.
    private(set) var retryAfter: Int64 = 1
    /// The seconds before the current one in which requests were sent away, as far back as they count.
    private var history: [(second: Int64, count: Int64)] = []
    private var current: (second: Int64, count: Int64) = (0, 0)
    private var raised: Int64 = 0

    /// One more, in this second.
    mutating func add(at second: Int64) {
        guard second != current.second else {
            current.count += 1
            return
        }
        history.append(current)
        let oldest = current.second - min(2 * retryAfter, Self.longest)
        history.removeAll { $0.second < oldest }
        current = (second, 1)
        adjust(at: second)
    }

    private mutating func adjust(at second: Int64) {
        let count = history.reduce(0) { $1.second >= second - retryAfter && $1.second < second ? $0 + $1.count : $0 }
        if second - raised >= retryAfter, count >= 3 * retryAfter {
            retryAfter = min(2 * retryAfter, Self.longest)
            raised = second
        } else if count < retryAfter, retryAfter > 1 {
            retryAfter -= 1
        }
    }
}
