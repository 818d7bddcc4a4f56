/// What the supervisor does when the host has ended: says it, does nothing itself.
struct HostLife: Sendable {
    enum Verdict: Equatable, Sendable {
        case restart(after: Duration)
        /// The supervisor ends as well.
        case end(ProcessEnd)
        /// The host never got so far, time and again.
        case giveUp(ProcessEnd)
    }

    /// How often a host may end by a signal before one was ready. One that meets a bad object or plugin passes it over at its second or
    /// third start.
    static let tries = 10
    /// One that lived so long gets a successor at once.
    static let health = Duration.seconds(3)
    static let firstDelay = Duration.milliseconds(100)
    static let longestDelay = Duration.seconds(10)

    /// Whether any host was ready so far.
    var wasReady = false
    /// Whether somebody asked it to end.
    var isStopping = false
    private var failures = 0
    private var delay = Duration.zero

    init(wasReady: Bool = false) { self.wasReady = wasReady }

    mutating func ended(_ end: ProcessEnd, after life: Duration) -> Verdict {
        // One that ends well was asked to, if not by us.
        if isStopping || end == .exited(0) { return .end(end) }
        // It said what is wrong, and whoever started it can mend it.
        if !wasReady, case .exited = end { return .end(end) }
        failures += 1
        if !wasReady, failures >= Self.tries { return .giveUp(end) }
        if life >= Self.health { delay = .zero }
        defer { delay = delay == .zero ? Self.firstDelay : min(delay * 2, Self.longestDelay) }
        return .restart(after: delay)
    }
}
