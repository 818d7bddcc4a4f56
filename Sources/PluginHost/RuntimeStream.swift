internal import Dispatch
internal import PluginAPI
internal import Synchronization

/// An open exec, attach or port-forward stream: what comes from the container is iterated over, by one task; what goes there is sent.
public final class RuntimeStream: AsyncSequence, Sendable {
    /// A piece from the container; an empty one ends the channel.
    public struct Piece: Sendable {
        public var channel: Int32
        public var bytes: [UInt8]
    }
    public typealias Element = Piece

    /// Bytes the host keeps for a reader that is slow; beyond, the plugin's `data` blocks.
    private static let limit = 1 << 20

    fileprivate struct State {
        var pieces: [Piece] = []
        var size = 0
        var isEnded = false
        /// Nobody reads any more: pieces are dropped, so that the plugin can end the stream.
        var isClosed = false
        var reader: CheckedContinuation<Void, Never>?
        var writers: [DispatchSemaphore] = []
    }
    private let state = Mutex(State())
    private let component: LoadedComponent
    private let threads: ThreadPool
    private let senders: ThreadPool
    /// The plugin's handle as a number, set by `open`.
    private let handle = Atomic<UInt>(0)

    /// - Parameter senders: threads for `send`, which blocks as long as the container takes no more: `close`, which ends that, has to find
    ///   another.
    init(_ component: LoadedComponent, _ threads: ThreadPool, senders: ThreadPool) {
        self.component = component
        self.threads = threads
        self.senders = senders
    }

    /// Calls the slot. Blocks. Returns why not, `nil` when the stream is open.
    func open(_ kind: StreamKind, _ request: [UInt8]) -> RuntimeError? {
        // The events live until `ended`; a stream that did not open has none.
        let box = EventsBox(self)
        let events = box.events
        var error = Collector()
        var handle: UnsafeMutableRawPointer?
        var isOpen = false
        var code: Int32 = 0
        let said = request.withBorrowed { request in
            component.call(2, apus_runtime.self, .lease, into: &error) { table, instance, sink in
                let status = table.open!(instance, kind.rawValue, request, events, &handle, &code, sink)
                isOpen = status == APUS_OK
                return status
            }
        }
        let (answer, known) = component.judge(2, code: code, said)
        if answer.status == APUS_OK {
            self.handle.store(UInt(bitPattern: handle), ordering: .releasing)
        } else if isOpen {
            // To the plugin the stream is open, whatever else is wrong with its answer: the events are its own until the end.
            state.withLock { $0.isClosed = true }
            component.closeStream(handle)
        } else {
            box.discard()
        }
        return answer.status == APUS_OK ? nil : RuntimeError(status: answer.status, code: known, text: answer.problem ?? error.text)
    }

    /// Sends to the container; returns when it was taken. One caller at a time. An empty piece ends the channel.
    public func send(_ channel: Int32, _ bytes: [UInt8]) async throws(RuntimeError) {
        let status = await senders.run { [self] in
            let handle = UnsafeMutableRawPointer(bitPattern: handle.load(ordering: .acquiring))
            return bytes.withBorrowed { bytes in
                component.call(3, apus_runtime.self, .lease) { $0.send!($1, handle, channel, bytes) }.status
            }
        }
        guard status == APUS_OK else { throw RuntimeError(status: status, text: "") }
    }

    /// Ends the stream if it has not ended. A second call does nothing. Must be called once for every stream.
    public func close() async {
        let (first, writers) = state.withLock { state in
            defer { state.isClosed = true }
            state.pieces = []
            state.size = 0
            return (!state.isClosed, state.takeWriters())
        }
        for writer in writers { writer.signal() }
        guard first else { return }
        await threads.run { [self] in
            // Not through `call`: a stream must be closed also when the component is being stopped, and `retain` keeps the instance alive
            // until here.
            component.closeStream(UnsafeMutableRawPointer(bitPattern: handle.load(ordering: .acquiring)))
            component.release()
        }
    }

    fileprivate func data(_ channel: Int32, _ bytes: [UInt8]) {
        let wait = DispatchSemaphore(value: 0)
        while true {
            let (taken, reader) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
                if state.isClosed { return (true, nil) }
                guard state.size < Self.limit else {
                    state.writers.append(wait)
                    return (false, nil)
                }
                state.pieces.append(Piece(channel: channel, bytes: bytes))
                state.size += bytes.count
                return (true, state.reader.take())
            }
            reader?.resume()
            if taken { return }
            wait.wait()
        }
    }

    fileprivate func ended() {
        let reader = state.withLock { state in
            state.isEnded = true
            return state.reader.take()
        }
        reader?.resume()
    }

    /// The next piece, `nil` at the end.
    fileprivate func next() async -> Piece? {
        while true {
            let (piece, isOver, writers) = state.withLock { state -> (Piece?, Bool, [DispatchSemaphore]) in
                guard !state.pieces.isEmpty else { return (nil, state.isEnded || state.isClosed, []) }
                let piece = state.pieces.removeFirst()
                state.size -= piece.bytes.count
                return (piece, false, state.size < Self.limit ? state.takeWriters() : [])
            }
            for writer in writers { writer.signal() }
            if piece != nil || isOver { return piece }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let ready = state.withLock { state in
                        if !state.pieces.isEmpty || state.isEnded || state.isClosed || Task.isCancelled { return true }
                        state.reader = continuation
                        return false
                    }
                    if ready { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.reader.take() }?.resume()
            }
            if Task.isCancelled { return nil }
        }
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: RuntimeStream
        public mutating func next() async -> Piece? { await stream.next() }
    }
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }
}

extension RuntimeStream.State {
    fileprivate mutating func takeWriters() -> [DispatchSemaphore] {
        defer { writers = [] }
        return writers
    }
}

/// The events structure lent to the plugin, with the stream behind it. Retained from `open` until `ended`.
private final class EventsBox {
    let stream: RuntimeStream
    let events: UnsafeMutablePointer<apus_stream_events>

    init(_ stream: RuntimeStream) {
        self.stream = stream
        events = .allocate(capacity: 1)
        events.initialize(
            to: apus_stream_events(
                context: Unmanaged.passRetained(self).toOpaque(),
                data: { context, channel, bytes in
                    Unmanaged<EventsBox>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue().stream.data(channel, bytes.array)
                },
                ended: { context in
                    // The last use of the events: the plugin gives them back.
                    Unmanaged<EventsBox>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue().stream.ended()
                }))
    }

    deinit { events.deallocate() }

    func discard() { Unmanaged.passUnretained(self).release() }
}
