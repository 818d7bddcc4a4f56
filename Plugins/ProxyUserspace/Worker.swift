internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization

/// What connections and flows want of the worker that has them. On its thread only.
protocol Waiting: AnyObject {
    /// From now on the connection hears of the socket; the number that the socket is known by.
    func add(_ descriptor: Int32, of connection: Connection) -> UInt64
    func add(_ descriptor: Int32, of flow: Datagrams.Flow) -> UInt64
    /// To be called before the socket is closed, or as it is.
    func forget(_ token: UInt64)
    var pipes: Pipes { get }
}

/// A thread that waits for sockets and relays what arrives at them.
final class Worker: Sendable {
    private enum Order {
        case listen(Listener)
        case leave(Listener)
        /// Says when no connection is under way any more.
        case tellWhenIdle(DispatchSemaphore)
        /// Ends what is under way.
        case cut
        /// Ends what is under way, and the thread.
        case end
    }

    private struct Box {
        var orders: [Order] = []
        var thread: pthread_t?
    }

    private let box = Mutex(Box())
    private let wake: Int32

    /// `start` must follow.
    /// - Throws: `Listener.Failure` when the system gives no descriptor.
    init() throws {
        wake = apus_event_create()
        guard wake >= 0 else { throw Listener.Failure(number: errno) }
    }

    deinit { if wake >= 0 { close(wake) } }

    /// - Parameter everySecond: is called there about as often.
    /// - Throws: `Listener.Failure` when the system gives no thread, or no descriptor.
    func start(everySecond: @escaping @Sendable () -> Void = {}) throws {
        let set = apus_ready_create()
        guard set >= 0 else { throw Listener.Failure(number: errno) }
        let loop = Unmanaged.passRetained(Start(worker: self, set: set, everySecond: everySecond))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { pointer in
                let start = Unmanaged<Start>.fromOpaque(pointer!).takeRetainedValue()
                // A client that is gone is an error of a call here, and no signal.
                var all = sigset_t()
                sigfillset(&all)
                pthread_sigmask(SIG_BLOCK, &all, nil)
                apus_name_thread("service-relay")
                RelayLoop(start.worker, start.set, start.everySecond).run()
                return nil
            }, loop.toOpaque())
        guard status == 0 else {
            loop.release()
            close(set)
            throw Listener.Failure(number: status)
        }
        box.withLock { $0.thread = thread }
    }

    private final class Start {
        let worker: Worker
        let set: Int32
        let everySecond: @Sendable () -> Void
        init(worker: Worker, set: Int32, everySecond: @escaping @Sendable () -> Void) {
            (self.worker, self.set, self.everySecond) = (worker, set, everySecond)
        }
    }

    func listen(_ listener: Listener) { order(.listen(listener)) }
    /// What is under way there goes on, of TCP.
    func leave(_ listener: Listener) { order(.leave(listener)) }

    /// Waits until no connection is under way, or it is time; then cuts those that are.
    func drain(until deadline: DispatchTime) {
        guard box.withLock({ $0.thread != nil }) else { return }
        let idle = DispatchSemaphore(value: 0)
        order(.tellWhenIdle(idle))
        _ = idle.wait(timeout: deadline)
        order(.cut)
    }

    /// Ends what is under way; the thread is gone when it returns. A second call does nothing.
    func stop() {
        guard let thread = box.withLock({ $0.thread.take() }) else { return }
        order(.end)
        pthread_join(thread, nil)
    }

    private func order(_ order: Order) {
        box.withLock { $0.orders.append(order) }
        _ = apus_event_signal(wake)
    }

    // MARK: The thread

    /// What the thread has; nobody else sees it.
    private final class RelayLoop: Waiting {
        private enum Source {
            case listener(Listener)
            case datagrams(Datagrams)
            case connection(Connection)
            case flow(Datagrams.Flow)
        }

        /// Connections to take before others have their turn.
        private static let turn = 64

        private let worker: Worker
        private let set: Int32
        private let everySecond: @Sendable () -> Void
        private var sources: [UInt64: (source: Source, descriptor: Int32)] = [:]
        private var lastToken: UInt64 = 0
        private var tokens: [ObjectIdentifier: UInt64] = [:]
        /// Those whose turn comes again at once.
        private var more: [Connection] = []
        private var connections: [ObjectIdentifier: Connection] = [:]
        private var lastLook = ContinuousClock.now
        private var waitsForIdle: [DispatchSemaphore] = []
        let pipes = Pipes()

        init(_ worker: Worker, _ set: Int32, _ everySecond: @escaping @Sendable () -> Void) {
            (self.worker, self.set, self.everySecond) = (worker, set, everySecond)
            _ = apus_ready_add_source(set, worker.wake, 0)
        }

        deinit { close(set) }

        func run() {
            var ready = [apus_ready](repeating: apus_ready(), count: 64)
            while true {
                let count = apus_ready_wait(set, &ready, Int32(ready.count), more.isEmpty ? 1000 : 0)
                for event in ready.prefix(max(0, Int(count))) {
                    if event.token == 0 {
                        if obey() { return }
                    } else {
                        hear(event.token, failed: event.failed != 0)
                    }
                }
                let again = more
                more = []
                for connection in again { settle(connection, connection.ready(self)) }
                look()
                if connections.isEmpty {
                    for waiting in waitsForIdle { waiting.signal() }
                    waitsForIdle = []
                }
            }
        }

        /// Whether it is to end.
        private func obey() -> Bool {
            var count: UInt64 = 0
            _ = read(worker.wake, &count, 8)
            for order in worker.box.withLock({ box in
                defer { box.orders = [] }
                return box.orders
            }) {
                switch order {
                case .listen(let listener):
                    tokens[ObjectIdentifier(listener)] = add(
                        listener.descriptor, listener.point.isDatagram ? .datagrams(Datagrams(listener)) : .listener(listener),
                        apus_ready_add_source)
                case .leave(let listener): leave(listener)
                case .tellWhenIdle(let waiting): waitsForIdle.append(waiting)
                case .cut: cut()
                case .end:
                    cut()
                    sources = [:]
                    return true
                }
            }
            return false
        }

        private func leave(_ listener: Listener) {
            guard let token = tokens.removeValue(forKey: ObjectIdentifier(listener)) else { return }
            switch sources[token]?.source {
            case .datagrams(let datagrams): datagrams.endAll(self)
            case .listener(let listener):
                // Who has come already is still served: so many at most wait.
                for _ in 0...(Int(Listener.backlog) / Self.turn) { guard accept(listener) else { break } }
                listener.shut()
            case .connection, .flow, nil: break
            }
            forget(token)
        }

        private func cut() {
            for connection in connections.values {
                connection.abandon()
                forget(connection)
            }
            connections = [:]
        }

        private func hear(_ token: UInt64, failed: Bool) {
            switch sources[token]?.source {
            case .listener(let listener): _ = accept(listener)
            case .datagrams(let datagrams): datagrams.receive(self)
            case .connection(let connection): settle(connection, connection.ready(self, failed: failed))
            case .flow(let flow): flow.datagrams.answer(flow, self)
            case nil: break
            }
        }

        /// Whether there may be more.
        private func accept(_ listener: Listener) -> Bool {
            for _ in 0..<Self.turn {
                var descriptor: Int32 = -1
                let client = SocketAddress.reading { name, size in
                    descriptor = apus_accept(listener.descriptor, name, size)
                    return descriptor >= 0
                }
                guard let client else {
                    // It would be told of at once again, as long as nothing is closed.
                    if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { usleep(10_000) }
                    return false
                }
                let connection = Connection(descriptor, from: client, listener.route)
                guard listener.route.admits(client.address) else {
                    connection.abandon()
                    continue
                }
                connections[ObjectIdentifier(connection)] = connection
                settle(connection, connection.begin(self))
            }
            return true
        }

        private func settle(_ connection: Connection, _ state: Connection.State) {
            switch state {
            case .waiting: break
            case .more: more.append(connection)
            case .over:
                forget(connection)
                connections[ObjectIdentifier(connection)] = nil
            }
        }

        /// Its sockets are closed already.
        private func forget(_ connection: Connection) {
            for token in [connection.tokens.client, connection.tokens.server] { sources[token] = nil }
        }

        /// What time alone ends.
        private func look() {
            let now = ContinuousClock.now
            guard now - lastLook >= .seconds(1) else { return }
            lastLook = now
            for connection in connections.values where connection.isDialling { settle(connection, connection.look(self, at: now)) }
            for case .datagrams(let datagrams) in sources.values.map(\.source) { datagrams.look(self, at: now) }
            everySecond()
        }

        // MARK: Waiting

        func add(_ descriptor: Int32, of connection: Connection) -> UInt64 { add(descriptor, .connection(connection), apus_ready_add_both) }
        func add(_ descriptor: Int32, of flow: Datagrams.Flow) -> UInt64 { add(descriptor, .flow(flow), apus_ready_add_source) }

        private func add(_ descriptor: Int32, _ source: Source, _ add: (Int32, Int32, UInt64) -> Int32) -> UInt64 {
            lastToken += 1
            sources[lastToken] = (source, descriptor)
            _ = add(set, descriptor, lastToken)
            return lastToken
        }

        func forget(_ token: UInt64) {
            guard let gone = sources.removeValue(forKey: token) else { return }
            _ = apus_ready_remove(set, gone.descriptor)
        }
    }
}
