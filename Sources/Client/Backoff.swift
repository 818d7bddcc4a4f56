/// The delays between tries of something that keeps failing: doubled each time, up to a limit.
public struct Backoff: Sendable {
    private let first: Duration
    private let last: Duration
    private let resetAfter: Duration
    private let spread: Double
    private var current: Duration
    private var previous: ContinuousClock.Instant?

    /// The defaults are those of client-go's reflectors.
    /// - Parameter spread: how much of each delay is added at most, at random, so that many that failed together do not return together.
    public init(
        first: Duration = .milliseconds(800), last: Duration = .seconds(30), resetAfter: Duration = .seconds(120), spread: Double = 1
    ) {
        self.spread = spread
        self.first = first
        self.last = last
        self.resetAfter = resetAfter
        current = first
    }

    /// How long to wait now. A failure long after the one before counts as the first.
    public mutating func next() -> Duration {
        let now = ContinuousClock.now
        if let previous, now - previous > resetAfter { current = first }
        previous = now
        defer { current = min(current * 2, last) }
        return spread > 0 ? current * Double.random(in: 1..<1 + spread) : current
    }
}
