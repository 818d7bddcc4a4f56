import APIModel
import Client
import Synchronization

/// The API, with a count of what is bound by the way.
final class CountingClient: ForwardingClient {
    struct Bindings: Sendable {
        /// The Nodes each Pod was bound to, as the API took them, by Pod.
        var nodes: [String: [String]] = [:]
        /// Bindings that the API refused.
        var refused: [String] = []
    }
    private struct State {
        var bindings = Bindings()
        var waiting: [(count: Int, waiter: CheckedContinuation<Void, Never>)] = []
    }
    let base: any Client
    private let state = Mutex(State())

    init(_ base: any Client) { self.base = base }

    var bindings: Bindings { state.withLock { $0.bindings } }

    /// Returns when `count` Pods are bound. A wait that takes too long is a failure.
    func waitUntilBound(_ count: Int) async throws {
        try await limited(180, "\(count) Pods to be bound") { [self] in
            await withCheckedContinuation { waiter in
                let isDone = state.withLock { state in
                    if state.bindings.nodes.count < count { state.waiting.append((count, waiter)) }
                    return state.bindings.nodes.count >= count
                }
                if isDone { waiter.resume() }
            }
        } otherwise: { [self] in
            // Whoever waited must not wait for ever.
            for waiting in state.withLock({ state in
                defer { state.waiting = [] }
                return state.waiting
            }) { waiting.waiter.resume() }
            return "\(bindings.nodes.count) are bound, \(bindings.refused)"
        }
    }

    func write<Answer: Sendable>(_ write: ForwardedWrite, _ send: () async throws -> Answer) async throws -> Answer {
        guard write.verb == .create, write.resource == .pods, write.subresource == "binding" else { return try await send() }
        do {
            let answer = try await send()
            let woken = state.withLock { state in
                state.bindings.nodes[write.name, default: []].append(write.body["target"]["name"].string ?? "")
                let count = state.bindings.nodes.count
                let woken = state.waiting.filter { $0.count <= count }
                state.waiting.removeAll { $0.count <= count }
                return woken
            }
            for waiting in woken { waiting.waiter.resume() }
            return answer
        } catch {
            state.withLock { $0.bindings.refused.append("\(write.name): \(error)") }
            throw error
        }
    }
}
