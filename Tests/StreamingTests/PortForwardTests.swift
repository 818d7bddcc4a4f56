import Glibc
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import Streaming
import Testing

/// A port whose connection answers every piece with the same in capitals.
private struct Capitals: PortConnection {
    private let pieces = InboundQueue(resumeReading: {})

    func read() async throws -> ByteBuffer? { try await pieces.next() }
    func write(_ piece: ByteBuffer) async throws { _ = pieces.push(ByteBuffer(string: String(buffer: piece).uppercased())) }
    func finish() async throws { pieces.finish() }
    func close() async { pieces.finish() }
}

@Suite(.timeLimit(.minutes(1))) struct PortForwardTests {
    @Sendable private static func connect(_ port: Int) async throws -> any PortConnection {
        guard port == 8080 else { throw NetworkError("connection refused") }
        return Capitals()
    }

    @Sendable private static func describe(_ port: Int, _ error: any Error) -> String { "error forwarding port \(port): \(error)" }

    /// A client's connection to a port-forward server.
    private func withForwarder(_ body: @escaping @Sendable (SPDYConnection) async throws -> Void) async throws {
        let (near, far) = MemoryPipe.pair()
        let client = SPDYConnection(near, role: .client)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await PortForward.serve(far, describe: Self.describe, connect: Self.connect) }
            group.addTask { try await client.run() }
            try await body(client)
            client.close()
            try await group.waitForAll()
        }
    }

    private func open(_ client: SPDYConnection, port: Int, request: Int) async throws -> (data: SPDYStream, errors: SPDYStream) {
        let common = [(name: "port", value: "\(port)"), (name: "requestid", value: "\(request)")]
        let errors = try await client.open([("streamtype", "error")] + common)
        try await errors.finish()
        return (try await client.open([("streamtype", "data")] + common), errors)
    }

    @Test func forwardsEachPairOfStreams() async throws {
        try await withForwarder { client in
            let first = try await open(client, port: 8080, request: 0)
            let second = try await open(client, port: 8080, request: 1)
            try await second.data.write("two")
            try await first.data.write("one")
            try await first.data.finish()
            #expect(try await first.data.readAll() == Array("ONE".utf8))
            #expect(try await first.errors.readAll() == [])
            try await second.data.finish()
            #expect(try await second.data.readAll() == Array("TWO".utf8))
        }
    }

    @Test func tellsWhatWentWrong() async throws {
        try await withForwarder { client in
            let pair = try await open(client, port: 81, request: 0)
            #expect(try await pair.errors.readAll() == Array("error forwarding port 81: connection refused".utf8))
            #expect(try await pair.data.readAll() == [])
        }
    }

    @Test func refusesStreamsItDoesNotKnow() async throws {
        try await withForwarder { client in
            for headers in [
                [("streamtype", "audio"), ("port", "1")], [("streamtype", "data"), ("port", "70000")], [("streamtype", "data")],
            ] as [SPDYHeaders] {
                // The answer to the opening and the refusal may come at once.
                guard let stream = try? await client.open(headers) else { continue }
                let bytes = try await stream.readAll()
                #expect(bytes == [] && stream.wasReset)
            }
        }
    }

    /// As much of an API as kubectl asks for on its way to a pod.
    private static func object(_ path: String) -> Response {
        let objects = [
            "/version": #"{"major":"1","minor":"36","gitVersion":"v1.36.0"}"#, "/api": #"{"kind":"APIVersions","versions":["v1"]}"#,
            "/apis": #"{"kind":"APIGroupList","apiVersion":"v1","groups":[]}"#,
            "/api/v1":
                #"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get"]}]}"#,
            "/api/v1/namespaces/default/pods/p":
                #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default"},"spec":{"containers":[{"name":"c"}]},"status":{"phase":"Running"}}"#,
        ]
        guard let object = objects[path] else { return .full(status: .notFound, headers: [:], body: []) }
        return .full(status: .ok, headers: [.contentType: "application/json"], body: [Array(object.utf8)])
    }

    /// The client that has to be pleased: kubectl, over a WebSocket to our server.
    @Test(.enabled(if: system("command -v kubectl curl >/dev/null 2>&1") == 0, "kubectl and curl are needed")) func pleasesKubectl()
        async throws
    {
        let server = try HTTPServer(
            configuration: .init(host: "127.0.0.1", port: 0),
            responder: Responding { request in
                guard request.path.hasSuffix("/portforward") else { return Self.object(request.path) }
                guard let (headers, chosen) = WebSocket.accept(request, protocols: [PortForward.webSocketProtocol]), chosen != nil else {
                    return .full(status: .badRequest, headers: [:], body: [])
                }
                return .upgrade(headers: headers) { pipe in
                    let socket = WebSocketConnection(pipe, role: .server, subprotocol: chosen)
                    try await PortForward.serve(MessageBytePipe(socket), describe: Self.describe) { port in
                        guard port == 8080 else { throw NetworkError("connection refused") }
                        return Page()
                    }
                }
            }, log: Logger(label: "test"))
        let port = try #require(try await server.start().port)
        let script = """
            set -e
            export HOME=$(mktemp -d)
            trap 'kill $forwarder 2>/dev/null || true; cat "$HOME/log"; rm -rf "$HOME"' EXIT
            kubectl --server=http://127.0.0.1:\(port) port-forward pod/p :8080 :81 >"$HOME/log" 2>&1 & forwarder=$!
            for i in $(seq 100); do [ $(grep -c '127.0.0.1:' "$HOME/log") = 2 ] && break; sleep 0.1; done
            set -- $(sed -n 's/.*127.0.0.1:\\([0-9]*\\) .*/\\1/p' "$HOME/log")
            for i in 1 2 3; do curl -sS --max-time 5 "http://127.0.0.1:$1/"; done
            curl -sS --max-time 5 "http://127.0.0.1:$1/large" | wc -c
            curl -sS --max-time 5 "http://127.0.0.1:$2/" || true
            sleep 0.2
            """
        let text = try await shell(script)
        #expect(text.hasPrefix("hello\nhello\nhello\n3000000\n"), "\(text)")
        #expect(text.contains("error forwarding port 81: connection refused"), "\(text)")
        await server.shutdown(grace: .zero)
    }
}

private struct Responding: Responder {
    let answer: @Sendable (Request) async -> Response
    func respond(to request: Request) async -> Response { await answer(request) }
}

/// A port that answers one HTTP request and ends.
private struct Page: PortConnection {
    private let answer = InboundQueue(resumeReading: {})

    func read() async throws -> ByteBuffer? { try await answer.next() }
    func write(_ piece: ByteBuffer) async throws {
        let isLarge = String(buffer: piece).hasPrefix("GET /large ")
        _ = answer.push(ByteBuffer(string: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"))
        _ = answer.push(isLarge ? ByteBuffer(repeating: 120, count: 3_000_000) : ByteBuffer(string: "hello\n"))
        answer.finish()
    }
    func finish() async throws {}
    func close() async { answer.finish() }
}

/// Runs a script on a thread of its own and returns what it printed.
private func shell(_ script: String) async throws -> String {
    final class Job: Sendable {
        let script: String
        let done: CheckedContinuation<String, any Error>
        init(_ script: String, _ done: CheckedContinuation<String, any Error>) { (self.script, self.done) = (script, done) }

        func run() {
            guard let pipe = popen(script + "\n", "r") else { return done.resume(throwing: NetworkError("cannot run a shell")) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { bytes += buffer[..<count] }
            pclose(pipe)
            done.resume(returning: String(decoding: bytes, as: UTF8.self))
        }
    }
    return try await withCheckedThrowingContinuation { done in
        var id = pthread_t()
        pthread_create(
            &id, nil,
            { job in
                Unmanaged<Job>.fromOpaque(job!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(Job(script, done)).toOpaque())
        pthread_detach(id)
    }
}
