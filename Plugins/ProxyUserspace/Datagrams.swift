internal import Glibc

/// The packets that arrive for one Service over UDP: each client's go to one endpoint, and the answers come from where the client asked.
///
/// Belongs to one worker's thread. What one client sends and gets is a flow; it ends when nothing came for a while, and when its endpoint
/// goes.
final class Datagrams {
    /// How long a flow may be silent, in seconds: as the kernel has it for its own, one that was never answered, and one that was.
    private static let silence: (unanswered: Int64, answered: Int64) = (30, 120)
    /// Flows at once; the oldest goes for one that is new.
    private static let most = 4096
    /// Packets before others have their turn.
    private static let turn = 64

    /// What one client has with one endpoint.
    final class Flow {
        let client: SocketAddress
        let endpoint: SocketAddress
        let descriptor: Int32
        fileprivate(set) var token: UInt64 = 0
        fileprivate var last: ContinuousClock.Instant
        fileprivate var isAnswered = false
        unowned let datagrams: Datagrams

        /// `nil` when the system gives no socket.
        fileprivate init?(_ client: SocketAddress, to endpoint: SocketAddress, of datagrams: Datagrams, at now: ContinuousClock.Instant) {
            descriptor = socket(endpoint.domain, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            (self.client, self.endpoint, self.datagrams, last) = (client, endpoint, datagrams, now)
            guard descriptor >= 0, endpoint.with({ connect(descriptor, $0, $1) }) == 0 else { return nil }
        }

        deinit { if descriptor >= 0 { close(descriptor) } }
    }

    let listener: Listener
    private var flows: [SocketAddress: Flow] = [:]
    /// Clients in the order of their flows' beginnings, some of which may be over.
    private var order: [SocketAddress] = []
    private var buffer = [UInt8](repeating: 0, count: 65536)

    init(_ listener: Listener) { self.listener = listener }

    /// Packets of clients are there.
    func receive(_ worker: some Waiting) {
        let now = ContinuousClock.now
        for _ in 0..<Self.turn {
            var count = 0
            let client = SocketAddress.reading { name, size in
                count = recvfrom(listener.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), name, size)
                return count >= 0
            }
            guard let client else { return }
            forward(count, from: client, worker, now)
        }
    }

    /// An endpoint has answered, or refused.
    func answer(_ flow: Flow, _ worker: some Waiting) {
        for _ in 0..<Self.turn {
            let count = recv(flow.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else {
                // Nobody listens there: the next packet may go elsewhere.
                if errno == ECONNREFUSED { end(flow, worker) }
                return
            }
            (flow.last, flow.isAnswered) = (.now, true)
            _ = flow.client.with { sendto(listener.descriptor, buffer, count, Int32(MSG_DONTWAIT), $0, $1) }
        }
    }

    /// Ends the flows that were silent too long, and those whose endpoint is the Service's no more.
    func look(_ worker: some Waiting, at now: ContinuousClock.Instant) {
        for flow in Array(flows.values) {
            let silence = flow.isAnswered ? Self.silence.answered : Self.silence.unanswered
            if flow.last + .seconds(silence) <= now || !leads(flow) { end(flow, worker) }
        }
        order = order.filter { flows[$0] != nil }
    }

    func endAll(_ worker: some Waiting) { for flow in Array(flows.values) { end(flow, worker) } }

    private func forward(_ count: Int, from client: SocketAddress, _ worker: some Waiting, _ now: ContinuousClock.Instant) {
        guard listener.route.admits(client.address) else { return }
        var tried: [SocketAddress] = []
        if let flow = flows[client] {
            if leads(flow), send(flow.descriptor, buffer, count, Int32(MSG_DONTWAIT)) >= 0 || errno == EAGAIN {
                flow.last = now
                return
            }
            tried = [flow.endpoint]
            end(flow, worker)
        }
        // The one that refused is better than none: it may be back.
        guard let endpoint = listener.route.endpoint(for: client.address, except: tried) ?? listener.route.endpoint(for: client.address),
            let flow = Flow(client, to: endpoint, of: self, at: now)
        else { return }
        makeRoom(worker)
        flows[client] = flow
        order.append(client)
        flow.token = worker.add(flow.descriptor, of: flow)
        _ = send(flow.descriptor, buffer, count, Int32(MSG_DONTWAIT))
    }

    private func leads(_ flow: Flow) -> Bool { listener.route.leads(flow.client.address, to: flow.endpoint) }

    private func makeRoom(_ worker: some Waiting) {
        guard flows.count >= Self.most else { return }
        // A part at once, so that the order is not gone through for each.
        let old = order.prefix(Self.most / 16)
        order.removeFirst(old.count)
        for client in old { if let flow = flows[client] { end(flow, worker) } }
    }

    private func end(_ flow: Flow, _ worker: some Waiting) {
        worker.forget(flow.token)
        if flows[flow.client] === flow { flows[flow.client] = nil }
    }
}
