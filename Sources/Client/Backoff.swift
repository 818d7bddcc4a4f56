/// The delays between tries of something that keeps failing: doubled each time, up to a limit, with as much again at random so that many
/// that failed together do not return together.
struct Backoff {
    private let first: Duration
    private let last: Duration
    private let resetAfter: Duration
    private var current: Duration
    private var previous: ContinuousClock.Instant?

    /// The defaults are those of client-go's reflectors.
    init(first: Duration = .milliseconds(800), last: Duration = .seconds(30), resetAfter: Duration = .seconds(120)) {
        self.first = first
        self.last = last
        self.resetAfter = resetAfter
        current = first
    }

    /// How long to wait now. A failure long after the one before counts as the first.
    mutating func next() -> Duration {
        let now = ContinuousClock.now
        if let previous, now - previous > resetAfter { current = first }
        previous = now
        defer { current = min(current * 2, last) }
        return current * Double.random(in: 1..<2)
    }
}
