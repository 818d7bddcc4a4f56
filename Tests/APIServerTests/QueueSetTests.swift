import Testing

@testable import APIServer

/// Who is served next, as values with a clock of their own: seconds.
@Suite struct QueueSetTests {
    private typealias Queues = QueueSet<String>

    /// Two queues, and flows that are dealt one each: those with an even hash, and those with an odd one.
    private static let two = Queues.Excess.queued(.init(queues: 2, handSize: 1, lengthLimit: 100))

    /// Serves until nobody waits, each request for so long; returns who was served, in the order in which they began.
    private static func serve(_ queues: inout Queues, first: [Queues.ID], lasting: (String) -> Double) -> [String] {
        var (running, order): ([(end: Double, id: Queues.ID)], [String]) = ([], [])
        func begin(_ ids: [Queues.ID], at now: Double) {
            for id in ids {
                guard let request = queues.entries[id]?.request else { continue }
                order.append(request)
                running.append((now + lasting(request), id))
            }
        }
        begin(first, at: 0)
        while let next = running.indices.min(by: { (running[$0].end, running[$0].id) < (running[$1].end, running[$1].id) }) {
            let (now, id) = running.remove(at: next)
            var started: [Queues.ID] = []
            #expect(queues.finish(id, at: now, started: &started) != nil)
            begin(started, at: now)
        }
        return order
    }

    private static func arrive(_ queues: inout Queues, _ request: String, seats: Int = 1, hash: UInt64, at now: Double = 0) -> Queues.ID? {
        var started: [Queues.ID] = []
        let arrival = queues.arrive(request, WorkEstimate(seats: seats), hash: hash, at: now, started: &started)
        #expect(started.isEmpty)
        if case .started(let id) = arrival { return id }
        return nil
    }

    @Test func aFlowThatAsksForMuchDoesNotKeepOthersWaiting() {
        var queues = Queues(excess: Self.two, limit: 1, at: 0)
        var first: [Queues.ID] = []
        for _ in 0..<6 { if let id = Self.arrive(&queues, "much", hash: 0) { first.append(id) } }
        for _ in 0..<3 { if let id = Self.arrive(&queues, "little", hash: 1) { first.append(id) } }
        let order = Self.serve(&queues, first: first) { _ in 1 }
        #expect(order == ["much", "little", "much", "little", "much", "little", "much", "much", "much"])
        #expect(queues.isIdle && queues.queues.isEmpty && queues.seatsInUse == 0 && queues.waitingSeats == 0)
    }

    /// What a request took is only known when it is over; then its queue pays for it.
    @Test func aFlowOfLongRequestsGetsFewerOfThem() {
        var queues = Queues(excess: Self.two, limit: 1, at: 0)
        var first: [Queues.ID] = []
        for _ in 0..<20 { if let id = Self.arrive(&queues, "long", hash: 0) { first.append(id) } }
        for _ in 0..<20 { if let id = Self.arrive(&queues, "short", hash: 1) { first.append(id) } }
        let order = Self.serve(&queues, first: first) { $0 == "long" ? 4 : 1 }
        let longUntilShortEnd = order[...(order.lastIndex(of: "short") ?? 0)].count { $0 == "long" }
        #expect((4...7).contains(longUntilShortEnd), "\(longUntilShortEnd)")
    }

    @Test func wideRequestsCountByTheirSeats() {
        var queues = Queues(excess: Self.two, limit: 4, at: 0)
        var first: [Queues.ID] = []
        for _ in 0..<8 { if let id = Self.arrive(&queues, "wide", seats: 4, hash: 0) { first.append(id) } }
        for _ in 0..<32 { if let id = Self.arrive(&queues, "narrow", hash: 1) { first.append(id) } }
        let order = Self.serve(&queues, first: first) { _ in 1 }
        let widesUntilNarrowEnd = order[...(order.lastIndex(of: "narrow") ?? 0)].count { $0 == "wide" }
        #expect((7...8).contains(widesUntilNarrowEnd), "32 seats each: \(order)")
    }

    @Test func whatIsWiderThanTheLevelHasItForItself() {
        var queues = Queues(excess: .rejected, limit: 2, at: 0)
        let wide = Self.arrive(&queues, "wide", seats: 5, hash: 0)
        #expect(wide != nil)
        #expect(Self.arrive(&queues, "other", hash: 0) == nil)
    }

    @Test func whereNobodyWaitsThereAreNoQueues() {
        var queues = Queues(excess: .queued(.init(queues: 10_000_000, handSize: 8, lengthLimit: 50)), limit: 10, at: 0)
        let id = Self.arrive(&queues, "one", hash: .max)
        #expect(queues.queues.count == 1)
        var started: [Queues.ID] = []
        #expect(queues.finish(id ?? 0, at: 1, started: &started) != nil)
        #expect(queues.queues.isEmpty)
        #expect(queues.finish(id ?? 0, at: 1, started: &started) == nil, "once")
    }

    @Test func aFullQueueRefusesOnlyWhereThereIsNoSeat() {
        var queues = Queues(excess: .queued(.init(queues: 1, handSize: 1, lengthLimit: 1)), limit: 1, at: 0)
        var (started, refusals): ([Queues.ID], [Queues.Refusal]) = ([], [])
        for _ in 0..<3 {
            if case .refused(let why) = queues.arrive("r", WorkEstimate(seats: 1), hash: 0, at: 0, started: &started) {
                refusals.append(why)
            }
        }
        #expect(refusals == [.queueFull])
        queues = Queues(excess: .rejected, limit: 1, at: 0)
        for _ in 0..<2 {
            if case .refused(let why) = queues.arrive("r", WorkEstimate(seats: 1), hash: 0, at: 0, started: &started) {
                refusals.append(why)
            }
        }
        #expect(refusals == [.queueFull, .concurrencyLimit])
        queues = Queues(excess: .exempt, limit: 0, at: 0)
        for _ in 0..<100 { #expect(Self.arrive(&queues, "r", hash: 0) != nil) }
    }

    @Test func whoWithdrawsLetsOthersBy() {
        var queues = Queues(excess: Self.two, limit: 2, at: 0)
        #expect(Self.arrive(&queues, "one", hash: 0) != nil)
        var started: [Queues.ID] = []
        guard case .waiting(let wide, _) = queues.arrive("wide", WorkEstimate(seats: 2), hash: 0, at: 0, started: &started),
            case .waiting(let narrow, let length) = queues.arrive("narrow", WorkEstimate(seats: 1), hash: 0, at: 0, started: &started)
        else { return #expect(Bool(false), "both wait: the one behind the other") }
        #expect(length == 2)
        #expect(queues.withdraw(wide, at: 1, started: &started)?.request == "wide")
        #expect(started == [narrow])
        #expect(queues.withdraw(narrow, at: 1, started: &started) == nil, "it is served")
    }

    @Test func moreSeatsServeMore() {
        var queues = Queues(excess: Self.two, limit: 0, at: 0)
        for _ in 0..<5 { #expect(Self.arrive(&queues, "r", hash: 0) == nil) }
        var started: [Queues.ID] = []
        queues.configure(Self.two, limit: 3, at: 1, started: &started)
        #expect(started.count == 3 && queues.waiting == 2)
        started = []
        // What waits is served in the end, also where there are no queues any more.
        queues.configure(.rejected, limit: 5, at: 2, started: &started)
        #expect(started.count == 2 && queues.waiting == 0)
    }

    // MARK: Shuffle sharding

    @Test func everyHandIsDealtAsOften() {
        var hands: [[Int]: Int] = [:]
        for hash in 0..<12 { hands[ShuffleSharding.withHand(UInt64(hash), of: 2, from: 4) { Array($0) }, default: 0] += 1 }
        #expect(hands == [[0, 1]: 2, [0, 2]: 2, [0, 3]: 2, [1, 2]: 2, [1, 3]: 2, [2, 3]: 2])
        for size in 1...8 {
            let hand = ShuffleSharding.withHand(0x1234_5678_9abc_def0, of: size, from: 8) { Array($0) }
            #expect(Set(hand).count == size && hand.allSatisfy { (0..<8).contains($0) })
        }
        #expect(ShuffleSharding.withHand(7, of: 9, from: 0) { Array($0) } == [0])
    }

    /// A flow that fills all its queues leaves most others a queue without it.
    @Test func aFloodMeetsFewOthersInAllTheirQueues() {
        func hand(_ user: Int) -> Set<Int> {
            ShuffleSharding.withHand(ShuffleSharding.hash("user-\(user)", onto: ShuffleSharding.hash("schema")), of: 6, from: 64) {
                Set($0)
            }
        }
        let flood = hand(0)
        #expect((1...1000).count { hand($0).isSubset(of: flood) } == 0)
        let used = (1...1000).reduce(into: [Int: Int]()) { counts, user in for queue in hand(user) { counts[queue, default: 0] += 1 } }
        #expect(used.count == 64 && used.values.allSatisfy { (40...160).contains($0) }, "94 each: \(used.values.sorted())")
    }

    /// A write that many watch keeps its seats while they are told.
    @Test func seatsAreKeptAfterTheEnd() throws {
        var queues = Queues(excess: Self.two, limit: 2, at: 0)
        var started: [Queues.ID] = []
        let work = WorkEstimate(seats: 2, linger: 0.5)
        guard case .started(let write) = queues.arrive("write", work, hash: 0, at: 0, started: &started) else {
            Issue.record("it had to wait")
            return
        }
        #expect(Self.arrive(&queues, "read", hash: 1, at: 1) == nil)
        #expect(queues.finish(write, at: 2, started: &started)?.request == "write")
        #expect(queues.finish(write, at: 2, started: &started) == nil, "it ends once")
        #expect(started.isEmpty && queues.executing == 0 && queues.seatsInUse == 2 && !queues.isIdle)
        #expect(queues.nextRelease == 2.5)
        queues.releaseDue(at: 2.4, started: &started)
        #expect(started.isEmpty)
        queues.releaseDue(at: 2.5, started: &started)
        #expect(started.compactMap { queues.entries[$0]?.request } == ["read"])
        #expect(queues.nextRelease == nil && queues.seatsInUse == 1)
        let read = try #require(started.first)
        started = []
        #expect(queues.finish(read, at: 3, started: &started) != nil)
        // Who comes later lets go what is over.
        guard case .started(let second) = queues.arrive("write", work, hash: 0, at: 3, started: &started) else {
            Issue.record("it had to wait")
            return
        }
        #expect(queues.finish(second, at: 4, started: &started) != nil)
        #expect(Self.arrive(&queues, "late", hash: 1, at: 5) != nil)
        #expect(queues.seatsInUse == 1)
    }
}
