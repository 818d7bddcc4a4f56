import APIModel
import HTTPServer
import HTTPTypes
import NIOCore
import Streaming

/// `kubectl port-forward`: joins a client's connections with the runtime's, in SPDY that is tunnelled through a WebSocket or bare.
struct PortForwarding: Sendable {
    let context: Context
    let runtime: any Runtime
    let pods: Pods

    func respond(namespace: String, pod name: String, _ request: Request) async throws -> Response {
        guard let worker = await pods.worker(namespace: namespace, name: name) else {
            throw APIError(code: 404, reason: .notFound, message: "pod does not exist")
        }
        guard let sandbox = await worker.readySandbox else {
            throw APIError(code: 404, reason: .notFound, message: "pod not found (\"\(name)_\(namespace)\")")
        }
        let pod = await worker.pod
        if let (headers, chosen) = WebSocket.accept(request, protocols: [PortForward.webSocketProtocol]) {
            guard let chosen else {
                throw APIError.badRequest("unable to upgrade: the WebSocket protocol \(PortForward.webSocketProtocol) is needed")
            }
            return .upgrade(headers: headers) { pipe in
                let socket = WebSocketConnection(pipe, role: .server, subprotocol: chosen)
                try await self.serve(MessageBytePipe(socket), sandbox, pod)
                await socket.close()
            }
        }
        guard request.headers[.upgrade]?.lowercased() == "spdy/3.1", let version = HTTPField.Name("X-Stream-Protocol-Version") else {
            throw APIError.badRequest("unable to upgrade: missing upgrade headers in request")
        }
        return .upgrade(headers: [.upgrade: "SPDY/3.1", version: PortForward.spdyProtocol]) { pipe in
            try await self.serve(pipe, sandbox, pod)
        }
    }

    private func serve(_ pipe: any BytePipe, _ sandbox: String, _ pod: Pod) async throws {
        let runtime = runtime
        try await PortForward.serve(
            pipe, describe: { port, error in "error forwarding port \(port) to pod \(pod.name), uid \(pod.uid): \(error)" },
            connect: { port in
                RuntimePort(
                    connection: try await runtime.open(.portForward, ["pod_sandbox_id": .string(sandbox), "port": [.int(Int64(port))]]))
            })
    }
}

/// A runtime's port-forward stream as one connection.
private struct RuntimePort: PortConnection {
    let connection: any RuntimeConnection

    func read() async throws -> ByteBuffer? {
        while let (channel, bytes) = try await connection.receive() {
            // Why it could not connect, or what broke it.
            if channel == RuntimeChannel.error && !bytes.isEmpty {
                throw RuntimeFailure(code: "Unknown", message: String(decoding: bytes, as: UTF8.self))
            }
            if channel == RuntimeChannel.stdout { return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes) }
        }
        return nil
    }

    func write(_ piece: ByteBuffer) async throws { try await connection.send(RuntimeChannel.stdin, Array(piece.readableBytesView)) }
    func finish() async throws { try await connection.send(RuntimeChannel.stdin, []) }
    func close() async { await connection.close() }
}
