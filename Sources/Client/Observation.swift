import APIModel
import Synchronization

/// Somebody who is told of changes in a `Cache`.
public final class Observation: Sendable {
    let handler: @Sendable (GroupVersionResource, Object?, Object?) -> Void
    private let cancelled = Atomic(false)

    init(_ handler: @escaping @Sendable (GroupVersionResource, Object?, Object?) -> Void) { self.handler = handler }

    /// No call starts after this; one that has started may still be running. Also legal from within the handler.
    public func cancel() { cancelled.store(true, ordering: .releasing) }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
}
