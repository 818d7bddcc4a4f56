import APIModel
import Client
import FileSystem
import HTTPServer
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import Kubelet

/// Who may ask the node's server, and what it answers.
@Suite struct ServerTests {
    private static let accessReviews = GroupVersionResource(
        group: "authorization.k8s.io", version: "v1", resource: "subjectaccessreviews")
    private static let tokenReviews = GroupVersionResource(group: "authentication.k8s.io", version: "v1", resource: "tokenreviews")

    /// A server for one client certificate, whose user may do what `allowed` says: `get pods`.
    private static func server(_ bench: Bench, _ pods: Pods, user: String = "scraper", allowed: Set<String> = ["get proxy"])
        -> KubeletServer
    {
        var context = bench.context
        context.configuration.authenticate = { chain in chain == [[1]] ? KubeletUser(name: user, groups: ["g"]) : nil }
        bench.client.state.withLock { state in
            state.reviews[Self.accessReviews] = { review in
                let asked = review[path: "spec", "resourceAttributes"]
                let isNode = asked["resource"] == "nodes" && asked["name"].string == bench.context.configuration.nodeName
                let what = "\(asked["verb"].string ?? "") \(asked["subresource"].string ?? "")"
                let isUser = review[path: "spec", "user"].string == user && review[path: "spec", "groups"] == ["g", "system:authenticated"]
                return ["allowed": .bool(isNode && isUser && allowed.contains(what))]
            }
        }
        return KubeletServer(context: context, runtime: bench.runtime, pods: pods, healthy: { true })
    }

    private static func ask(
        _ server: KubeletServer, _ path: String, _ query: [(name: String, value: String)] = [], certificate: [[UInt8]] = [[1]],
        token: String? = nil, method: HTTPTypes.HTTPRequest.Method = .get
    ) async -> (
        status: Int, body: String
    ) {
        let headers: HTTPFields = token.map { [.authorization: "Bearer \($0)"] } ?? [:]
        let request = Request(method: method, path: path, query: query, headers: headers, peerCertificates: certificate)
        switch await server.respond(to: request) {
        case .full(let status, _, let body): return (status.code, String(decoding: body.joined(), as: UTF8.self))
        case .stream(let status, _, let write):
            let written = Mutex<[UInt8]>([])
            try? await write(BodyWriter { piece in written.withLock { $0 += piece.readableBytesView } })
            return (status.code, String(decoding: written.withLock { $0 }, as: UTF8.self))
        case .upgrade: return (101, "")
        }
    }

    /// What each path asks for, as 1.36 names the parts of a node.
    @Test(
        arguments: [
            ("/pods", "get pods", 200), ("/pods", "get proxy", 200), ("/pods", "get metrics", 403), ("/healthz", "get healthz", 200),
            ("/healthz", "get proxy", 200), ("/healthz", "get pods", 403), ("/metrics", "get metrics", 200), ("/metrics", "get proxy", 403),
            ("/metrics/cadvisor", "get metrics", 200), ("/stats/summary", "get stats", 200), ("/stats/summary", "get proxy", 403),
            ("/logs/", "get log", 404), ("/logs/", "get proxy", 403), ("/exec/a/b/c", "get pods", 403), ("/exec/a/b/c", "get proxy", 404),
            ("/containerLogs/a/b/c", "get log", 403), ("/metricsx", "get metrics", 403), ("//metrics", "get proxy", 403),
        ] as [(String, String, Int)]) func authorizes(_ path: String, _ allowed: String, _ status: Int) async
    {
        let bench = Bench()
        defer { bench.directory.remove() }
        let server = Self.server(bench, Pods(context: bench.context), allowed: [allowed])
        #expect(await Self.ask(server, path).status == status)
    }

    @Test func refusesWhoIsNotKnown() async {
        let bench = Bench()
        defer { bench.directory.remove() }
        let server = Self.server(bench, Pods(context: bench.context))
        for path in ["/pods", "/healthz"] {
            #expect(await Self.ask(server, path, certificate: []).status == 401)
            #expect(await Self.ask(server, path, certificate: [[2]]).status == 401)
        }
        #expect(
            await Self.ask(server, "/pods", method: .post) == (
                403, "Forbidden (user=scraper, verb=create, resource=nodes, subresource(s)=[pods proxy])"
            ))
    }

    @Test func asksTheAPIForTokens() async {
        let bench = Bench()
        defer { bench.directory.remove() }
        let asked = Mutex(0)
        let server = Self.server(bench, Pods(context: bench.context))
        bench.client.state.withLock { state in
            state.reviews[Self.tokenReviews] = { review in
                asked.withLock { $0 += 1 }
                guard review[path: "spec", "token"] == "good" else { return ["authenticated": false] }
                return ["authenticated": true, "user": ["username": "scraper", "groups": ["g", "system:authenticated"]]]
            }
        }
        for _ in 0..<3 {
            #expect(await Self.ask(server, "/pods", certificate: [], token: "good").status == 200)
            #expect(await Self.ask(server, "/pods", certificate: [], token: "bad").status == 401)
        }
        #expect(asked.withLock { $0 } == 2, "an answer is remembered")
    }

    @Test func forgetsAnswersInTime() {
        let now = Mutex<Whole>(100)
        let remembered = Remembered<String, Bool>(now: { now.withLock { $0 } })
        remembered.remember("a", true, for: 30)
        #expect(remembered["a"] == true)
        #expect(remembered["b"] == nil)
        now.withLock { $0 = 130 }
        #expect(remembered["a"] == nil)
    }

    @Test func showsLogs() async throws {
        let bench = Bench()
        let pods = Pods(context: bench.context)
        let server = Self.server(bench, pods)
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
