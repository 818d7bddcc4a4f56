import NIOCore
import Synchronization

/// SPDY/3.1 over a byte pipe, either side, as far as Kubernetes uses it.
///
/// Windows are neither kept nor enforced: the peers that Kubernetes has, all of one library, neither grant nor heed them. A stream whose
/// bytes are not read holds up the connection instead, once a quarter of a megabyte waits.
public final class SPDYConnection: Sendable {
    public enum Role: Sendable { case client, server }

    private struct Entry {
        var stream: SPDYStream
        var sentFin = false
        var receivedFin = false
    }

    private struct State {
        var streams: [UInt32: Entry] = [:]
        var nextID: UInt32
        var lastPeerID: UInt32 = 0
        var goneAway = false
        var ended: (any Error)?
        let compressor = SPDYHeaderCompressor()
    }

    /// As upstream's servers allow before they refuse.
    private static let streamLimit = 1000
    private let pipe: any BytePipe
    private let role: Role
    private let state: Mutex<State>
    private let arrivals = Mailbox<SPDYStream>()
    private let outbound = InboundQueue(resumeReading: {})
    private let gate = OutboundGate()

    public init(_ pipe: any BytePipe, role: Role) {
        self.pipe = pipe
        self.role = role
        state = Mutex(State(nextID: role == .client ? 1 : 2))
    }

    /// Carries the frames, until the other side closes, `close` is called or the task is cancelled. Nothing works without it. Throws what
    /// broke the connection.
    public func run() async throws {
        var failure: (any Error)?
        await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask { await self.failure { try await self.receive() } }
            group.addTask { await self.failure { try await self.transmit() } }
            failure = await group.next() ?? nil
            // One direction is over. What we still had to say is said by now, or nobody hears it.
            await pipe.close()
            end(failure ?? ConnectionClosed())
            group.cancelAll()
        }
        if let failure, !(failure is ConnectionClosed) { throw failure }
    }

    private func failure(_ body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    /// Opens a stream and waits until the other side has accepted it.
    public func open(_ headers: SPDYHeaders) async throws -> SPDYStream {
        let stream = try state.withLock { state in
            if let ended = state.ended { throw ended }
            guard !state.goneAway else { throw SPDYError("the other side takes no more streams") }
            let stream = SPDYStream(id: state.nextID, headers: headers, connection: self)
            state.nextID += 2
            state.streams[stream.id] = Entry(stream: stream)
            enqueue(.synStream(id: stream.id, associated: 0, block: state.compressor.compress(headers), fin: false))
            return stream
        }
        do {
            guard try await stream.answered.next() != nil else { throw SPDYError("stream \(stream.id) was closed before it was accepted") }
        } catch {
            stream.reset()
            throw error
        }
        return stream
    }

    /// The next stream the other side opens, accepted already; `nil` when there will be none. One task at a time.
    public func accept() async throws -> SPDYStream? { try await arrivals.next() }

    /// Says goodbye, sends what was written and ends `run`.
    public func close() {
        state.withLock { state in
            guard state.ended == nil else { return }
            enqueue(.goAway(lastID: state.lastPeerID, status: 0))
            outbound.finish()
        }
    }

    // MARK: sending

    /// Within the lock wherever order matters. Counted, so that writers wait while the pipe is slow.
    private func enqueue(_ frame: SPDYFrame) {
        var buffer = ByteBuffer()
        frame.write(into: &buffer)
        guard (try? gate.charge(buffer.readableBytes)) != nil else { return }
        _ = outbound.push(buffer)
    }

    private func transmit() async throws {
        while let frame = try await outbound.next() {
            try await pipe.write(frame)
            gate.settle(frame.readableBytes, writable: true)
        }
    }

    func send(_ piece: ByteBuffer, on stream: SPDYStream, fin: Bool) async throws {
        try state.withLock { state in
            if let ended = state.ended { throw ended }
            guard var entry = state.streams[stream.id], !entry.sentFin else {
                if fin { return }
                throw SPDYError("stream \(stream.id) is closed")
            }
            enqueue(.data(id: stream.id, piece: piece, fin: fin))
            guard fin else { return }
            entry.sentFin = true
            state.streams[stream.id] = entry.receivedFin ? nil : entry
        }
        try await gate.pass()
    }

    func reset(_ stream: SPDYStream, status: UInt32) {
        let removed = state.withLock { state in
            guard state.streams.removeValue(forKey: stream.id) != nil else { return false }
            enqueue(.rstStream(id: stream.id, status: status))
            return true
        }
        if removed { stream.end(.failure(SPDYError("stream \(stream.id) was reset"))) }
        stream.unread.fail(ConnectionClosed())
    }

    // MARK: receiving

    private func receive() async throws {
        var parser = SPDYFrameParser()
        let decompressor = SPDYHeaderDecompressor()
        while let piece = try await pipe.read() {
            parser.feed(piece)
            while let frame = try parser.next() { try await handle(frame, decompressor) }
        }
    }

    private func handle(_ frame: SPDYFrame, _ decompressor: SPDYHeaderDecompressor) async throws {
        switch frame {
        case .synStream(let id, _, let block, let fin):
            // Decompressed even when refused: every block changes what the next one means.
            try arrive(id, try decompressor.decompress(block), fin: fin)
            try await gate.pass()
        case .synReply(let id, let block, let fin):
            _ = try decompressor.decompress(block)
            state.withLock { $0.streams[id]?.stream }?.answered.put(())
            if fin { finish(id) }
        case .headers(let id, let block, let fin):
            _ = try decompressor.decompress(block)
            if fin { finish(id) }
        case .data(let id, let piece, let fin):
            if let stream = state.withLock({ $0.streams[id].flatMap { $0.receivedFin ? nil : $0.stream } }) {
                // A stream that was reset meanwhile takes nothing and holds nothing up.
                if piece.readableBytes > 0, (try? stream.unread.charge(piece.readableBytes)) != nil {
                    _ = stream.inbound.push(piece)
                    try? await stream.unread.pass()
                }
            }
            if fin { finish(id) }
        case .rstStream(let id, _): state.withLock { $0.streams.removeValue(forKey: id) }?.stream.resetByPeer()
        case .ping(let id):
            // Ours have our side's parity; we send none, so an answer to one is nothing to us.
            guard id % 2 == (role == .client ? 0 : 1) else { return }
            state.withLock { _ in enqueue(.ping(id: id)) }
            try await gate.pass()
        case .goAway: state.withLock { $0.goneAway = true }
        case .settings, .windowUpdate, .unknown: break
        }
    }

    private func arrive(_ id: UInt32, _ headers: SPDYHeaders, fin: Bool) throws {
        let stream = try state.withLock { state -> SPDYStream? in
            guard id > state.lastPeerID, id % 2 == (role == .client ? 0 : 1) else {
                throw SPDYError("stream \(id) cannot be opened by the other side")
            }
            state.lastPeerID = id
            guard state.streams.count < Self.streamLimit else {
                enqueue(.rstStream(id: id, status: SPDYFrame.Status.refusedStream))
                return nil
            }
            let stream = SPDYStream(id: id, headers: headers, connection: self)
            state.streams[id] = Entry(stream: stream)
            enqueue(.synReply(id: id, block: state.compressor.compress([]), fin: false))
            return stream
        }
        guard let stream else { return }
        arrivals.put(stream)
        if fin { finish(id) }
    }

    private func finish(_ id: UInt32) {
        let stream = state.withLock { state -> SPDYStream? in
            guard var entry = state.streams[id] else { return nil }
            entry.receivedFin = true
            state.streams[id] = entry.sentFin ? nil : entry
            return entry.stream
        }
        stream?.inbound.finish()
    }

    private func end(_ error: any Error) {
        let streams = state.withLock { state in
            state.ended = error
            defer { state.streams = [:] }
            return state.streams.values.map(\.stream)
        }
        for stream in streams {
            stream.end(.failure(error))
            stream.unread.fail(error)
        }
        arrivals.finish()
        outbound.finish()
        gate.fail(error)
    }
}
