import APIModel
import HTTPServer
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import Kubelet

/// Who may ask the node's server, and what it answers.
@Suite struct ServerTests {
    private static func server(_ bench: Bench, _ pods: Pods, user: String, groups: [String] = []) -> KubeletServer {
        var context = bench.context
        context.configuration.authenticate = { chain in chain == [[1]] ? (user, groups) : nil }
        return KubeletServer(context: context, runtime: bench.runtime, pods: pods, healthy: { true })
    }

    private static func ask(
        _ server: KubeletServer, _ path: String, _ query: [(name: String, value: String)] = [], certificate: [[UInt8]] = [[1]]
    ) async -> (
        status: Int, body: String
    ) {
        switch await server.respond(to: Request(method: .get, path: path, query: query, peerCertificates: certificate)) {
        case .full(let status, _, let body): return (status.code, String(decoding: body.joined(), as: UTF8.self))
        case .stream(let status, _, let write):
            let written = Mutex<[UInt8]>([])
            try? await write(BodyWriter { piece in written.withLock { $0 += piece.readableBytesView } })
            return (status.code, String(decoding: written.withLock { $0 }, as: UTF8.self))
        case .upgrade: return (101, "")
        }
    }

    @Test(
        arguments: [
            ("kube-apiserver-kubelet-client", [], 200), ("admin", ["system:masters"], 200), ("system:node:other", ["system:nodes"], 403),
        ] as [(String, [String], Int)]) func authorizes(_ user: String, _ groups: [String], _ status: Int) async
    {
        let bench = Bench()
        defer { bench.directory.remove() }
        let server = Self.server(bench, Pods(context: bench.context), user: user, groups: groups)
        #expect(await Self.ask(server, "/pods").status == status)
        #expect(await Self.ask(server, "/pods", certificate: []).status == 401)
        #expect(await Self.ask(server, "/pods", certificate: [[2]]).status == 401)
        #expect(await Self.ask(server, "/healthz", certificate: []).status == 200)
    }

    @Test func showsLogs() async throws {
        let bench = Bench()
        let pods = Pods(context: bench.context)
        let server = Self.server(bench, pods, user: "kube-apiserver-kubelet-client")
        try await bench.run(pods) {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            let logs = try Directory.make(bench.context.configuration.podLogsDirectory).make("web")
            try logs.create(
                "0.log", Array("2026-01-02T03:04:05Z stdout F one\n2026-01-02T03:04:06Z stdout F two\n".utf8), mode: 0o640)
            let path = logs.path + "/0.log"
            bench.runtime.state.withLock { state in for id in state.containers.keys { state.containers[id]?["log_path"] = .string(path) } }
            #expect(await Self.ask(server, "/containerLogs/default/web/web", [("tailLines", "1")]) == (200, "two\n"))
            #expect(await Self.ask(server, "/containerLogs/default/web/web", [("tailLines", "x")]).status == 400)
            #expect(
                await Self.ask(server, "/containerLogs/default/web/web", [("previous", "true")]) == (
                    400, "previous terminated container \"web\" in pod \"web\" not found"
                ))
            #expect(await Self.ask(server, "/containerLogs/default/web/none").status == 404)
            #expect(await Self.ask(server, "/containerLogs/default/none/web") == (404, "pod \"none\" not found"))
            #expect(await Self.ask(server, "/exec/default/web/none", [("command", "sh"), ("output", "1")]).status == 404)
            #expect(await Self.ask(server, "/exec/default/web/web", [("command", "sh"), ("output", "1")]).status == 400)
            #expect(await Self.ask(server, "/elsewhere").status == 404)
        }
    }
}
