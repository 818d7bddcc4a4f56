/// What the supervisor of an isolated instance does next: says it, does nothing itself.
///
/// ```
/// rising ─rose─▶ up ─fell─▶ down ─try again─▶ rising      stop: over, from everywhere
///    └──── failed ────────────▲
/// ```
struct Supervision: Sendable {
    enum Phase: Sendable, Equatable {
        /// A process is being started, and `create` and `start` are called in it.
        case rising
        case up(since: ContinuousClock.Instant)
        /// The next process is started after a while.
        case down
        /// Nothing is started any more.
        case over
    }
    private(set) var phase = Phase.rising
    private(set) var restarts = 0
    /// Whether the instance was asked to start: every process that follows is started, too.
    private var isStarted = false
    private var delay = RestartDelay()

    /// Who calls `start`: in one process it is called once.
    enum StartAction: Equatable {
        /// Whoever was asked to.
        case callStart
        /// The supervisor, when there is a process.
        case wait
        case refuse
    }

    enum CreatedAction: Equatable {
        /// Call `start`, and then say that it rose.
        case callStart
        /// It is up as it is.
        case serve
        /// Nobody wants it any more.
        case giveUp
    }

    enum StopAction: Equatable {
        /// There is an instance to tell.
        case callStop
        /// The supervisor waits, or starts a process that nobody wants any more.
        case giveUp
        case nothing
    }

    mutating func start() -> StartAction {
        guard phase != .over else { return .refuse }
        isStarted = true
        if case .up = phase { return .callStart }
        return .wait
    }

    /// `start` answered that it cannot.
    mutating func startFailed() { isStarted = false }

    /// `create` has succeeded in the process that is rising.
    mutating func created(at now: ContinuousClock.Instant) -> CreatedAction {
        guard phase == .rising else { return .giveUp }
        if isStarted { return .callStart }
        phase = .up(since: now)
        return .serve
    }

    /// The process serves. `false` when nobody wants it any more.
    mutating func rose(at now: ContinuousClock.Instant) -> Bool {
        guard phase == .rising else { return false }
        phase = .up(since: now)
        return true
    }

    /// The process ended. Returns when to start the next, `nil` for never.
    mutating func fell(at now: ContinuousClock.Instant) -> Duration? {
        guard case .up(let since) = phase else { return nil }
        phase = .down
        return delay.delay(after: now - since)
    }

    /// The process that was rising did not get so far.
    mutating func failed() -> Duration? {
        guard phase == .rising else { return nil }
        phase = .down
        return delay.delay(after: .zero)
    }

    /// The delay is over. `false` when nobody wants a process any more.
    mutating func tryAgain() -> Bool {
        guard phase == .down else { return false }
        phase = .rising
        restarts += 1
        return true
    }

    mutating func stop() -> StopAction {
        defer { phase = .over }
        switch phase {
        case .up: return .callStop
        case .rising, .down: return .giveUp
        case .over: return .nothing
        }
    }
}

/// How long to wait before a process that ended is started again: 100 ms, doubling to 30 s; from the start again after a minute of health.
struct RestartDelay: Sendable {
    static let first = Duration.milliseconds(100)
    static let longest = Duration.seconds(30)
    static let health = Duration.seconds(60)

    private var next = Self.first

    /// The delay after a process that ran for `life`; zero for one that did not get so far.
    mutating func delay(after life: Duration) -> Duration {
        if life >= Self.health { next = Self.first }
        defer { next = min(next * 2, Self.longest) }
        return next
    }
}
