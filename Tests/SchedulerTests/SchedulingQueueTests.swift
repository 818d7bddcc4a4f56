import Testing

@testable import Scheduler

@Suite struct SchedulingQueueTests {
    private func key(_ name: String) -> PodKey { PodKey(namespace: "default", name: name) }

    @Test func priorityThenAgeDecides() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("old"), 0, priority: 0, now: 0)
        queue.put(key("urgent"), 0, priority: 100, now: 10)
        queue.put(key("new"), 0, priority: 0, now: 20)
        #expect(
            [queue.pop(now: 20), queue.pop(now: 20), queue.pop(now: 20), queue.pop(now: 20)].map { $0?.key.name } == [
                "urgent", "old", "new", nil,
            ])
    }

    @Test(arguments: [(0, 1000), (1, 1000), (2, 2000), (3, 4000), (4, 8000), (5, 10_000), (50, 10_000)] as [(Int, Int64)])
    func backoffGrows(_ attempts: Int, _ time: Int64) { #expect(SchedulingQueue<Int>().backoffTime(attempts: attempts) == time) }

    @Test func anErrorWaitsForItsBackoff() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 0, priority: 0, now: 0)
        _ = queue.pop(now: 0)
        queue.fail(key("a"), .error, now: 0)
        #expect(queue.pop(now: 999) == nil)
        #expect(queue.deadline(now: 0) == 1000)
        #expect(queue.pop(now: 1000)?.attempts == 2)
    }

    /// Upstream counts errors in a row, and refusals all together.
    @Test func theBackoffOfErrorsAndOfRefusalsGrowEachByItself() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 0, priority: 0, now: 0)
        var now: Int64 = 0
        for (isError, time) in [(false, 1000), (false, 2000), (true, 1000), (true, 2000), (false, 4000), (true, 1000)] as [(Bool, Int64)] {
            #expect(queue.pop(now: now) != nil)
            queue.fail(key("a"), isError ? .error : .rejected, now: now)
            queue.wake(.all, now: now)
            #expect(queue.pop(now: now + time - 1) == nil && queue.deadline(now: now) == now + time)
            now += time
        }
    }

    @Test func aParkedPodWaitsForAnEventThatHelpsItAndWhileOthersAreThereForItsBackoff() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 0, priority: 0, now: 0)
        _ = queue.pop(now: 0)
        queue.fail(key("a"), .unschedulable(helpedBy: [.podRemoved, .nodeAdded]), now: 0)
        queue.wake([.nodeLabels, .podAdded], now: 0)
        #expect(queue.pop(now: 100_000) == nil)
        queue.wake(.podRemoved, now: 500)
        for name in ["b", "c"] { queue.put(key(name), 0, priority: 0, now: 500) }
        #expect(queue.pop(now: 999)?.key.name == "b")
        // From then on it is as old as it is.
        #expect(queue.pop(now: 1000)?.key.name == "a")
        #expect(queue.pop(now: 1000)?.key.name == "c")
    }

    @Test func aWokenPodIsTakenBeforeItsTimeWhenNobodyElseIsThere() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 0, priority: 0, now: 0)
        _ = queue.pop(now: 0)
        queue.fail(key("a"), .unschedulable(helpedBy: .podRemoved), now: 0)
        queue.wake(.podRemoved, now: 10)
        #expect(queue.deadline(now: 10) == 10)
        #expect(queue.pop(now: 10)?.key.name == "a")
    }

    /// While a policy lets it wait, or its volumes are bound, things go on happening.
    @Test func whatHappensWhileAPodIsTriedWakesItToo() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 0, priority: 0, now: 0)
        queue.wake(.nodeAdded, now: 0)
        _ = queue.pop(now: 0)
        queue.wake([.nodeLabels, .podAdded], now: 1)
        queue.fail(key("a"), .unschedulable(helpedBy: [.nodeAdded, .podRemoved]), now: 2)
        #expect(queue.pop(now: 5000) == nil)
        queue.wake(.nodeAdded, now: 5000)
        _ = queue.pop(now: 5000)
        queue.wake(.podRemoved, now: 5001)
        queue.fail(key("a"), .unschedulable(helpedBy: [.nodeAdded, .podRemoved]), now: 5002)
        #expect(queue.pop(now: 5002)?.key.name == "a")
    }

    @Test func whatAPodGivesUpItselfIsNoHelpToIt() {
        var queue = SchedulingQueue<Int>()
        for name in ["a", "b"] { queue.put(key(name), 0, priority: 0, now: 0) }
        for name in ["a", "b"] {
            _ = queue.pop(now: 0)
            queue.fail(key(name), .rejected, now: 0)
        }
        queue.wake(.podRemoved, by: key("a"), now: 1000)
        #expect(queue.pop(now: 1000)?.key.name == "b" && queue.pop(now: 1000) == nil)
        queue.wake(.podRemoved, now: 1000)
        #expect(queue.pop(now: 1000)?.key.name == "a")
    }

    @Test func wokenPodsOfOneSecondAreTakenByPriority() {
        var queue = SchedulingQueue<Int>()
        for (name, priority, failed) in [("a", 0, 100), ("b", 5, 900), ("c", 9, 1200)] as [(String, Int32, Int64)] {
            queue.put(key(name), 0, priority: priority, now: failed)
            _ = queue.pop(now: failed)
            queue.fail(key(name), .unschedulable(helpedBy: .podRemoved), now: failed)
        }
        // Their time comes at 1,100, 1,900 and 2,200.
        queue.wake(.podRemoved, now: 1050)
        #expect((0..<3).map { _ in queue.pop(now: 1050)?.key.name } == ["b", "a", "c"])
    }

    @Test func aParkedPodIsTriedAfterFiveMinutesAnyhow() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 0, priority: 0, now: 0)
        _ = queue.pop(now: 0)
        queue.fail(key("a"), .unschedulable(helpedBy: .podRemoved), now: 0)
        queue.wakeOld(now: 299_999)
        #expect(queue.pop(now: 299_999) == nil)
        queue.wakeOld(now: 300_000)
        #expect(queue.pop(now: 300_000) != nil)
    }

    @Test func aRemovedPodNeverComesBack() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 0, priority: 0, now: 0)
        _ = queue.pop(now: 0)
        queue.remove(key("a"))
        queue.fail(key("a"), .error, now: 0)
        #expect(queue.pop(now: 10_000) == nil && queue.count == 0)
    }

    @Test func aChangeOfAParkedPodMovesItOn() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 1, priority: 0, now: 0)
        _ = queue.pop(now: 0)
        queue.fail(key("a"), .unschedulable(helpedBy: .podRemoved), now: 0)
        queue.put(key("a"), 2, priority: 7, now: 5000)
        let entry = queue.pop(now: 5000)
        #expect(entry?.pod == 2 && entry?.priority == 7 && entry?.attempts == 2)
        #expect(queue.pop(now: 5000) == nil)
    }

    @Test func aPodBeingScheduledIsNotHandedOutTwice() {
        var queue = SchedulingQueue<Int>()
        queue.put(key("a"), 1, priority: 0, now: 0)
        _ = queue.pop(now: 0)
        queue.put(key("a"), 2, priority: 0, now: 1)
        #expect(queue.pop(now: 1) == nil)
        queue.done(key("a"))
        #expect(queue.count == 0)
    }
}
