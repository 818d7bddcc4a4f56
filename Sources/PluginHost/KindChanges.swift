internal import Synchronization

/// Tells who asked that the list of running plugins of a kind changed.
final class KindChanges: Sendable {
    private struct State {
        var next = 0
        var listeners: [Int: (kind: ExtensionKind, continuation: AsyncStream<Void>.Continuation)] = [:]
    }
    private let state = Mutex(State())

    /// Yields at once, and after every `tell`; what is told while nobody looks is told once.
    func stream(of kind: ExtensionKind) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = (kind, continuation)
            return state.next
        }
        continuation.onTermination = { [weak self] _ in _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) } }
        continuation.yield()
        return stream
    }

    func hasListener(of kind: ExtensionKind) -> Bool { state.withLock { $0.listeners.values.contains { $0.kind == kind } } }

    func tell(_ kinds: Set<ExtensionKind>) {
        for (kind, continuation) in state.withLock({ Array($0.listeners.values) }) where kinds.contains(kind) { continuation.yield() }
    }
}
