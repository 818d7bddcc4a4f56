import Dispatch
import PluginKit
import Synchronization
import Testing

/// Many at a time.
@Suite struct BatchesTests {
    private struct Refused: Error, Equatable { var item: Int }

    /// Batches are of 1, 2, 4, 8 …: what one of them meets ends it with its batch.
    @Test(
        arguments: [
            (count: 0, bad: nil, asked: 0), (1, nil, 1), (20, nil, 20), (20, 0, 1), (20, 1, 3), (20, 2, 3), (20, 3, 7), (20, 19, 20),
        ] as [(count: Int, bad: Int?, asked: Int)])
    func slowStartEndsWithTheBatchThatFails(_ count: Int, _ bad: Int?, _ asked: Int) {
        let calls = Mutex(0)
        let outcome = Batches.slowStart(Array(0..<count)) { item in
            calls.withLock { $0 += 1 }
            if item == bad { throw Refused(item: item) }
            return true
        }
        #expect(calls.withLock { $0 } == asked)
        #expect(outcome.done == (0..<asked).filter { $0 != bad })
        #expect(outcome.error as? Refused == bad.map(Refused.init))
    }

    @Test func slowStartEndsWhereThereIsNoUseInGoingOn() {
        let outcome = Batches.slowStart(Array(0..<20)) { $0 != 1 }
        #expect(outcome.done == [0, 2] && outcome.error == nil)
    }

    @Test func allAreTriedAndTheFirstErrorTold() {
        let outcome = Batches.all(Array(0..<100)) { if $0 % 40 == 30 { throw Refused(item: $0) } }
        #expect(outcome.done == (0..<100).filter { $0 % 40 != 30 })
        #expect(outcome.error as? Refused == Refused(item: 30))
    }

    /// Each waits until the other has begun.
    @Test func severalAreUnderWayAtOnce() {
        let begun = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
        let met = Mutex(0)
        Batches.all([0, 1]) { item in
            begun[item].signal()
            if begun[1 - item].wait(timeout: .now() + 60) == .success { met.withLock { $0 += 1 } }
        }
        #expect(met.withLock { $0 } == 2)
    }
}
