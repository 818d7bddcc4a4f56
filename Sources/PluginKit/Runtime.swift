internal import PluginAPI

/// CRI v1 without the socket. Methods block; the host calls them from many threads at once.
public protocol Runtime: Component {
    /// One CRI call: `method` is `RuntimeService/RunPodSandbox`, `request` and the answer are `runtime.v1` messages in protobuf. A timeout
    /// of zero means none. Throw `RuntimeError` with gRPC's code.
    func call(_ method: String, _ request: [UInt8], timeoutMilliseconds: Int64) throws -> [UInt8]

    /// From now on tells `events` of every change, until `stop`. Returns whether every change is told. Called at most once. The default
    /// refuses.
    func subscribe(_ events: RuntimeEvents) throws -> Bool

    /// Opens a stream; `request` is `ExecRequest`, `AttachRequest` or `PortForwardRequest`. The default refuses.
    func open(_ kind: StreamKind, _ request: [UInt8], _ events: StreamEvents) throws -> any RuntimeStream
}

extension Runtime {
    public func subscribe(_ events: RuntimeEvents) throws -> Bool { throw ComponentError.unsupported("this runtime tells no changes") }
    public func open(_ kind: StreamKind, _ request: [UInt8], _ events: StreamEvents) throws -> any RuntimeStream {
        throw ComponentError.unsupported("this runtime opens no streams")
    }
}

/// A refused CRI call: gRPC's code and a sentence.
public struct RuntimeError: Error, Sendable, Equatable {
    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public struct Code: Hashable, Sendable {
        /// One of APUS_CODE_…; any other number is that of `unknown`.
        public let rawValue: Int32
        public init(rawValue: Int32) {
            self.rawValue = (APUS_CODE_CANCELLED...APUS_CODE_UNAUTHENTICATED).contains(rawValue) ? rawValue : APUS_CODE_UNKNOWN
        }

        public static let cancelled = Code(rawValue: APUS_CODE_CANCELLED)
        public static let unknown = Code(rawValue: APUS_CODE_UNKNOWN)
        public static let invalidArgument = Code(rawValue: APUS_CODE_INVALID_ARGUMENT)
        public static let deadlineExceeded = Code(rawValue: APUS_CODE_DEADLINE_EXCEEDED)
        public static let notFound = Code(rawValue: APUS_CODE_NOT_FOUND)
        public static let alreadyExists = Code(rawValue: APUS_CODE_ALREADY_EXISTS)
        public static let permissionDenied = Code(rawValue: APUS_CODE_PERMISSION_DENIED)
        public static let resourceExhausted = Code(rawValue: APUS_CODE_RESOURCE_EXHAUSTED)
        public static let failedPrecondition = Code(rawValue: APUS_CODE_FAILED_PRECONDITION)
        public static let aborted = Code(rawValue: APUS_CODE_ABORTED)
        public static let outOfRange = Code(rawValue: APUS_CODE_OUT_OF_RANGE)
        public static let unimplemented = Code(rawValue: APUS_CODE_UNIMPLEMENTED)
        public static let `internal` = Code(rawValue: APUS_CODE_INTERNAL)
        public static let unavailable = Code(rawValue: APUS_CODE_UNAVAILABLE)
        public static let dataLoss = Code(rawValue: APUS_CODE_DATA_LOSS)
        public static let unauthenticated = Code(rawValue: APUS_CODE_UNAUTHENTICATED)
    }
}

public enum StreamKind: Int32, Sendable {
    case exec = 1
    case attach, portForward
}

/// The numbers of the remote-command protocol. A port-forward stream uses `.stdin` towards the Pod and `.stdout` back.
public enum StreamChannel: Int32, Sendable {
    case stdin = 0
    case stdout, stderr, error, resize
}

/// The plugin's side of an open stream. Released after `close`.
public protocol RuntimeStream: AnyObject, Sendable {
    /// Sends to the container; blocks while it cannot take more. An empty piece ends the channel. One caller at a time.
    func send(_ channel: StreamChannel, _ bytes: [UInt8]) throws
    /// Ends the stream if it has not ended, and returns after `StreamEvents.ended` was called.
    func close()
}

/// How the host hears from a stream.
public struct StreamEvents: @unchecked Sendable {
    // Sendable because the host takes these calls from any thread.
    private let events: apus_stream_events

    init(_ events: apus_stream_events) { self.events = events }

    /// Bytes from the container. May block while the reader is slow. An empty piece ends the channel. One call at a time for a channel.
    public func data(_ channel: StreamChannel, _ bytes: [UInt8]) {
        bytes.withBorrowed { events.data(events.context, channel.rawValue, $0) }
    }

    /// Nothing follows. Call it exactly once for each stream that was opened, also after `close`.
    public func ended() { events.ended(events.context) }
}

/// How the host hears of changes.
public struct RuntimeEvents: @unchecked Sendable {
    // Sendable because the host takes these calls from any thread.
    private let events: apus_runtime_events

    init(_ events: apus_runtime_events) { self.events = events }

    /// Either may be empty when it is not known; both empty means "look at everything".
    public func changed(sandbox: String, container: String) {
        sandbox.withBorrowed { sandbox in container.withBorrowed { events.changed(events.context, sandbox, $0) } }
    }
}

/// What a stream's handle points to: retained by `open`, released by `close`.
private final class StreamBox {
    let stream: any RuntimeStream
    init(_ stream: any RuntimeStream) { self.stream = stream }
}

final class RuntimeInstance: Instance {
    let runtime: any Runtime

    init(_ runtime: any Runtime) {
        self.runtime = runtime
        super.init(runtime)
    }

    static let table = constant(
        apus_runtime(
            size: UInt32(MemoryLayout<apus_runtime>.size),
            call: { me, method, request, timeout, code, answer in
                boundary(answer, code: code) {
                    answer.write(
                        try instance(me, as: RuntimeInstance.self).runtime.call(method.string, request.array, timeoutMilliseconds: timeout))
                }
            },
            subscribe: { me, events, reliable in
                boundary(nil) {
                    reliable.pointee = try instance(me, as: RuntimeInstance.self).runtime.subscribe(RuntimeEvents(events.pointee)) ? 1 : 0
                }
            },
            open: { me, kind, request, events, stream, code, error in
                boundary(error, code: code) {
                    guard let kind = StreamKind(rawValue: kind) else { throw ComponentError.unsupported("stream kind \(kind)") }
                    let opened = try instance(me, as: RuntimeInstance.self).runtime.open(kind, request.array, StreamEvents(events.pointee))
                    stream.pointee = Unmanaged.passRetained(StreamBox(opened)).toOpaque()
                }
            },
            send: { _, stream, channel, bytes in
                boundary(nil) {
                    guard let channel = StreamChannel(rawValue: channel) else { throw ComponentError.unsupported("channel \(channel)") }
                    try instance(stream, as: StreamBox.self).stream.send(channel, bytes.array)
                }
            },
            close: { _, stream in
                guard let stream else { return }
                Unmanaged<StreamBox>.fromOpaque(stream).takeRetainedValue().stream.close()
            }))
}
