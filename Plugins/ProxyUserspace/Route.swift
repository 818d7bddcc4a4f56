internal import APIModel
internal import Synchronization

/// Where what arrives for one Service goes: chooses an endpoint for each client, and remembers the choice where the Service asks for that.
///
/// Safe from any thread. It stays the same while its Service is there, so that what it remembers outlives that endpoints come and go.
final class Route: Sendable {
    struct Target: Equatable, Sendable {
        var endpoints: [SocketAddress] = []
        /// Those for clients inside of the cluster, whom the policy for traffic from outside does not concern.
        var insideEndpoints: [SocketAddress] = []
        /// 0 is none.
        var affinitySeconds: UInt32 = 0
        /// Who may come; `nil` is everybody.
        var sources: [IPNetwork]?
        /// Whose clients are inside.
        var inside: [IPNetwork] = []

        func endpoints(for client: IPAddress) -> [SocketAddress] {
            endpoints == insideEndpoints || !inside.contains { $0.contains(client) } ? endpoints : insideEndpoints
        }

        func admits(_ client: IPAddress) -> Bool { sources?.contains { $0.contains(client) } ?? true }

        /// Whether anybody is led anywhere.
        var isEmpty: Bool { endpoints.isEmpty && insideEndpoints.isEmpty }
    }

    fileprivate struct Memory {
        var endpoint: SocketAddress
        var until: ContinuousClock.Instant
    }

    fileprivate struct State {
        var target = Target()
        var turn = 0
        var clients: [IPAddress: Memory] = [:]
        /// How many clients to remember before those are looked for whose time is over.
        var room = 1024
    }

    private let state: Mutex<State>

    init(_ target: Target) { state = Mutex(State(target: target, turn: .random(in: 0..<1024))) }

    func lead(to target: Target) {
        state.withLock { state in
            state.target = target
            if target.affinitySeconds == 0 { state.clients = [:] }
        }
    }

    func admits(_ client: IPAddress) -> Bool { state.withLock { $0.target.admits(client) } }

    /// Whether what goes to `endpoint` may go on.
    func leads(_ client: IPAddress, to endpoint: SocketAddress) -> Bool {
        state.withLock { $0.target.endpoints(for: client).contains(endpoint) }
    }

    /// The endpoint for a new connection of `client`; `nil` when there is none but those that were `tried`.
    func endpoint(for client: IPAddress, except tried: [SocketAddress] = [], at now: ContinuousClock.Instant = .now) -> SocketAddress? {
        state.withLock { state in
            let all = state.target.endpoints(for: client)
            let seconds = state.target.affinitySeconds
            if seconds > 0, let known = state.clients[client], known.until > now, all.contains(known.endpoint),
                !tried.contains(known.endpoint)
            {
                state.clients[client] = Memory(endpoint: known.endpoint, until: now + .seconds(Int64(seconds)))
                return known.endpoint
            }
            let left = tried.isEmpty ? all : all.filter { !tried.contains($0) }
            guard !left.isEmpty else { return nil }
            state.turn &+= 1
            let chosen = left[Int(UInt(bitPattern: state.turn) % UInt(left.count))]
            if seconds > 0 { state.remember(chosen, for: client, until: now + .seconds(Int64(seconds)), now) }
            return chosen
        }
    }
}

extension Route.State {
    fileprivate mutating func remember(
        _ endpoint: SocketAddress, for client: IPAddress, until: ContinuousClock.Instant, _ now: ContinuousClock.Instant
    ) {
        if clients.count >= room {
            clients = clients.filter { $0.value.until > now }
            room = max(1024, 2 * clients.count)
        }
        clients[client] = Route.Memory(endpoint: endpoint, until: until)
    }
}
