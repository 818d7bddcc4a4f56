import Dispatch
import Testing

@testable import PluginHost

@Suite struct ThreadPoolTests {
    @Test func callsThatBlockEachOtherAllRun() async {
        let pool = ThreadPool(name: "test", limit: 8)
        let gate = DispatchSemaphore(value: 0)
        // Seven wait until the eighth has run: with one thread less this would never end.
        await withDiscardingTaskGroup { group in
            for _ in 0..<7 { group.addTask { await pool.run { gate.wait() } } }
            group.addTask { await pool.run { for _ in 0..<7 { gate.signal() } } }
        }
    }

    @Test func moreCallsThanThreadsAllRun() async {
        let pool = ThreadPool(name: "test", limit: 2)
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<500 { group.addTask { await pool.run { number } } }
            return await group.reduce(0, +)
        }
        #expect(sum == 124_750)
    }
}
