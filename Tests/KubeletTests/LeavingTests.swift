import APIModel
import FileSystem
import HTTPServer
import NIOCore
import Streaming
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Clients of the node's server that leave in the middle: what they asked for ends.
@Suite struct LeavingTests {
    /// Lets everybody in, and counts what goes on.
    private final class Door: Responder {
        let server: KubeletServer
        let open = Mutex(0)
        let ended = Mutex(0)

        init(_ server: KubeletServer) { self.server = server }

        func respond(to request: Request) async -> Response {
            var request = request
            request.peerCertificates = [[1]]
            let (began, done) = (
                { @Sendable in self.open.withLock { $0 += 1 } }, { @Sendable in self.ended.withLock { $0 += 1 } }
            )
            switch await server.respond(to: request) {
            case .stream(let status, let headers, let write):
                return .stream(status: status, headers: headers) { writer in
                    began()
                    defer { done() }
                    try await write(writer)
                }
            case .upgrade(let headers, let run):
                return .upgrade(headers: headers) { pipe in
                    began()
                    defer { done() }
                    try await run(pipe)
                }
            case let answer: return answer
            }
        }
    }

    /// Runs a pod, and a server on a port of its own.
    private static func run(_ body: @Sendable @escaping (Bench, Door, Int) async throws -> Void) async throws {
        let bench = Bench { $0.authenticate = { _ in KubeletUser(name: "admin", groups: []) } }
        bench.client.state.withLock { state in
            let reviews = GroupVersionResource(group: "authorization.k8s.io", version: "v1", resource: "subjectaccessreviews")
            state.reviews[reviews] = { _ in ["allowed": true] }
        }
        bench.runtime.state.withLock { $0.hasStreams = true }
        let pods = Pods(context: bench.context)
        let door = Door(KubeletServer(context: bench.context, runtime: bench.runtime, pods: pods, healthy: { true }))
        let server = try HTTPServer(configuration: .init(host: "127.0.0.1", port: 0), responder: door, log: bench.context.log)
        try await bench.run(pods) {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let port = try #require(try await server.start().port)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                try await body(bench, door, port)
                await server.shutdown(grace: .zero)
                try await group.waitForAll()
            }
        }
    }

    private static func leaves(_ bench: Bench, _ door: Door, _ leave: () -> Void) async throws {
        try await bench.eventually("open") { bench.runtime.state.withLock { $0.streams.count } == 1 }
        let stream = try #require(bench.runtime.state.withLock { $0.streams.first })
        #expect(!stream.isClosed)
        leave()
        try await bench.eventually("closed") { stream.isClosed && door.ended.withLock { $0 } == 1 }
    }

    /// As kubectl speaks today.
    @Test(arguments: ["exec", "attach"]) func whoSpeaksWebSocket(_ kind: String) async throws {
        try await Self.run { bench, door, port in
            let client = RawClient(port: port)
            client.say("GET /\(kind)/default/web/web?command=sleep&command=1d&output=1&input=1 HTTP/1.1\r\nHost: node\r\n")
            client.say("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
            client.say("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n")
            try await Self.leaves(bench, door) { client.leave() }
        }
    }

    /// As kubectl spoke before 1.29.
    @Test(arguments: ["exec", "attach", "portForward"]) func whoSpeaksSPDY(_ kind: String) async throws {
        try await Self.run { bench, door, port in
            let url = "http://127.0.0.1:\(port)/\(kind)/default/web"
            let client =
                kind == "portForward"
                ? try await StreamingClient.portForward(url: url, port: 80)
                : try await StreamingClient.remoteCommand(
                    url: "\(url)/web?command=sleep&output=1&input=1", stdin: true, stdout: true, stderr: false, tty: false)
            let carrying = Task { try await client.run { _, _ in } }
            try await Self.leaves(bench, door) { client.close() }
            _ = await carrying.result
        }
    }

    @Test func whoFollowsALog() async throws {
        try await Self.run { bench, door, port in
            let logs = try Directory.make(bench.context.configuration.podLogsDirectory).make("web")
            try logs.create("0.log", Array("2026-01-02T03:04:05Z stdout F one\n".utf8), mode: 0o640)
            let path = logs.path + "/0.log"
            bench.runtime.state.withLock { state in for id in state.containers.keys { state.containers[id]?["log_path"] = .string(path) } }
            let client = RawClient(port: port)
            client.say("GET /containerLogs/default/web/web?follow=true HTTP/1.1\r\nHost: node\r\n\r\n")
            try await bench.eventually("followed") { door.open.withLock { $0 } == 1 }
            #expect(door.ended.withLock { $0 } == 0)
            client.leave()
            // The container stays silent all the while.
            try await bench.eventually("ended") { door.ended.withLock { $0 } == 1 }
        }
    }
}
