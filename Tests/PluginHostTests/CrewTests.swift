import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import PluginHost

@Suite struct CrewTests {
    /// Things to do, and what came of them.
    private final class Pile: Sendable {
        struct Figures {
            var waiting = 0
            var done = 0
            var atWork = 0
            var mostAtWork = 0
        }
        let figures = Mutex(Figures())

        func put() { figures.withLock { $0.waiting += 1 } }

        func takeOne() -> Bool {
            let isTaken = figures.withLock { figures in
                guard figures.waiting > 0 else { return false }
                figures.waiting -= 1
                figures.atWork += 1
                figures.mostAtWork = max(figures.mostAtWork, figures.atWork)
                return true
            }
            if isTaken {
                figures.withLock { figures in
                    figures.atWork -= 1
                    figures.done += 1
                }
            }
            return isTaken
        }

        var done: Int { figures.withLock { $0.done } }
        var mostAtWork: Int { figures.withLock { $0.mostAtWork } }
    }

    @Test func whatAnyoneCallsForIsDoneByNoMoreThanTheLimit() async throws {
        let pile = Pile()
        let crew = Crew(ThreadPool(name: "test", limit: 8), limit: 3) { pile.takeOne() }
        await withDiscardingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<5000 {
                        pile.put()
                        crew.call()
                        // So that the threads leave now and then.
                        await Task.yield()
                    }
                }
            }
        }
        try await eventually("not all is done") { pile.done == 20_000 }
        #expect(pile.mostAtWork <= 3)
    }

    @Test func whoDismissesWaitsForWhatIsUnderWay() async throws {
        let (began, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let pile = Pile()
        let crew = Crew(ThreadPool(name: "test", limit: 1), limit: 1) {
            if pile.done == 0 {
                began.signal()
                mayEnd.wait()
            }
            pile.put()
            return pile.takeOne()
        }
        crew.call()
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                began.wait()
                continuation.resume()
            }
        }
        let dismissal = Task {
            await crew.dismiss()
            return pile.done
        }
        mayEnd.signal()
        let atEnd = await dismissal.value
        #expect(atEnd >= 1)
        crew.call()
        await crew.dismiss()
        #expect(pile.done == atEnd)
    }
}
