import DequeModule

/// The requests of one priority level: who is served, who waits in which queue, and who is sent away.
///
/// Fair queuing, as upstream does it: each queue has a mark on a meter of seat-seconds that tells how much it has been given, the queue whose
/// next request would end first goes first, and a request is taken to last `guess` until it is known how long it did. A value without clock
/// and without lock: times are seconds since some moment, and never go back.
///
/// Only queues in which something waits or is served are kept: whatever the number of queues, it costs nothing by itself.
struct QueueSet<Request> {
    /// What becomes of a request for which there is no seat.
    enum Excess: Hashable, Sendable {
        /// There is always a seat.
        case exempt
        case rejected
        case queued(Queuing)
    }

    struct Queuing: Hashable, Sendable {
        var queues: Int
        /// How many of the queues a flow is dealt, of which each request takes the shortest.
        var handSize: Int
        var lengthLimit: Int
    }

    /// Why a request was sent away, in upstream's words.
    enum Refusal: String, CaseIterable, Sendable {
        case concurrencyLimit = "concurrency-limit"
        case queueFull = "queue-full"
        case timeOut = "time-out"
    }

    enum Arrival {
        case started(ID)
        case waiting(ID, lengthOfQueue: Int)
        case refused(Refusal)
    }

    /// A request for as long as it waits or is served, in the order of arrival.
    typealias ID = UInt64

    struct Entry {
        let request: Request
        let seats: Int
        /// Seconds for which it keeps them after its end.
        let linger: Double
        /// `nil` where there are no queues.
        let queue: Int?
        let arrived: Double
        /// What the meter said then.
        fileprivate let mark: Double
        fileprivate(set) var started: Double?
        /// It was served, and keeps its seats still.
        fileprivate(set) var isLingering = false
    }

    struct Queue {
        fileprivate(set) var waiting = Deque<ID>()
        fileprivate(set) var waitingSeats = 0
        fileprivate(set) var executing = 0
        fileprivate(set) var seatsInUse = 0
        /// What the meter says when the next request is dispatched.
        fileprivate(set) var nextDispatch: Double

        fileprivate var isIdle: Bool { waiting.isEmpty && seatsInUse == 0 }
    }

    /// How long a request is taken to last, in seconds.
    static var guess: Double { 0.003 }

    private(set) var excess: Excess
    private(set) var limit: Int

    private(set) var entries: [ID: Entry] = [:]
    /// Those in which something waits or is served.
    private(set) var queues: [Int: Queue] = [:]
    private(set) var waiting = 0
    private(set) var waitingSeats = 0
    private(set) var executing = 0
    private(set) var seatsInUse = 0
    /// How many seats were wanted, over time.
    var demand: SeatDemand

    /// The meter: how many seat-seconds every busy queue could have had.
    private(set) var progress = 0.0
    private var last: Double
    private var arrivals: ID = 0
    /// The queue that was dispatched from last. Among equals, those after it come first.
    private var robin = 0
    /// Of the requests that went through a queue.
    private var queuedSeatsInUse = 0
    /// Those that keep their seats, and until when, the first one first.
    private var lingering = Deque<(end: Double, id: ID)>()

    init(excess: Excess, limit: Int, at now: Double) {
        self.excess = excess
        self.limit = limit
        last = now
        demand = SeatDemand(at: now)
    }

    var isIdle: Bool { entries.isEmpty }

    // MARK: What happens

    /// - Parameters:
    ///   - hash: of the flow: which queues it is dealt.
    ///   - started: gets others that begin to be served now.
    mutating func arrive(_ request: Request, _ work: WorkEstimate, hash: UInt64, at now: Double, started: inout [ID]) -> Arrival {
        releaseDue(at: now, started: &started)
        advance(to: now)
        let seats = work.seats
        defer { noteDemand(now) }
        arrivals += 1
        let id = arrivals
        func entry(in queue: Int?) -> Entry {
            Entry(request: request, seats: seats, linger: work.linger, queue: queue, arrived: now, mark: progress, started: nil)
        }
        guard case .queued(let queuing) = excess else {
            guard excess == .exempt || accommodates(seats) else { return .refused(.concurrencyLimit) }
            entries[id] = entry(in: nil)
            start(id, at: now)
            return .started(id)
        }
        let index = queue(for: hash, queuing)
        let length = queues[index]?.waiting.count ?? 0
        guard seatsInUse < limit || length < queuing.lengthLimit else { return .refused(.queueFull) }
        entries[id] = entry(in: index)
        if queues[index] == nil { queues[index] = Queue(nextDispatch: progress) }
        // Where nobody waits, nobody is asked who goes first.
        if waiting == 0, seatsInUse < limit, accommodates(seats) {
            start(id, at: now)
            return .started(id)
        }
        enqueue(id, seats, in: index)
        dispatch(at: now, &started)
        guard let position = started.firstIndex(of: id) else { return .waiting(id, lengthOfQueue: length + 1) }
        started.remove(at: position)
        return .started(id)
    }

    /// A request was served; `nil` when it was none.
    mutating func finish(_ id: ID, at now: Double, started: inout [ID]) -> Entry? {
        guard let entry = entries[id], entry.started != nil, !entry.isLingering else { return nil }
        releaseDue(at: now, started: &started)
        advance(to: now)
        executing -= 1
        if let index = entry.queue { queues[index]?.executing -= 1 }
        if entry.linger > 0 {
            entries[id]?.isLingering = true
            let end = now + entry.linger
            lingering.insert((end, id), at: lingering.lastIndex { $0.end <= end }.map { $0 + 1 } ?? 0)
        } else {
            release(id, at: now)
            dispatch(at: now, &started)
        }
        noteDemand(now)
        return entry
    }

    /// When seats come free that are kept by what was served.
    var nextRelease: Double? { lingering.first?.end }

    /// Lets go what was kept long enough.
    mutating func releaseDue(at now: Double, started: inout [ID]) {
        guard let first = lingering.first, first.end <= now else { return }
        advance(to: now)
        while let first = lingering.first, first.end <= now {
            lingering.removeFirst()
            release(first.id, at: now)
        }
        dispatch(at: now, &started)
        noteDemand(now)
    }

    private mutating func release(_ id: ID, at now: Double) {
        guard let entry = entries.removeValue(forKey: id), let begin = entry.started else { return }
        seatsInUse -= entry.seats
        guard let index = entry.queue else { return }
        queuedSeatsInUse -= entry.seats
        queues[index]?.seatsInUse -= entry.seats
        // Dispatching took the guess for true.
        queues[index]?.nextDispatch += Double(entry.seats) * (now - begin - Self.guess)
        settle(index)
    }

    /// A request waits no longer; `nil` when it did not wait.
    mutating func withdraw(_ id: ID, at now: Double, started: inout [ID]) -> Entry? {
        guard let entry = entries[id], entry.started == nil, let index = entry.queue else { return nil }
        advance(to: now)
        entries[id] = nil
        queues[index]?.waiting.removeAll { $0 == id }
        queues[index]?.waitingSeats -= entry.seats
        waiting -= 1
        waitingSeats -= entry.seats
        settle(index)
        // It may have been the one that all others waited behind.
        dispatch(at: now, &started)
        noteDemand(now)
        return entry
    }

    /// What waits already keeps its place.
    mutating func configure(_ excess: Excess, limit: Int, at now: Double, started: inout [ID]) {
        advance(to: now)
        self.excess = excess
        self.limit = limit
        dispatch(at: now, &started)
    }

    // MARK: Seats

    private func accommodates(_ seats: Int) -> Bool {
        // What is wider than the level has it for itself.
        seats > limit ? seatsInUse == 0 : seatsInUse + seats <= limit
    }

    private mutating func start(_ id: ID, at now: Double) {
        entries[id]?.started = now
        guard let entry = entries[id] else { return }
        executing += 1
        seatsInUse += entry.seats
        guard let index = entry.queue else { return }
        queuedSeatsInUse += entry.seats
        robin = index
        queues[index]?.executing += 1
        queues[index]?.seatsInUse += entry.seats
        queues[index]?.nextDispatch += Double(entry.seats) * Self.guess
        settle(index)
    }

    private mutating func enqueue(_ id: ID, _ seats: Int, in index: Int) {
        queues[index]?.waiting.append(id)
        queues[index]?.waitingSeats += seats
        waiting += 1
        waitingSeats += seats
        settle(index)
    }

    /// Starts what may be started, as long as there are seats.
    private mutating func dispatch(at now: Double, _ started: inout [ID]) {
        while waiting > 0, seatsInUse < limit, let (index, id) = next, let entry = entries[id], accommodates(entry.seats) {
            queues[index]?.waiting.removeFirst()
            queues[index]?.waitingSeats -= entry.seats
            waiting -= 1
            waitingSeats -= entry.seats
            start(id, at: now)
            started.append(id)
        }
    }

    /// The request that would end first by the meter.
    private var next: (queue: Int, id: ID)? {
        var best: (end: Double, distance: Int, queue: Int, id: ID)?
        for (index, queue) in queues {
            guard let id = queue.waiting.first, let entry = entries[id] else { continue }
            let end = queue.nextDispatch + Double(entry.seats) * Self.guess
            let distance = index > robin ? index - robin : index - robin + .max / 2
            if let best, (best.end, best.distance) <= (end, distance) { continue }
            best = (end, distance, index, id)
        }
        return best.map { ($0.queue, $0.id) }
    }

    /// The shortest of the queues that the flow is dealt; among equals, another one each time.
    private mutating func queue(for hash: UInt64, _ queuing: Queuing) -> Int {
        let queues = queues
        let first = arrivals
        return ShuffleSharding.withHand(hash, of: queuing.handSize, from: queuing.queues) { hand in
            var best = hand[0]
            var least = Int.max
            for offset in hand.indices {
                let index = hand[Int((first &+ UInt64(offset)) % UInt64(hand.count))]
                let seats = queues[index]?.waitingSeats ?? 0
                if seats < least { (best, least) = (index, seats) }
            }
            return best
        }
    }

    // MARK: The meter

    private mutating func advance(to now: Double) {
        let elapsed = max(0, now - last)
        last = max(last, now)
        guard !queues.isEmpty else { return }
        progress += elapsed * Double(min(queuedSeatsInUse + waitingSeats, limit)) / Double(queues.count)
    }

    /// A queue is not let in before what it has was there, however little it used until then; one without requests is none.
    private mutating func settle(_ index: Int) {
        guard let queue = queues[index] else { return }
        if queue.isIdle {
            queues[index] = nil
        } else if let oldest = queue.waiting.first, let mark = entries[oldest]?.mark, queue.nextDispatch < mark {
            queues[index]?.nextDispatch = mark
        }
    }

    private mutating func noteDemand(_ now: Double) { demand.set(Double(seatsInUse + waitingSeats), at: now) }
}

extension QueueSet: Sendable where Request: Sendable {}
extension QueueSet.Entry: Sendable where Request: Sendable {}
