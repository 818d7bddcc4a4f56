import NIOCore
import Synchronization

/// The open connections of one server and the tasks that answer on them, so that it can wait for their end.
final class Connections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var tasks = 0
        var quiescing = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isEmpty: Bool { channels.isEmpty && tasks == 0 }
    }
    private let state = Mutex(State())

    func add(_ channel: any Channel) {
        let late = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = channel
            return state.quiescing
        }
        channel.closeFuture.whenComplete { _ in self.remove { $0.channels[ObjectIdentifier(channel)] = nil } }
        if late { channel.close(promise: nil) }
    }

    /// An upgraded connection's task has no handler to cancel it any more.
    func addUpgraded(_ task: Task<Void, Never>, of channel: any Channel) {
        channel.closeFuture.whenComplete { _ in task.cancel() }
    }

    func taskStarted() { state.withLock { $0.tasks += 1 } }
    func taskEnded() { remove { $0.tasks -= 1 } }

    private func remove(_ change: (inout State) -> Void) {
        let released = state.withLock { state in
            change(&state)
            guard state.isEmpty, !state.waiting.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting.removeAll() }
            return state.waiting
        }
        for waiter in released { waiter.resume() }
    }

    /// Tells every connection to end with the request it is at; new ones are closed at once.
    func quiesce() {
        let channels = state.withLock { state in
            state.quiescing = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    func closeAll() {
        for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }

    /// Returns when no connection and no task is left, or after `limit`.
    func drain(limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.empty() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
            releaseWaiting()
        }
    }

    private func empty() async {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            let done = state.withLock { state in
                if state.isEmpty { return true }
                state.waiting.append(waiter)
                return false
            }
            if done { waiter.resume() }
        }
    }

    private func releaseWaiting() {
        let released = state.withLock { state in
            defer { state.waiting.removeAll() }
            return state.waiting
        }
        for waiter in released { waiter.resume() }
    }
}
