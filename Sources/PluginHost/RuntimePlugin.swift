internal import APIModel
internal import PluginAPI
internal import Synchronization

/// A refused CRI call: the gRPC code's name and the sentence.
public struct RuntimeError: Error, Sendable, CustomStringConvertible {
    /// `NotFound`, `Unavailable`, `DeadlineExceeded` …
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }

    /// A refusal by `code`, one of APUS_CODE_…, or, where that is zero, by the code that fits `status`.
    init(status: apus_status, code: Int32 = 0, text: String) {
        let code = code == 0 ? Self.codes[status] ?? APUS_CODE_UNKNOWN : code
        self.init(code: Self.names[Int(code) - 1], message: text.isEmpty ? "the runtime answered \(statusName(status))" : text)
    }

    static func isCode(_ code: Int32) -> Bool { code == 0 || names.indices.contains(Int(code) - 1) }

    private static let codes: [apus_status: Int32] = [
        APUS_UNSUPPORTED: APUS_CODE_UNIMPLEMENTED, APUS_INVALID: APUS_CODE_INVALID_ARGUMENT, APUS_NOT_FOUND: APUS_CODE_NOT_FOUND,
        APUS_ALREADY_EXISTS: APUS_CODE_ALREADY_EXISTS, APUS_FORBIDDEN: APUS_CODE_PERMISSION_DENIED, APUS_CANCELLED: APUS_CODE_CANCELLED,
        APUS_UNAVAILABLE: APUS_CODE_UNAVAILABLE, APUS_CONFLICT: APUS_CODE_ABORTED,
    ]

    /// gRPC's own, by number, from 1 on.
    private static let names = [
        "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
        "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ]
}

extension LoadedComponent {
    /// Refuses the code that a runtime's slot gave where it is none of APUS_CODE_….
    func judge(_ slot: Int, code: Int32, _ answer: Answer) -> (answer: Answer, code: Int32) {
        if RuntimeError.isCode(code) { return (answer, code) }
        let problem = "\(slots[slot].descriptor.name) gave the code \(code), which is none of APUS_CODE_…"
        return (reject(slot, problem, wasError: answer.status != APUS_OK), 0)
    }
}

public enum StreamKind: Int32, Sendable {
    case exec = 1
    case attach, portForward
}

/// The running runtime. Calls run on threads of its own, so that a runtime that hangs holds up no other plugin.
public final class RuntimePlugin: Sendable {
    public let name: String
    private let component: LoadedComponent
    private let threads = ThreadPool(name: "runtime", limit: 256)
    /// Calls that last as long as a container or a registry pleases have threads apart: however many do, the others go through.
    private let lasting = [
        "RuntimeService/ExecSync": ThreadPool(name: "runtime-exec", limit: 1024),
        "RuntimeService/StopContainer": ThreadPool(name: "runtime-stop", limit: 1024),
        "ImageService/PullImage": ThreadPool(name: "runtime-pull", limit: 256),
    ]
    /// Fewer than there are channels to a plugin in a process of its own.
    private let senders = ThreadPool(name: "plugin-send", limit: 128)

    /// Grows when the plugin lost its state: its process was started again.
    public var incarnation: UInt64 { component.incarnation }

    init(_ component: LoadedComponent) {
        self.component = component
        name = component.manifest.name
    }

    /// One CRI call: `method` is `RuntimeService/RunPodSandbox`, the messages are `runtime.v1` in protobuf. The timeout is the plugin's to
    /// keep; cancelling the task does not end the call.
    public func call(_ method: String, _ request: [UInt8], timeout: Duration? = nil) async throws(RuntimeError) -> [UInt8] {
        let milliseconds = timeout.map(Self.milliseconds) ?? 0
        let (status, code, bytes) = await (lasting[method] ?? threads).run { [component] in
            let limit = SlotCounter.nanoseconds(
                component.slots[0].descriptor.limit(replacement: component.manifest.deadline, milliseconds: milliseconds))
            var collected = Collector(limit: Signatures.answer)
            var code: Int32 = 0
            let said = method.withBorrowed { method in
                request.withBorrowed { request in
                    component.call(0, apus_runtime.self, limit: limit, into: &collected) {
                        $0.call($1, method, request, milliseconds, &code, $2)
                    }
                }
            }
            let (answer, known) = component.judge(0, code: code, said)
            return (answer.status, known, answer.problem.map { Array($0.utf8) } ?? collected.bytes)
        }
        guard status == APUS_OK else { throw RuntimeError(status: status, code: code, text: String(decoding: bytes, as: UTF8.self)) }
        return bytes
    }

    /// A Pod's owner chooses some timeouts, and may choose any: a century is as good as for ever. Zero would mean none.
    static func milliseconds(_ timeout: Duration) -> Int64 {
        let timeout = min(max(timeout, .milliseconds(1)), .seconds(Value.longestSpan)).components
        return timeout.seconds * 1000 + timeout.attoseconds / 1_000_000_000_000_000
    }

    /// Whom the plugin tells of changes. Is never freed, and must not keep the component, with its process, for as long.
    private final class Listener: Sendable {
        /// Counts what comes after `stop`.
        private weak let component: LoadedComponent?
        private let body: @Sendable (String, String) -> Void

        init(_ component: LoadedComponent, _ body: @escaping @Sendable (String, String) -> Void) {
            self.component = component
            self.body = body
        }

        func changed(_ sandbox: String, _ container: String) {
            if let component, component.admits(callback: "changed") { body(sandbox, container) }
        }
    }

    /// From now on `changed(sandbox, container)` is called, on the plugin's threads, whenever something changes; empty ids mean "look at
    /// everything". Returns whether every change is told: a runtime that cannot tell any answers `false`. Call it once.
    public func subscribe(_ changed: @escaping @Sendable (_ sandbox: String, _ container: String) -> Void) async -> Bool {
        guard component.table(apus_runtime.self).subscribe != nil else { return false }
        return await threads.run { [component] in
            // Lent until `stop`, which a thread of the plugin may outlive: never freed.
            let events = UnsafeMutablePointer<apus_runtime_events>.allocate(capacity: 1)
            events.initialize(
                to: apus_runtime_events(context: Unmanaged.passRetained(Listener(component, changed)).toOpaque()) {
                    context, sandbox, container in
                    Unmanaged<Listener>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue().changed(
                        sandbox.string, container.string)
                })
            var reliable: Int32 = 0
            let answer = component.call(1, apus_runtime.self) { $0.subscribe!($1, events, &reliable) }
            return answer.status == APUS_OK && reliable == 1
        }
    }

    /// Opens an exec, attach or port-forward stream. The caller must `close` it.
    public func open(_ kind: StreamKind, _ request: [UInt8]) async throws(RuntimeError) -> RuntimeStream {
        let table = component.table(apus_runtime.self)
        guard table.open != nil, table.send != nil, table.close != nil else {
            throw RuntimeError(code: "Unimplemented", message: "runtime \(name) opens no streams")
        }
        guard component.retain() else { throw RuntimeError(status: APUS_CANCELLED, text: "") }
        let stream = RuntimeStream(component, threads, senders: senders)
        let refusal = await threads.run { stream.open(kind, request) }
        if let refusal {
            component.release()
            throw refusal
        }
        return stream
    }
}
