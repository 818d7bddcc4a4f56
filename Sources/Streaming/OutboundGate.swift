import Synchronization

/// Holds writers back while a connection can take no more. The event loop opens and shuts it; any number of tasks pass through it.
package final class OutboundGate: Sendable {
    private struct State {
        /// Handed to the event loop, not yet written there.
        var pending = 0
        var writable = true
        var failure: (any Error)?
        var waiting: [(id: UInt64, writer: CheckedContinuation<Void, any Error>)] = []
        var lastID: UInt64 = 0
        var isOpen: Bool { writable && pending <= OutboundGate.limit }

        mutating func takeWaiting() -> [CheckedContinuation<Void, any Error>] {
            guard !waiting.isEmpty else { return [] }
            defer { waiting.removeAll() }
            return waiting.map(\.writer)
        }
    }

    private static let limit = 256 * 1024
    private let state = Mutex(State())

    package init() {}

    /// Counts bytes about to be handed to the event loop. Throws when the connection is gone.
    package func charge(_ bytes: Int) throws {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.pending += bytes
        }
    }

    /// The event loop has written what was charged.
    package func settle(_ bytes: Int, writable: Bool) {
        update { state in
            state.pending -= bytes
            state.writable = writable
        }
    }

    package func setWritable(_ writable: Bool) { update { $0.writable = writable } }

    private func update(_ change: (inout State) -> Void) {
        let released = state.withLock { state in
            change(&state)
            return state.isOpen ? state.takeWaiting() : []
        }
        for writer in released { writer.resume() }
    }

    /// The connection is gone: every writer, now and later, gets `failure`.
    package func fail(_ failure: any Error) {
        let released = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            return state.takeWaiting()
        }
        for writer in released { writer.resume(throwing: failure) }
    }

    /// Returns when the connection can take more.
    package func pass() async throws {
        if try isOpen() { return }
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (writer: CheckedContinuation<Void, any Error>) in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    if let failure = state.failure { return .failure(failure) }
                    if state.isOpen { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting.append((id, writer))
                    return nil
                }
                if let answer { writer.resume(with: answer) }
            }
        } onCancel: {
            let writer = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).writer }
            }
            writer?.resume(throwing: CancellationError())
        }
    }

    private func isOpen() throws -> Bool {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.isOpen
        }
    }
}
