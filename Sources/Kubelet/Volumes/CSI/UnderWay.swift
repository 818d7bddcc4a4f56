import Synchronization

/// What is being done, so that it is not begun twice. Safe from any task.
final class UnderWay<Key: Hashable & Sendable>: Sendable {
    private let keys = Mutex<Set<Key>>([])

    /// Answers whether it was not under way.
    func begin(_ key: Key) -> Bool { keys.withLock { $0.insert(key).inserted } }
    func end(_ key: Key) { keys.withLock { _ = $0.remove(key) } }
}
