internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import NIOCore
internal import NIOPosix
internal import PluginKit
internal import Synchronization

/// One gRPC connection over a UNIX socket, made again whenever it breaks. Safe from any thread and any task.
final class Connection: Sendable {
    private typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    private struct Running {
        let client: Client
        let group: MultiThreadedEventLoopGroup
        let task: Task<Void, Never>
    }

    let socket: String
    private let running = Mutex<Running?>(nil)

    init(socket: String) { self.socket = socket }

    /// Begins to connect. A second call does nothing.
    func start() throws {
        try running.withLock { running in
            guard running == nil else { return }
            // One thread carries all there is to carry on a local socket; left to itself the transport takes a thread for every core.
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            var config = HTTP2ClientTransport.Posix.Config.defaults
            config.backoff = .init(initial: .milliseconds(20), max: .seconds(1), multiplier: 1.6, jitter: 0.2)
            config.connection.maxIdleTime = nil
            let client = Client(
                transport: try HTTP2ClientTransport.Posix(
                    target: .unixDomainSocket(path: socket, authority: "localhost"), transportSecurity: .plaintext, config: config, eventLoopGroup: group))
            let task = Task {
                // It throws only when it is cancelled; broken connections it mends by itself.
                _ = try? await client.runConnections()
            }
            running = Running(client: client, group: group, task: task)
        }
    }

    /// Ends all calls and the connection; returns when both are gone. Blocks the calling thread. A second call does nothing.
    func stop() {
        guard let running = running.withLock({ $0.take() }) else { return }
        running.task.cancel()
        waiting {
            await running.task.value
            try? await running.group.shutdownGracefully()
        }
    }

    /// One call with one answer.
    /// - Parameter method: `runtime.v1.RuntimeService/Version`.
    /// - Throws: `CRIError`.
    func call(_ method: String, _ request: [UInt8], timeout: Duration?) async throws -> [UInt8] {
        do {
            return try await client().unary(
                request: ClientRequest(message: request), descriptor: try MethodDescriptor(method), serializer: RawBytes(), deserializer: RawBytes(),
                options: Self.options(timeout)
            ) { try $0.message }
        } catch {
            throw CRIError(error)
        }
    }

    /// A call with many answers; returns when the server ends it.
    /// - Throws: `CRIError`, also when the task is cancelled.
    func stream(_ method: String, _ request: [UInt8], _ each: @escaping @Sendable ([UInt8]) -> Void) async throws {
        do {
            try await client().serverStreaming(
                request: ClientRequest(message: request), descriptor: try MethodDescriptor(method), serializer: RawBytes(), deserializer: RawBytes(),
                options: Self.options(nil)
            ) { response in
                for try await message in response.messages { each(message) }
            }
        } catch {
            throw CRIError(error)
        }
    }

    private func client() throws -> Client {
        guard let running = running.withLock({ $0 }) else { throw CRIError(code: "Unavailable", message: "the runtime plugin is stopped") }
        return running.client
    }

    private static func options(_ timeout: Duration?) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        // The list of all containers of a busy node with their annotations is larger than the usual 4 MiB; containerd sends up to 16.
        options.maxResponseMessageBytes = 16 << 20
        options.maxRequestMessageBytes = 16 << 20
        return options
    }
}

extension MethodDescriptor {
    /// From `runtime.v1.RuntimeService/Version`.
    /// - Throws: `RPCError` when it is no such name.
    fileprivate init(_ method: String) throws {
        let parts = method.split(separator: "/")
        guard parts.count == 2 else { throw RPCError(code: .unimplemented, message: "unknown method \(method)") }
        self.init(fullyQualifiedService: String(parts[0]), method: String(parts[1]))
    }
}
