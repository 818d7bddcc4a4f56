/// Something that bytes from outside reach.
protocol Subject: Sendable {
    var name: String { get }
    /// What the minimiser leaves out of an input at once.
    var pieces: Pieces { get }
    /// Does it with one input after another, until `run` is over.
    func fuzz(_ run: Run) async throws
    /// Does it with one input.
    func replay(_ input: [UInt8], _ run: Run) async throws
}

enum Pieces: Sendable {
    case bytes
    /// An input is lines, each with an end.
    case lines

    func split(_ input: [UInt8]) -> [[UInt8]] {
        switch self {
        case .bytes: input.map { [$0] }
        case .lines: input.split(separator: UInt8(ascii: "\n")).map { $0 + [UInt8(ascii: "\n")] }
        }
    }
}

/// One stretch of work of a child process, as a subject sees it.
final class Run: Sendable {
    let seed: UInt64
    let journal: Journal
    let watchdog: Watchdog
    private let time: Duration
    private let end: ContinuousClock.Instant
    /// Inputs, or operations on a cluster: who wants the same again asks for a number of them.
    let most: Int

    init(seed: UInt64, journal: Journal, watchdog: Watchdog = Watchdog(), time: Duration, most: Int = .max) {
        (self.seed, self.journal, self.watchdog, self.time, self.most) = (seed, journal, watchdog, time, most)
        end = .now + time
    }

    /// The same for the next subject, with all of its time.
    func again() -> Run { Run(seed: seed, journal: journal, watchdog: watchdog, time: time, most: most) }

    var isOver: Bool { .now >= end }
}
