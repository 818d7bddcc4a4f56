internal import CLinux
internal import Glibc

/// One connection of a client, relayed to an endpoint: bytes go from socket to socket through pipes, without a copy.
///
/// Belongs to one worker's thread. An endpoint that cannot be reached costs the client nothing while another can.
final class Connection {
    /// How long an endpoint may take to answer that it is there.
    private static let patience = Duration.seconds(3)
    /// How much goes through before others have their turn.
    private static let turn = 16
    private static let chunk = 64 << 10

    enum State {
        /// Nothing is to be done until a socket is ready.
        case waiting
        /// It has had its turn, and there is more.
        case more
        /// It is over, and everything is closed.
        case over
    }

    /// One way.
    private struct Way {
        var pipe: Pipes.Pipe?
        /// Bytes in the pipe.
        var held = 0
        /// What is read was all, and the other side knows.
        var isShut = false
    }

    private let route: Route
    private let client: SocketAddress
    private let clientSocket: Int32
    private var serverSocket: Int32 = -1
    private var tried: [SocketAddress] = []
    private var deadline: ContinuousClock.Instant?
    private var ways = (forth: Way(), back: Way())
    private var isOver = false

    /// By what the two sockets are known to the worker.
    private(set) var tokens: (client: UInt64, server: UInt64) = (0, 0)
    var isDialling: Bool { deadline != nil }

    init(_ descriptor: Int32, from client: SocketAddress, _ route: Route) {
        (clientSocket, self.client, self.route) = (descriptor, client, route)
    }

    deinit { abandon() }

    /// Has the worker tell of the client's socket, and begins to dial.
    func begin(_ worker: some Waiting) -> State {
        setUp(clientSocket)
        tokens.client = worker.add(clientSocket, of: self)
        return dial(worker)
    }

    /// A socket is ready, or its turn has come again.
    func ready(_ worker: some Waiting, failed: Bool = false) -> State {
        if isOver { return .over }
        guard isDialling else {
            let state = relay(worker.pipes)
            // A side that is gone for good, and from which nothing was to be read any more.
            guard state == .waiting, failed, Self.error(of: clientSocket) != 0 || Self.error(of: serverSocket) != 0 else { return state }
            abandon()
            return .over
        }
        if Self.error(of: serverSocket) != 0 { return dialNext(worker) }
        guard SocketAddress.reading({ getpeername(serverSocket, $0, $1) == 0 }) != nil else { return .waiting }
        deadline = nil
        return relay(worker.pipes)
    }

    /// Time has passed: an endpoint that does not answer is given up.
    func look(_ worker: some Waiting, at now: ContinuousClock.Instant) -> State {
        guard let deadline, deadline <= now else { return .waiting }
        return dialNext(worker)
    }

    /// Ends it now; both sides are told that it did not end by itself.
    func abandon() {
        guard !isOver else { return }
        isOver = true
        for descriptor in [clientSocket, serverSocket] where descriptor >= 0 {
            var hard = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
            close(descriptor)
        }
        ways = (Way(), Way())
    }

    private static func error(of descriptor: Int32) -> Int32 {
        var (error, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        return error
    }

    private func setUp(_ descriptor: Int32) {
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &yes, size)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, size)
    }

    private func dialNext(_ worker: some Waiting) -> State {
        worker.forget(tokens.server)
        close(serverSocket)
        serverSocket = -1
        return dial(worker)
    }

    private func dial(_ worker: some Waiting) -> State {
        while let endpoint = route.endpoint(for: client.address, except: tried) {
            tried.append(endpoint)
            serverSocket = socket(endpoint.domain, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            guard serverSocket >= 0 else { break }
            setUp(serverSocket)
            if endpoint.with({ connect(serverSocket, $0, $1) }) == 0 || errno == EINPROGRESS {
                deadline = .now + Self.patience
                tokens.server = worker.add(serverSocket, of: self)
                return .waiting
            }
            close(serverSocket)
            serverSocket = -1
        }
        abandon()
        return .over
    }

    // MARK: Bytes

    private func relay(_ pipes: Pipes) -> State {
        let forth = move(&ways.forth, from: clientSocket, to: serverSocket, pipes)
        let back = forth == .over ? .over : move(&ways.back, from: serverSocket, to: clientSocket, pipes)
        if forth == .over || back == .over {
            abandon()
            return .over
        }
        if ways.forth.isShut, ways.back.isShut {
            isOver = true
            close(clientSocket)
            close(serverSocket)
            return .over
        }
        return forth == .more || back == .more ? .more : .waiting
    }

    /// Moves what there is, until one of the two sockets has to be waited for. `.over` when one of them has failed.
    private func move(_ way: inout Way, from source: Int32, to destination: Int32, _ pipes: Pipes) -> State {
        var state = State.more
        for _ in 0..<Self.turn {
            guard !way.isShut, let pipe = way.pipe ?? pipes.take() else { return way.isShut ? .waiting : .over }
            way.pipe = pipe
            let isReading = way.held == 0
            let count = isReading ? apus_splice(source, pipe.end, Self.chunk) : apus_splice(pipe.start, destination, way.held)
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { return .over }
                state = .waiting
                break
            }
            way.held += isReading ? count : -count
            if isReading, count == 0 {
                shutdown(destination, Int32(SHUT_WR))
                way.isShut = true
                state = .waiting
                break
            }
        }
        if way.held == 0, let pipe = way.pipe {
            pipes.give(pipe)
            way.pipe = nil
        }
        return state
    }
}

/// Pipes that nobody uses at the moment: a connection has one only while bytes are in it.
final class Pipes {
    /// One pipe; its ends are closed with it.
    final class Pipe {
        let start: Int32
        let end: Int32

        init?() {
            var ends: [Int32] = [-1, -1]
            guard apus_relay_pipe(&ends) == 0 else { return nil }
            (start, end) = (ends[0], ends[1])
        }

        deinit {
            close(start)
            close(end)
        }
    }

    /// How many are kept.
    private static let kept = 64
    private var free: [Pipe] = []

    /// `nil` when the system gives none.
    func take() -> Pipe? { free.popLast() ?? Pipe() }

    /// An empty one.
    func give(_ pipe: Pipe) { if free.count < Self.kept { free.append(pipe) } }
}
