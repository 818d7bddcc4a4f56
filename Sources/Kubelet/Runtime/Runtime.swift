public import APIModel

/// A container runtime as the kubelet sees it: the methods of CRI v1 with their messages as values, streams, and word of changes.
///
/// Safe from any task. The fields of a message have the names of the protocol (`pod_sandbox_id`); numbers of enumerations stay numbers;
/// bytes are base64.
public protocol Runtime: Sendable {
    /// One CRI call, `RuntimeService/RunPodSandbox` say. `timeout` of `nil` means none.
    func call(_ method: String, _ request: Value, timeout: Duration?) async throws(RuntimeFailure) -> Value

    /// Tells of changes until the task is cancelled, or of as many as it can: `changed` with the ids of the sandbox and the container,
    /// either of which may be empty; both empty mean "look at everything". `subscribed` hears, at first and whenever the runtime behind
    /// this is another, whether every change is told from now on, so that looking for oneself now and then suffices; what happened before
    /// it does not tell. Called once.
    func follow(
        _ changed: @escaping @Sendable (_ sandbox: String, _ container: String) -> Void,
        subscribed: @escaping @Sendable (_ isReliable: Bool) -> Void) async

    /// Opens an exec, attach or port-forward stream. `request` is `ExecRequest`, `AttachRequest` or `PortForwardRequest`.
    func open(_ kind: RuntimeStreamKind, _ request: Value) async throws(RuntimeFailure) -> any RuntimeConnection
}

public enum RuntimeStreamKind: Int32, Sendable {
    case exec = 1
    case attach, portForward
}

/// The channels of a stream, by the numbers of the remote-command protocol.
public enum RuntimeChannel {
    public static let stdin: Int32 = 0
    public static let stdout: Int32 = 1
    public static let stderr: Int32 = 2
    /// One `Status` as JSON, last before the end.
    public static let error: Int32 = 3
    public static let resize: Int32 = 4
}

/// An open stream. Closing it is the opener's duty, exactly once.
public protocol RuntimeConnection: Sendable {
    /// What comes next, `nil` at the end. An empty piece ends its channel. One task at a time.
    func receive() async throws -> (channel: Int32, bytes: [UInt8])?
    /// Returns when the runtime has taken the bytes. An empty piece ends the channel. One task at a time.
    func send(_ channel: Int32, _ bytes: [UInt8]) async throws
    func close() async
}

/// What the runtime answered instead of a result.
public struct RuntimeFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The name of the gRPC code: `NotFound`, `Unavailable`, `DeadlineExceeded` …
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The caller gave up.
    static let cancelled = RuntimeFailure(code: "Canceled", message: "context canceled")
    /// The runtime did not answer in time.
    static let late = RuntimeFailure(code: "DeadlineExceeded", message: "context deadline exceeded")

    public var isNotFound: Bool { code == "NotFound" }
    /// As Go prints a gRPC status, which is how upstream shows it.
    public var description: String { "rpc error: code = \(code) desc = \(message)" }
}
