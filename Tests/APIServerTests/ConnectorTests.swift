import APIModel
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import Streaming
import Synchronization
import Testing

@testable import APIServer

/// What stands behind the API server in these tests: tells what it was asked, and echoes after an upgrade.
private struct Backend: Responder {
    func respond(to request: Request) async -> Response {
        if request.headers[.upgrade] != nil {
            var headers = HTTPFields()
            headers[.upgrade] = "test"
            return .upgrade(headers: headers) { connection in
                while let piece = try await connection.read() { try await connection.write(piece) }
            }
        }
        if request.path.hasPrefix("/containerLogs"), request.query("previous") == "true" {
            return .full(status: .badRequest, headers: [:], body: [Array("previous terminated container \"c\" not found".utf8)])
        }
        if request.path == "/page" {
            return .full(status: .ok, headers: [.contentType: "text/html; charset=utf-8"], body: [Array("<a href=\"/next\">n</a>".utf8)])
        }
        if request.path == "/moved" { return .full(status: .found, headers: [.location: "/next?a=b"], body: []) }
        let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        let authorization = request.headers[.authorization] ?? "none"
        return .full(status: .ok, headers: [:], body: [Array("\(request.method) \(request.path)?\(query) \(authorization)".utf8)])
    }
}

/// A client's connection, fed by the test.
private final class FakeConnection: RawConnection {
    private struct State {
        var input: [ByteBuffer]
        var output = ByteBuffer()
        var waiting: CheckedContinuation<Void, Never>?
        var isClosed = false
    }
    private let state: Mutex<State>
    private let wanted: Int

    /// Ends its own side once `wanted` bytes have come back.
    init(_ input: [String], wanted: Int) {
        state = Mutex(State(input: input.map { ByteBuffer(string: $0) }))
        self.wanted = wanted
    }

    var output: String { state.withLock { String(buffer: $0.output) } }

    func read() async throws -> ByteBuffer? {
        if let piece = state.withLock({ $0.input.isEmpty ? nil : $0.input.removeFirst() }) { return piece }
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                guard state.output.readableBytes < wanted, !state.isClosed else { return true }
                state.waiting = continuation
                return false
            }
            if isDone { continuation.resume() }
        }
        return nil
    }

    func write(_ piece: ByteBuffer) async throws {
        state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.output.writeImmutableBuffer(piece)
            guard state.output.readableBytes >= wanted else { return nil }
            defer { state.waiting = nil }
            return state.waiting
        }?.resume()
    }

    func close() async {
        state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.isClosed = true
            defer { state.waiting = nil }
            return state.waiting
        }?.resume()
    }
}

@Suite struct ConnectorTests {
    private let pods = "/api/v1/namespaces/default/pods"

    /// - Parameter reachesItself: what is behind the server in these tests is on this machine, where a proxy does not go otherwise.
    private func with(reachesItself: Bool = true, _ body: (TestServer, Int) async throws -> Void) async throws {
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let backend = try HTTPServer(configuration: .init(host: "127.0.0.1", port: 0), responder: Backend(), log: log)
        let port = try await backend.start().port ?? 0
        try await TestServer.with { configuration in
            if reachesItself { configuration.isProxyable = { _ in true } }
        } _: { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            await server.ask(
                .post, "/api/v1/nodes",
                [
                    "metadata": ["name": "n1"],
                    "status": [
                        "addresses": [["type": "InternalIP", "address": "127.0.0.1"]],
                        "daemonEndpoints": ["kubeletEndpoint": ["Port": .int(Int64(port))]],
                    ],
                ])
            await server.ask(.post, pods, TestServer.pod("p"))
            try await body(server, port)
        }
        await backend.shutdown(grace: .zero)
    }

    private func run(_ server: TestServer) async {
        await server.ask(.post, "\(pods)/p/binding", ["metadata": ["name": "p"], "target": ["kind": "Node", "name": "n1"]])
        await server.ask(
            .patch, "\(pods)/p/status", ["status": ["phase": "Running", "podIP": "127.0.0.1"]], type: "application/merge-patch+json")
    }

    @Test func logsComeFromTheKubelet() async throws {
        try await with { server, _ in
            #expect(await server.ask(.get, "\(pods)/p/log").code == 204)
            await run(server)
            let answer = await server.ask(.get, "\(pods)/p/log?tailLines=3&follow=true&nope=1")
            #expect(answer.text == "GET /containerLogs/default/p/c?tailLines=3&follow=true none")
            #expect(await server.ask(.get, "\(pods)/p/log?container=x").message == "container x is not valid for pod p")
            let refused = await server.ask(.get, "\(pods)/p/log?previous=true")
            #expect(refused.code == 400 && refused.message == "previous terminated container \"c\" not found")
        }
    }

    /// A client that can read nothing but a WebSocket reads logs, too.
    @Test func logsComeOverAWebSocket() async throws {
        try await with { server, _ in
            await run(server)
            func request(_ subprotocol: String) throws -> Request {
                var fields: HTTPFields = [.authorization: "Bearer admin-token"]
                let handshake = [
                    ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                    ("Sec-WebSocket-Protocol", subprotocol),
                ]
                for (name, value) in handshake { fields[try #require(HTTPField.Name(name))] = value }
                return Request(method: .get, path: "\(pods)/p/log", headers: fields, remoteAddress: "127.0.0.1:1")
            }
            guard case .upgrade(_, let run) = await server.server.respond(to: try request("binary.k8s.io")) else {
                Issue.record("the answer is no upgrade")
                return
            }
            let client = FakeConnection([], wanted: 10)
            try await run(client)
            #expect(client.output.contains("GET /containerLogs/default/p/c? none"))
            guard case .full(let status, _, _) = await server.server.respond(to: try request("v9")) else {
                Issue.record("the answer is no refusal")
                return
            }
            #expect(status == .badRequest)
        }
    }

    @Test func proxiesToPodsAndNodes() async throws {
        try await with { server, port in
            await run(server)
            #expect(await server.ask(.get, "\(pods)/p:\(port)/proxy/a/b?x=y").text == "GET /a/b?x=y none")
            #expect(await server.ask(.post, "/api/v1/nodes/n1/proxy/run/", .emptyObject).text == "POST /run/? none")
            #expect(await server.ask(.options, "\(pods)/p:\(port)/proxy/a").text == "OPTIONS /a? none")
            #expect(await server.ask(.options, pods).code == 405)
            await server.ask(.post, "/api/v1/namespaces/default/services", TestServer.service("web"))
            let path = "/api/v1/namespaces/default/services/web/proxy/x"
            #expect(await server.ask(.get, path).message == "no endpoints available for service \"web\"")
            let slice: Value = [
                "metadata": ["name": "web", "labels": ["kubernetes.io/service-name": "web"]], "addressType": "IPv4",
                "endpoints": [["addresses": ["10.255.0.1"], "conditions": ["ready": false]]],
                "ports": [["name": "", "port": .int(Int64(port)), "protocol": "TCP"]],
            ]
            #expect(await server.ask(.post, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice).code == 201)
            #expect(await server.ask(.get, path).code == 503)
        }
    }

    @Test func linksLeadThroughTheProxy() async throws {
        try await with { server, port in
            await run(server)
            let proxy = "\(pods)/p:\(port)/proxy"
            #expect(await server.ask(.get, "\(proxy)/page").text == "<a href=\"\(proxy)/next\">n</a>")
            let moved = await server.ask(.get, "\(proxy)/moved")
            let root = await server.ask(.get, "\(proxy)?a=b")
            #expect(root.code == 301 && root.headers[.location] == "\(proxy)/?a=b")
            #expect(moved.code == 302 && moved.headers[.location] == "\(proxy)/next?a=b")
        }
    }

    @Test func proxiesToEndpointsThatArePodsAlone() async throws {
        try await with { server, port in
            await run(server)
            await server.ask(
                .patch, "\(pods)/p/status", ["status": ["podIP": "198.51.100.1"]], type: "application/merge-patch+json")
            await server.ask(.post, "/api/v1/namespaces/default/services", TestServer.service("web"))
            let path = "/api/v1/namespaces/default/services/web/proxy/x"
            for (index, endpoint) in [
                ["addresses": ["198.51.100.1"]], ["addresses": ["198.51.100.2"], "targetRef": ["kind": "Pod", "name": "p"]],
                ["addresses": ["198.51.100.1"], "targetRef": ["kind": "Pod", "name": "p", "namespace": "kube-system"]],
                ["addresses": ["198.51.100.1"], "targetRef": ["kind": "Node", "name": "p"]],
            ].enumerated() as EnumeratedSequence<[Value]> {
                let slice: Value = [
                    "metadata": ["name": .string("web\(index)"), "labels": ["kubernetes.io/service-name": "web"]], "addressType": "IPv4",
                    "endpoints": [endpoint], "ports": [["name": "", "port": .int(Int64(port)), "protocol": "TCP"]],
                ]
                #expect(await server.ask(.post, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice).code == 201)
                #expect(await server.ask(.get, path).message == "no endpoints available for service \"web\"")
            }
        }
    }

    @Test func nothingOfThisMachineIsReachedThroughAProxy() async throws {
        try await with(reachesItself: false) { server, port in
            await run(server)
            #expect(await server.ask(.get, "\(pods)/p:\(port)/proxy/").message == "address not allowed")
            #expect(await server.ask(.get, "/api/v1/nodes/n1/proxy/pods").message == "address not allowed")
            #expect(await server.ask(.get, "/api/v1/nodes/n1:2379/proxy/").message == "address not allowed")
            // A name is looked at when it has become an address.
            let named: Value = ["status": ["addresses": [["type": "Hostname", "address": "localhost"]]]]
            await server.ask(.patch, "/api/v1/nodes/n1/status", named, type: "application/merge-patch+json")
            let answer = await server.ask(.get, "/api/v1/nodes/n1:\(port)/proxy/")
            #expect(answer.message.contains("address not allowed"), "\(answer.text)")
        }
    }

    @Test func aKubeletThatTheProcessKnowsMayBeBesideIt() async throws {
        try await TestServer.with {
            $0.kubeletHosts = ["n1": "127.0.0.1"]
        } _: { server in
            await server.ask(.post, "/api/v1/nodes", ["metadata": ["name": "n1"]])
            #expect(await server.ask(.get, "/api/v1/nodes/n1:2379/proxy/").message == "address not allowed")
            #expect(await server.ask(.get, "/api/v1/nodes/n1/proxy/pods").message.contains("error dialing backend"))
        }
    }

    @Test(arguments: [
        "pods/p:99999999/proxy", "pods/p:-1/proxy", "pods/ftp:p:80/proxy", "pods/a:b:c:d/proxy", "pods/:80/proxy", "pods/p:nope/proxy",
    ])
    func proxiesOfNothingAreRefused(_ path: String) async throws {
        try await with { server, _ in
            await run(server)
            #expect(await server.ask(.get, "/api/v1/namespaces/default/\(path)/").code == 400)
        }
    }

    @Test func upgradesAreSplicedToTheKubelet() async throws {
        try await with { server, _ in
            await run(server)
            var fields = HTTPFields()
            fields[.authorization] = "Bearer admin-token"
            fields[.upgrade] = "test"
            let request = Request(
                method: .get, path: "\(pods)/p/exec", query: [(name: "command", value: "ls -l"), (name: "stdout", value: "true")],
                headers: fields)
            guard case .upgrade(let headers, let run) = await server.server.respond(to: request) else {
                Issue.record("the answer is no upgrade")
                return
            }
            #expect(headers[.upgrade] == "test")
            let client = FakeConnection(["hello ", "world"], wanted: 11)
            try await run(client)
            #expect(client.output == "hello world")
            #expect(await server.ask(.get, "\(pods)/p/exec?command=ls").message == "Upgrade request required")
        }
    }
}
