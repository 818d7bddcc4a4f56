internal import APIModel
internal import Dispatch
internal import Glibc
internal import KernelNetwork
internal import PluginAPI
internal import PluginKit
internal import Synchronization

/// Listens at the addresses of Services and relays what arrives there: no rule in the kernel, and no packet filter.
///
/// The addresses of Services are given local routes, marked, so that what is sent to one comes here. What another program listens at
/// on every address of the machine is not to be had: the Service is left out, and that is said. Endpoints see the node's address and not
/// the client's. SCTP is not carried.
final class Backend: ProxyBackend {
    /// How many threads relay.
    private static let workers = 2
    /// How long connections may go on when another takes over.
    private static let patience = DispatchTimeInterval.seconds(10)
    /// The mark of our routes where nobody says otherwise.
    private static let mark: Whole = 0xaa

    static let settings: Set<String> = ["mark"]

    private struct State: ~Copyable {
        var links: LinkAddresses
        var local: LocalRoutes
        var services: [UInt64: WantedService] = [:]
        var routes: [RelayPlan.RouteName: Route] = [:]
        var listeners: [RelayPlan.Point: Listener] = [:]
        /// Where somebody else listens, and what the system said.
        var refused: [RelayPlan.Point: (route: Route, number: Int32)] = [:]
    }

    private let log: Log
    private let workers: [Worker]
    private let state: Mutex<State>

    /// - Parameter config: `mark`, from 1 to 255: by which local routes are known to be ours. Another for each cluster of the machine.
    init(_ host: Host, config: Value) throws {
        log = host.log
        let mark = UInt8(clamping: try config.setting("mark", in: 1...255, default: Self.mark).int64)
        workers = try (0..<Self.workers).map { _ in try Worker() }
        state = Mutex(State(links: try LinkAddresses(mark: mark), local: try LocalRoutes(mark: mark)))
    }

    func start() throws {
        // What has come to a listener that gives up goes to the other at its place.
        KernelSetting.set("/proc/sys/net/ipv4/tcp_migrate_req", "1")
        try workers[0].start { [weak self] in self?.tryAgain() }
        for worker in workers.dropFirst() { try worker.start() }
    }

    /// The routes stay, for whoever takes over.
    func stop() {
        state.withLock { state in
            giveUp(&state)
            for worker in workers { worker.stop() }
        }
    }

    func sync(_ wanted: Services) throws {
        try state.withLock { state in
            var services = wanted.previous == 0 ? [:] : state.services
            for id in wanted.removed { services[id] = nil }
            for row in wanted.ports where wanted.previous == 0 || row.isChanged {
                services[row.id] = WantedService(row, in: wanted)
                if services[row.id]?.networkProtocol == "sctp" {
                    log.warning("Service \(row.namespace)/\(row.name.string): SCTP is not carried")
                }
            }
            let nodeAddresses = wanted.nodeAddresses.compactMap { IPAddress($0) }
            let onLinks = Set(try state.links.all().lazy.compactMap { IPAddress(bytes: $0.address) })
            let networks = wanted.nodePortNetworks
            let nodePorts = networks.isEmpty ? nodeAddresses : onLinks.filter { address in networks.contains { $0.contains(address) } }
            // By id: of two with one address it is always the same.
            let ordered = services.values.sorted { $0.id < $1.id }
            let plan = RelayPlan(ordered, nodeAddresses: nodeAddresses, nodePorts: nodePorts, podNetworks: wanted.podNetworks)
            let sources = nodeAddresses.filter(onLinks.contains)
            try apply(plan, onLinks, sources, &state)
            state.services = services
        }
    }

    func cleanup() throws {
        try state.withLock { state in
            // Last the routes go: connections need them to the end.
            giveUp(&state)
            state.services = [:]
            for route in try state.local.all() { try state.local.remove(route) }
        }
    }

    /// Listens nowhere any more, and waits until what has come is served.
    private func giveUp(_ state: inout State) {
        for listener in state.listeners.values { for worker in workers(of: listener.point) { worker.leave(listener) } }
        (state.listeners, state.routes, state.refused) = ([:], [:], [:])
        let deadline = DispatchTime.now() + Self.patience
        for worker in workers { worker.drain(until: deadline) }
    }

    // MARK: What is wanted

    /// - Parameters:
    ///   - onLinks: the addresses that the machine has anyway.
    ///   - sources: the first of each family is where what this machine sends to a Service comes from: it stays when the Service goes.
    /// - Throws: when the system gives no routes or no sockets; then what was there before still is.
    private func apply(_ plan: RelayPlan, _ onLinks: Set<IPAddress>, _ sources: [IPAddress], _ state: inout State) throws {
        let source = Dictionary(sources.map { ($0.family, $0.bytes) }, uniquingKeysWith: { first, _ in first })
        let present = try state.local.all()
        let wanted = Set(plan.addresses.subtracting(onLinks).map { LocalRoutes.Route(to: $0.bytes, source: source[$0.family]) })
        let missing = wanted.subtracting(present)
        if !missing.isEmpty, !state.listeners.isEmpty {
            let lost = Set(missing.map(\.address)).subtracting(present.map(\.address))
            if state.listeners.keys.contains(where: { lost.contains($0.place.address.bytes) }) {
                log.warning("somebody took local routes to Services away; they are put back")
            }
        }
        for route in missing { try state.local.set(route) }

        var routes: [RelayPlan.RouteName: Route] = [:]
        for (name, target) in plan.routes { routes[name] = state.routes[name] ?? Route(target) }
        let come = try open(plan, routes, &state)

        leave(
            state.listeners.keys.filter { point in plan.points[point].map { routes[$0] !== state.listeners[point]?.route } ?? true }, &state
        )
        for (name, target) in plan.routes { routes[name]?.lead(to: target) }
        state.routes = routes
        take(come, &state)
        let addresses = Set(wanted.map(\.address))
        for route in present where !addresses.contains(route.address) { try state.local.remove(route) }
    }

    /// Listens where somebody else did: another instance with another user's rights can only follow one that has gone.
    private func tryAgain() {
        // Whoever has the state may wait for this thread.
        _ = state.withLockIfAvailable { state in
            for (point, refused) in state.refused {
                guard let listener = try? Listener(point, refused.route) else { continue }
                state.refused[point] = nil
                take([listener], &state)
            }
        }
    }

    private func take(_ listeners: [Listener], _ state: inout State) {
        for listener in listeners {
            state.listeners[listener.point] = listener
            for worker in workers(of: listener.point) { worker.listen(listener) }
        }
    }

    /// Listens where nobody of ours does yet. Where somebody else does, that is said, once.
    private func open(_ plan: RelayPlan, _ routes: [RelayPlan.RouteName: Route], _ state: inout State) throws -> [Listener] {
        var come: [Listener] = []
        var refused: [RelayPlan.Point: (route: Route, number: Int32)] = [:]
        for (point, name) in plan.points {
            guard let route = routes[name], state.listeners[point]?.route !== route else { continue }
            do {
                come.append(try Listener(point, route))
            } catch let failure as Listener.Failure {
                guard !failure.isExhaustion else {
                    throw ComponentError.unavailable("\(point) cannot be listened at: \(failure)")
                }
                refused[point] = (route, failure.number)
                if state.refused[point]?.number != failure.number {
                    log.warning("\(point) cannot be listened at, and is not carried: \(failure)")
                }
            }
        }
        state.refused = refused
        return come
    }

    private func leave(_ points: [RelayPlan.Point], _ state: inout State) {
        for point in points {
            guard let listener = state.listeners.removeValue(forKey: point) else { continue }
            if !point.isDatagram { listener.shut() }
            for worker in workers(of: point) { worker.leave(listener) }
        }
    }

    /// All take what comes over TCP; packets of one client must meet one.
    private func workers(of point: RelayPlan.Point) -> ArraySlice<Worker> {
        guard point.isDatagram else { return workers[...] }
        let index = Int(UInt(bitPattern: point.hashValue) % UInt(workers.count))
        return workers[index...index]
    }
}
