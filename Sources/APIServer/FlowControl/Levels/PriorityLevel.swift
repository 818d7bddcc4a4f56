import APIModel
import Synchronization

/// One priority level at work: its queues, those who wait in them, and what is counted. Safe from any thread.
final class PriorityLevel: Sendable {
    /// A request, as the level knows it. Shared, since it is handed on more often than looked at.
    final class Visit: Sendable {
        let flow: Flow
        /// Which of the schema's flows it is of: a user or a namespace.
        let distinguisher: String
        let user: UserInfo
        let info: RequestInfo

        init(flow: Flow, distinguisher: String, user: UserInfo, info: RequestInfo) {
            self.flow = flow
            self.distinguisher = distinguisher
            self.user = user
            self.info = info
        }
    }

    typealias Queues = QueueSet<Visit>

    private struct State {
        var queues: Queues
        var waiters: [Queues.ID: CheckedContinuation<Bool, Never>] = [:]
        var dropped = DroppedRequests()
        /// By the place that each schema has been given.
        var counts: [FlowCounts] = []
        var schemas: [String: Int] = [:]
        /// The release that was told of.
        var release: Double?

        /// When seats come free that somebody waits for, unless it was told already.
        var releaseToTell: Double? {
            mutating get {
                guard queues.waiting > 0, release == nil, let next = queues.nextRelease else { return nil }
                release = next
                return next
            }
        }
    }

    let name: String
    private let state: Mutex<State>
    private let releases: SeatReleases

    init(name: String, excess: Queues.Excess, limit: Int, releases: SeatReleases) {
        self.name = name
        self.releases = releases
        state = Mutex(State(queues: Queues(excess: excess, limit: limit, at: Moment.now)))
    }

    /// Where the requests of a schema are counted; those of one that went stay counted.
    func place(of schema: String) -> Int {
        state.withLock { state in
            if let known = state.schemas[schema] { return known }
            state.schemas[schema] = state.counts.count
            state.counts.append(FlowCounts(schema: schema))
            return state.counts.count - 1
        }
    }

    // MARK: Requests

    /// A place among those that are served, at once or after a wait; who lets it go makes room for others.
    ///
    /// - Parameters:
    ///   - hash: which queues the flow is dealt.
    ///   - patience: for how long it may wait.
    /// - Throws: 429 when there is no room, and none for waiting, or the wait was too long.
    func enter(_ visit: Visit, _ work: WorkEstimate, hash: UInt64, patience: Duration) async throws(APIError) -> Held {
        let arrival = change { state, started in
            let arrival = state.queues.arrive(visit, work, hash: hash, at: Moment.now, started: &started)
            state.counts[visit.flow.place].arrived(arrival, seats: work.seats)
            return arrival
        }
        switch arrival {
        case .started(let id): return held(id)
        case .refused: throw refused()
        case .waiting(let id, _):
            guard await wait(id, for: patience) else { throw refused() }
            return held(id)
        }
    }

    private func held(_ id: Queues.ID) -> Held { Held { self.finish(id) } }

    private func finish(_ id: Queues.ID) {
        change { state, started in
            let now = Moment.now
            guard let entry = state.queues.finish(id, at: now, started: &started) else { return }
            state.counts[entry.request.flow.place].finished(entry, at: now)
        }
    }

    /// Lets go what was kept long enough.
    func releaseDue() {
        change { state, started in
            state.release = nil
            state.queues.releaseDue(at: Moment.now, started: &started)
        }
    }

    func noteWatchers(_ count: Int, of flow: Flow) { state.withLock { $0.counts[flow.place].watched(by: count) } }

    private func refused() -> APIError {
        let seconds = state.withLock { state in
            state.dropped.add(at: Int64(Moment.now))
            return state.dropped.retryAfter
        }
        return RequestsInProgress.tooMany(retryAfter: seconds)
    }

    /// Whether it is served in the end. A client that goes away waits no longer.
    private func wait(_ id: Queues.ID, for patience: Duration) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                guard (try? await Task.sleep(for: patience)) != nil else { return }
                self.giveUp(id)
            }
            defer { group.cancelAll() }
            return await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isOver = self.state.withLock { state -> Bool? in
                        guard let entry = state.queues.entries[id] else { return false }
                        guard entry.started == nil else { return true }
                        state.waiters[id] = continuation
                        return nil
                    }
                    if let isOver { continuation.resume(returning: isOver) }
                }
            } onCancel: {
                self.giveUp(id)
            }
        }
    }

    private func giveUp(_ id: Queues.ID) {
        let waiter = change { state, started -> CheckedContinuation<Bool, Never>? in
            let now = Moment.now
            guard let entry = state.queues.withdraw(id, at: now, started: &started) else { return nil }
            state.counts[entry.request.flow.place].gaveUp(entry, at: now)
            return state.waiters.removeValue(forKey: id)
        }
        waiter?.resume(returning: false)
    }

    // MARK: Limits

    func configure(_ excess: Queues.Excess, limit: Int) {
        change { state, started in state.queues.configure(excess, limit: limit, at: Moment.now, started: &started) }
    }

    /// Ends a period of the demand.
    func endPeriod() -> SeatDemand.Figures {
        state.withLock { state in
            state.queues.demand.endPeriod(at: Moment.now)
            return state.queues.demand.figures
        }
    }

    var isIdle: Bool { state.withLock { $0.queues.isIdle } }

    /// What it is at this moment.
    var snapshot: (queues: Queues, counts: [FlowCounts]) { state.withLock { ($0.queues, $0.counts) } }

    /// Does something under the lock, then lets those go on who may.
    private func change<Result: Sendable>(_ body: (inout State, inout [Queues.ID]) -> Result) -> Result {
        let (result, waiters, release) = state.withLock { state in
            var started: [Queues.ID] = []
            let result = body(&state, &started)
            let release = state.releaseToTell
            guard !started.isEmpty else { return (result, [CheckedContinuation<Bool, Never>](), release) }
            for id in started {
                guard let entry = state.queues.entries[id], let begin = entry.started else { continue }
                state.counts[entry.request.flow.place].started(entry, at: begin)
            }
            // Who has not come to wait yet finds out when it does.
            return (result, started.compactMap { state.waiters.removeValue(forKey: $0) }, release)
        }
        if let release { releases.add(self, at: release) }
        for waiter in waiters { waiter.resume(returning: true) }
        return result
    }
}

/// Seconds since the process first asked.
enum Moment {
    private static let origin = ContinuousClock.now
    private static let birth = Double(Clock.seconds.int64)

    static var now: Double { (ContinuousClock.now - origin) / .seconds(1) }

    /// The time of day of a moment, in seconds since 1970.
    static func time(of moment: Double) -> Double { birth + moment }
}
