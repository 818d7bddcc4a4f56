import NIOCore
import Synchronization

/// The open connections of one server, what it waits for on them, and the tasks that answer, so that nobody takes more than `Limits` give
/// and the server can wait for their end.
final class Connections: Sendable {
    private struct State {
        var peers: [Connection.Peer: [ObjectIdentifier: Connection]] = [:]
        var count = 0
        var deadlines: [ObjectIdentifier: Deadline] = [:]
        var tasks = 0
        var quiescing = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isEmpty: Bool { count == 0 && tasks == 0 }

        mutating func add(_ connection: Connection) {
            peers[connection.peer, default: [:]][ObjectIdentifier(connection)] = connection
            deadlines[ObjectIdentifier(connection.deadline)] = connection.deadline
            count += 1
        }

        mutating func remove(_ connection: Connection) {
            guard peers[connection.peer]?.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
            if peers[connection.peer]?.isEmpty == true { peers[connection.peer] = nil }
            deadlines[ObjectIdentifier(connection.deadline)] = nil
            count -= 1
        }
    }
    private let state = Mutex(State())
    private let limits: Limits

    init(limits: Limits) { self.limits = limits }

    /// Takes up a connection, for which another may have to go. `nil` when there is no place for it.
    func add(_ channel: any Channel) -> Connection? {
        let connection = Connection(channel, limits: limits)
        connection.deadline.set(.input, in: limits.handshake)
        let (isTaken, displaced) = state.withLock { state -> (Bool, Connection?) in
            guard !state.quiescing else { return (false, nil) }
            let place = place(for: connection.peer, state)
            switch place {
            case .none: return (false, nil)
            case .free: break
            case .of(let other): state.remove(other)
            }
            state.add(connection)
            if case .of(let other) = place { return (true, other) }
            return (true, nil)
        }
        displaced?.channel.close(promise: nil)
        guard isTaken else {
            channel.close(promise: nil)
            return nil
        }
        channel.closeFuture.whenComplete { _ in self.change { $0.remove(connection) } }
        return connection
    }

    private enum Place {
        case free, none
        case of(Connection)
    }

    /// Where a connection of `peer` can stand: its own come first, then those of whoever has most.
    private func place(for peer: Connection.Peer, _ state: borrowing State) -> Place {
        let own = state.peers[peer] ?? [:]
        if own.count >= limits.waitingPerAddress {
            let waiting = own.values.filter { $0.waiting != nil }
            let isFull = waiting.count >= limits.waitingPerAddress || own.count >= limits.connectionsPerAddress
            if isFull { return Self.longest(waiting) }
        }
        guard state.count >= limits.connections else { return .free }
        return Self.longest(state.peers.values.max { $0.count < $1.count }?.values.filter { $0.waiting != nil } ?? [])
    }

    /// That which has waited longest.
    private static func longest(_ waiting: [Connection]) -> Place {
        waiting.min { ($0.waiting ?? .max) < ($1.waiting ?? .max) }.map(Place.of) ?? .none
    }

    /// An upgraded connection's task has no handler to cancel it any more.
    func addUpgraded(_ task: Task<Void, Never>, of channel: any Channel) {
        channel.closeFuture.whenComplete { _ in task.cancel() }
    }

    func taskStarted() { state.withLock { $0.tasks += 1 } }
    func taskEnded() { change { $0.tasks -= 1 } }

    // MARK: Patience

    /// Of a stream; that of a connection is known already.
    func watch(_ deadline: Deadline) { state.withLock { $0.deadlines[ObjectIdentifier(deadline)] = deadline } }
    func forget(_ deadline: Deadline) { state.withLock { _ = $0.deadlines.removeValue(forKey: ObjectIdentifier(deadline)) } }

    /// Ends what has waited too long.
    func expire(_ now: NIODeadline) {
        let all = state.withLock { Array($0.deadlines.values) }
        for deadline in all where deadline.isPast(now) { deadline.expire() }
    }

    // MARK: The end

    private func change(_ change: (inout State) -> Void) {
        let released = state.withLock { state in
            change(&state)
            guard state.isEmpty, !state.waiting.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting.removeAll() }
            return state.waiting
        }
        for waiter in released { waiter.resume() }
    }

    private static func channels(_ state: borrowing State) -> [any Channel] { state.peers.values.flatMap { $0.values.map(\.channel) } }

    /// Tells every connection to end with the request it is at; new ones are closed at once.
    func quiesce() {
        let channels = state.withLock { state in
            state.quiescing = true
            return Self.channels(state)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    func closeAll() {
        for channel in state.withLock({ Self.channels($0) }) { channel.close(promise: nil) }
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
