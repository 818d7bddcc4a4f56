internal import PluginAPI

/// CRI v1 without the socket. Methods block; the host calls them from many threads at once.
public protocol Runtime: Component {
    /// One CRI call: `method` is `RuntimeService/RunPodSandbox`, `request` and the answer are `runtime.v1` messages in protobuf. A timeout
    /// of zero means none. Throw `RuntimeError` with the gRPC code's name.
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

/// A refused CRI call: `NotFound: an error occurred …`.
public struct RuntimeError: Error, Sendable, CustomStringConvertible {
    /// The gRPC code's name: `NotFound`, `Unavailable` …
    public var code: String
    public var message: String
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
    public var description: String { "\(code): \(message)" }
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
            call: { me, method, request, timeout, answer in
                boundary(answer) {
                    answer.write(
                        try instance(me, as: RuntimeInstance.self).runtime.call(method.string, request.array, timeoutMilliseconds: timeout))
                }
            },
            subscribe: { me, events, reliable in
                boundary(nil) {
                    reliable.pointee = try instance(me, as: RuntimeInstance.self).runtime.subscribe(RuntimeEvents(events.pointee)) ? 1 : 0
                }
            },
            open: { me, kind, request, events, stream, error in
                boundary(error) {
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
