internal import APIModel
internal import GRPC
internal import NIOCore
internal import PluginKit
internal import Synchronization

/// The runtime of a real node: hands every CRI call over to a runtime's socket, byte for byte.
///
/// Configuration: `{"endpoint": "unix:///run/containerd/containerd.sock"}`, nothing else.
final class CRIRuntime: Runtime {
    private let connection: GRPCConnection
    private let socket: String
    private let log: Log
    private let beginnings: ExecBeginnings
    private let changes = Mutex<Changes?>(nil)

    static let settings: Set = ["endpoint"]

    init(_ host: Host, config: Value) throws {
        let endpoint = config["endpoint"].string ?? "unix:///run/containerd/containerd.sock"
        guard endpoint.hasPrefix("unix:///") else {
            throw ComponentError.invalid("config.endpoint must be unix:// and an absolute path, not \"\(endpoint)\"")
        }
        log = host.log
        socket = String(endpoint.dropFirst("unix://".count))
        connection = GRPCConnection(to: .unix(path: socket))
        beginnings = ExecBeginnings(connection)
    }

    /// Waits until the runtime answers: it may still be coming up itself.
    func start() throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while true {
            do {
                _ = try call("RuntimeService/Status", [], timeoutMilliseconds: 5000)
                return
            } catch let error as RuntimeError {
                guard error.isTransient, ContinuousClock.now < deadline else {
                    throw ComponentError.unavailable(
                        "no container runtime answers on \(socket): \(error). Is it running, and is its CRI plugin enabled?")
                }
            }
            waiting { try? await Task.sleep(for: .milliseconds(10)) }
        }
    }

    func stop() {
        changes.withLock { $0 }?.stop()
        connection.stop()
    }

    func call(_ method: String, _ request: [UInt8], timeoutMilliseconds: Int64) throws -> [UInt8] {
        // Servers disagree about names of another form; some call them an exhausted resource.
        guard method.split(separator: "/", omittingEmptySubsequences: false).count == 2, !method.hasPrefix("/"), !method.hasSuffix("/")
        else {
            throw RuntimeError(.unimplemented, "\"\(method)\" is no method of the CRI: names are of the form Service/Method")
        }
        // The calling thread is one of the host's, which may block; the connection's thread does the work.
        do {
            return try connection.call(
                "runtime.v1." + method, request, timeout: timeoutMilliseconds > 0 ? .milliseconds(timeoutMilliseconds) : nil
            ).wait()
        } catch let error as CRIError {
            throw RuntimeError(error)
        }
    }

    /// Tells of every container and sandbox that ends. What starts is not told: only the host starts anything here.
    func subscribe(_ events: RuntimeEvents) throws -> Bool {
        let changes = Changes(connection: connection, log: log) { events.changed(sandbox: $0, container: $1) }
        self.changes.withLock { $0 = changes }
        return changes.start()
    }

    func open(_ kind: StreamKind, _ request: [UInt8], _ events: StreamEvents) throws -> any RuntimeStream {
        do {
            return try CRIStream.open(kind, request, over: connection, beginnings, events)
        } catch let error as CRIError {
            throw RuntimeError(error)
        }
    }
}
