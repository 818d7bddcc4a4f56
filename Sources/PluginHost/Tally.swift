internal import Synchronization

/// How often something happened, and what it was the last time.
final class Tally: Sendable {
    private let state = Mutex<(count: UInt64, last: String)>((0, ""))

    func add(_ text: String) {
        state.withLock { state in
            state.count += 1
            state.last = text
        }
    }

    var value: (count: UInt64, last: String) { state.withLock { $0 } }
}
