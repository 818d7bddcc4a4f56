import HTTPServer
import HTTPTypes
import Testing

@testable import APIServer

/// How many seats a level has, and a request takes.
@Suite struct SeatTests {
    private static func limits(_ shares: Int, of total: Int, lendable: Int = 0, borrowing: Int? = nil, server: Int = 600) -> [Int] {
        let limits = SeatLimits(shares: shares, of: total, lendable: lendable, borrowing: borrowing, server: server)
        return [limits.nominal, limits.lower, limits.upper]
    }

    @Test func sharesBecomeSeats() {
        // Those that every cluster starts with, as upstream's metrics tell them.
        #expect(Self.limits(0, of: 245) == [0, 0, 600])
        #expect(Self.limits(5, of: 245) == [13, 13, 613])
        #expect(Self.limits(30, of: 245, lendable: 33) == [74, 50, 674])
        #expect(Self.limits(100, of: 245, lendable: 90) == [245, 24, 845])
        #expect(Self.limits(10, of: 20, lendable: 50, borrowing: 20, server: 20) == [10, 5, 12])
        #expect(Self.limits(0, of: 0) == [0, 0, 600])
    }

    private static func claim(
        _ nominal: Int, _ lower: Int, _ upper: Int, peak: Int, smoothed: Double, isExempt: Bool = false
    ) -> SeatAllocation.Claim {
        var limits = SeatLimits()
        (limits.nominal, limits.lower, limits.upper) = (nominal, lower, upper)
        return SeatAllocation.Claim(limits: limits, demand: .init(peak: peak, smoothed: smoothed), isExempt: isExempt)
    }

    static let allocations: [(claims: [SeatAllocation.Claim], limits: [Int])] = [
        // Nobody wants anything: what may be lent is shared in proportion to what may not.
        ([claim(10, 5, 30, peak: 0, smoothed: 0), claim(10, 5, 30, peak: 0, smoothed: 0)], [10, 10]),
        // One lends all that it may.
        ([claim(10, 5, 30, peak: 20, smoothed: 20), claim(10, 5, 30, peak: 0, smoothed: 0)], [15, 5]),
        // The other may not borrow so much.
        ([claim(10, 5, 12, peak: 20, smoothed: 20), claim(10, 5, 30, peak: 0, smoothed: 0)], [12, 8]),
        // Both want more than there is: each keeps its own.
        ([claim(10, 0, 30, peak: 40, smoothed: 40), claim(10, 0, 30, peak: 40, smoothed: 40)], [10, 10]),
        // Who lent gets its own back as soon as it wants it.
        ([claim(10, 5, 30, peak: 20, smoothed: 20), claim(10, 5, 30, peak: 8, smoothed: 1)], [12, 8]),
        // What is exempt takes what it needs, and is not bounded by it.
        (
            [
                claim(0, 0, 600, peak: 5, smoothed: 5, isExempt: true), claim(10, 5, 10, peak: 10, smoothed: 10),
                claim(10, 5, 10, peak: 10, smoothed: 10),
            ], [5, 8, 8]
        ),
        (
            [
                claim(0, 0, 600, peak: 50, smoothed: 50, isExempt: true), claim(10, 5, 10, peak: 10, smoothed: 10),
                claim(10, 2, 10, peak: 10, smoothed: 10),
            ], [50, 5, 2]
        ),
    ]

    @Test(arguments: allocations.indices)
    func seatsAreLent(_ index: Int) {
        let (claims, limits) = Self.allocations[index]
        #expect(SeatAllocation(claims).limits == limits)
    }

    @Test func demandIsAMeanOverTime() {
        var demand = SeatDemand(at: 0)
        demand.set(10, at: 0)
        demand.set(0, at: 5)
        demand.endPeriod(at: 10)
        #expect(demand.figures == .init(peak: 10, average: 5, deviation: 5, smoothed: 10))
        // It falls slowly.
        demand.endPeriod(at: 20)
        #expect(demand.figures.peak == 0 && demand.figures.average == 0)
        #expect(abs(demand.figures.smoothed - 9.77) < 0.001)
        // A period without duration says nothing.
        demand.endPeriod(at: 20)
        #expect(abs(demand.figures.smoothed - 9.77) < 0.001)
    }

    @Test func aListTakesSeatsByWhatItBringsIntoMemory() {
        for (objects, size, most, seats) in [
            (0, 0, 100, 1), (1, 50, 100, 1), (100, 1000, 100, 1), (101, 1000, 100, 2), (100_000, 10_000, 100, 10), (100_000, 10_000, 3, 3),
            (.max, .max, 100, 10),
        ] {
            #expect(WorkEstimate.seats(objects: objects, ofBytes: size, most: most) == seats, "\(objects) of \(size)")
        }
    }

    @Test func whoIsSentAwayStaysAwayLongerAsLongAsManyAre() {
        var dropped = DroppedRequests()
        var told: [Int64] = []
        for second in 100..<Int64(110) {
            for _ in 0..<100 { dropped.add(at: second) }
            told.append(dropped.retryAfter)
        }
        #expect(told.first == 1 && told.last == 8 && told == told.sorted(), "\(told)")
        // And less when few are.
        for second in stride(from: Int64(200), to: 900, by: 100) { dropped.add(at: second) }
        #expect(dropped.retryAfter == 1)
    }

    @Test func aWriteThatManyWatchTakesMoreAndLonger() {
        for (watchers, most, seats, linger) in [
            (0, 100, 1, 0), (9, 100, 1, 0), (10, 100, 1, 0.005), (11, 100, 2, 0.005), (100, 100, 10, 0.005), (1000, 100, 10, 0.05),
            (1000, 4, 4, 0.125),
        ] as [(Int, Int, Int, Double)] {
            let work = WorkEstimate.write(watchers: watchers, most: most)
            #expect(work == WorkEstimate(seats: seats, linger: linger), "\(watchers) watch, \(most) seats at most")
        }
    }

    @Test func thoseWhoWatchAreCounted() throws {
        func info(_ path: String, _ query: [(String, String)] = []) throws -> RequestInfo {
            try RequestInfo(Request(method: .get, path: path, query: query.map { (name: $0.0, value: $0.1) }))
        }
        let counts = WatchCounts()
        let pods = "/api/v1/namespaces/a/pods"
        let watches = [
            counts.began(try info("/api/v1/pods")), counts.began(try info(pods)), counts.began(try info("/api/v1/namespaces/b/pods")),
            counts.began(try info(pods, [("watch", "true"), ("fieldSelector", "metadata.name=p")])),
            counts.began(try info("/api/v1/pods", [("watch", "true"), ("fieldSelector", "spec.nodeName=n")])),
        ]
        #expect(watches.last.map { $0 == nil } == true)
        for (path, expected) in [(pods, 2), ("\(pods)/p", 3), ("\(pods)/q", 2), ("/api/v1/nodes/n", 0)] {
            #expect(counts.interested(in: try info(path)) == expected, "\(path)")
        }
        for watch in watches { watch?.giveBack() }
        #expect(counts.interested(in: try info("\(pods)/p")) == 0)
    }
}
