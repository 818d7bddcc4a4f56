import Exposition

/// What is counted of the requests of one schema at one priority level.
struct FlowCounts: Sendable {
    typealias Entry = QueueSet<PriorityLevel.Visit>.Entry
    typealias Arrival = QueueSet<PriorityLevel.Visit>.Arrival
    typealias Refusal = QueueSet<PriorityLevel.Visit>.Refusal

    private static let seconds: [Double] = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

    let schema: String
    private(set) var dispatched: UInt64 = 0
    private(set) var refused: [Refusal: UInt64] = [:]
    private(set) var waiting = 0
    private(set) var waitingSeats = 0
    private(set) var executing = 0
    private(set) var executingSeats = 0
    /// In seconds, of those that were served and of those that were not.
    private(set) var waits = (executed: Histogram(seconds), refused: Histogram(seconds))
    /// In seconds, watches until they have told what there was.
    private(set) var executions = (regular: Histogram(seconds), watch: Histogram(seconds))
    private(set) var lengths = Histogram([0, 10, 25, 50, 100, 250, 500, 1000])
    private(set) var estimates = Histogram([1, 2, 4, 8, 16, 32, 64, 100])

    init(schema: String) { self.schema = schema }

    /// How many watch what writes change.
    private(set) var watchers = Histogram([0, 1, 10, 100, 1000, 10000])

    mutating func watched(by count: Int) { watchers.add(Double(count)) }

    mutating func arrived(_ arrival: Arrival, seats: Int) {
        estimates.add(Double(seats))
        switch arrival {
        case .started: begin(seats, after: 0)
        case .waiting(_, let length):
            waiting += 1
            waitingSeats += seats
            lengths.add(Double(length))
        case .refused(let refusal):
            refused[refusal, default: 0] += 1
            waits.refused.add(0)
        }
    }

    /// One that had waited.
    mutating func started(_ entry: Entry, at now: Double) {
        waiting -= 1
        waitingSeats -= entry.seats
        begin(entry.seats, after: now - entry.arrived)
    }

    mutating func gaveUp(_ entry: Entry, at now: Double) {
        waiting -= 1
        waitingSeats -= entry.seats
        refused[.timeOut, default: 0] += 1
        waits.refused.add(now - entry.arrived)
    }

    mutating func finished(_ entry: Entry, at now: Double) {
        executing -= 1
        executingSeats -= entry.seats
        let duration = now - (entry.started ?? now)
        if entry.request.info.verb == "watch" { executions.watch.add(duration) } else { executions.regular.add(duration) }
    }

    private mutating func begin(_ seats: Int, after wait: Double) {
        dispatched += 1
        executing += 1
        executingSeats += seats
        waits.executed.add(wait)
    }
}
