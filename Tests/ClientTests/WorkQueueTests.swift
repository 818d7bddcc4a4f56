import Client
import Exposition
import Synchronization
import Testing

@Suite struct WorkQueueTests {
    @Test func whatWaitsIsThereOnce() async {
        let queue = WorkQueue<String>()
        for item in ["a", "b", "a", "c", "b"] { queue.add(item) }
        #expect(queue.depth == 3)
        #expect(await queue.next() == "a")
        #expect(await queue.next() == "b")
        #expect(await queue.next() == "c")
        #expect(queue.depth == 0)
    }

    @Test func whatIsBeingWorkedOnComesBackAfterDone() async {
        let queue = WorkQueue<String>()
        queue.add("a")
        #expect(await queue.next() == "a")
        queue.add("a")
        queue.add("a")
        queue.add("b")
        #expect(await queue.next() == "b")
        #expect(queue.depth == 0)
        queue.done("a")
        #expect(queue.depth == 1)
        #expect(await queue.next() == "a")
        queue.done("a")
        queue.done("b")
        #expect(queue.depth == 0)
    }

    @Test func whoTakesItemsIsToldOfEach() {
        let queue = WorkQueue<String>()
        let told = Mutex(0)
        queue.whenReady { told.withLock { $0 += 1 } }
        #expect(queue.take() == nil)
        queue.add("a")
        queue.add("a")
        #expect(told.withLock { $0 } == 1)
        #expect(queue.take() == "a")
        // Is told of when it can be taken.
        queue.add("a")
        #expect(told.withLock { $0 } == 1)
        #expect(queue.take() == nil)
        queue.done("a")
        #expect(told.withLock { $0 } == 2)
        #expect(queue.take() == "a")
        queue.done("a")
        queue.shutDown()
        queue.add("b")
        #expect(told.withLock { $0 } == 2)
    }

    @Test func whatBecomesOfItemsIsCounted() async throws {
        let queue = WorkQueue<String>(baseDelay: .seconds(1000), keepsFigures: true)
        for item in ["a", "b", "a"] { queue.add(item) }
        #expect(await queue.next() == "a")
        // Waits, too, though nobody gets it before the first is done.
        queue.add("a")
        queue.add("late", after: .seconds(1000))
        queue.addRateLimited("later")
        var figures = try #require(queue.figures)
        #expect(figures.depth == 2 && figures.adds == 3 && figures.retries == 2)
        #expect(figures.waits.count == 1 && figures.works.count == 0 && figures.underWay.count == 1)
        queue.done("a")
        while await queue.next() != "a" {}
        queue.done("a")
        figures = try #require(queue.figures)
        #expect(figures.waits.count == 3 && figures.works.count == 2)
        var text = MetricsText()
        QueueFigures.write([("things", figures)], to: &text)
        for line in [
            "workqueue_retries_total{name=\"things\"} 2", "workqueue_work_duration_seconds_bucket{name=\"things\",le=\"1e-08\"} 0",
        ] {
            #expect(text.text.contains("\n\(line)\n"), "\(line)")
        }
        #expect(WorkQueue<String>().figures == nil)
    }

    @Test func delayedItemsComeInTheirTimeAndTheEarliestCounts() async {
        let queue = WorkQueue<String>()
        let start = ContinuousClock.now
        queue.add("late", after: .milliseconds(120))
        queue.add("early", after: .seconds(100))
        queue.add("early", after: .milliseconds(40))
        #expect(queue.depth == 0)
        #expect(await queue.next() == "early")
        #expect(ContinuousClock.now - start >= .milliseconds(40))
        #expect(await queue.next() == "late")
        #expect(ContinuousClock.now - start >= .milliseconds(120))
        #expect(queue.depth == 0)
    }

    @Test func failuresDelayMoreAndMore() async {
        let queue = WorkQueue<String>(baseDelay: .milliseconds(10), maximumDelay: .milliseconds(40))
        for (count, delay) in [10, 20, 40, 40].enumerated() {
            let start = ContinuousClock.now
            queue.addRateLimited("a")
            #expect(queue.failures("a") == count + 1)
            #expect(await queue.next() == "a")
            #expect(ContinuousClock.now - start >= .milliseconds(delay))
            queue.done("a")
        }
        queue.forget("a")
        #expect(queue.failures("a") == 0)
        // Far beyond what a shift can hold.
        for _ in 0..<100 { queue.addRateLimited("b") }
        #expect(await queue.next() == "b")
    }

    @Test func shutDownEmptiesTheQueueFirst() async {
        let queue = WorkQueue<Int>()
        queue.add(1)
        queue.add(2, after: .seconds(1000))
        queue.shutDown()
        queue.add(3)
        #expect(await queue.next() == 1)
        #expect(await queue.next() == nil)
    }

    @Test func waitingTasksEndWithShutDownAndCancellation() async {
        let queue = WorkQueue<Int>()
        let cancelled = Task { await queue.next() }
        cancelled.cancel()
        #expect(await cancelled.value == nil)
        async let waiting = queue.next()
        queue.shutDown()
        #expect(await waiting == nil)
    }

    @Test func manyWorkersNeverShareAnItem() async {
        let queue = WorkQueue<Int>()
        let total = await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    var count = 0
                    while let item = await queue.next() {
                        count += 1
                        await Task.yield()
                        queue.done(item)
                    }
                    return count
                }
            }
            group.addTask {
                for round in 0..<2_000 {
                    queue.add(round)
                    if round % 50 == 0 { await Task.yield() }
                }
                queue.shutDown()
                return 0
            }
            return await group.reduce(0, +)
        }
        #expect(total == 2_000)
        #expect(queue.depth == 0)
    }
}
