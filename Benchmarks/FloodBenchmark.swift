import APIModel
import APIServer
import Client
import HTTPServer
import HTTPTypes
import Logging
import PKI
import Store
import Synchronization

/// What a node's requests pay while somebody of low priority floods the server with lists of all there is: with priority and fairness, and
/// where requests are only counted. The server has few places, as a large one has few for all that is asked of it.
struct FloodBenchmark {
    let path: String
    /// With priority and fairness, or counted only.
    let isFair: Bool

    private static let rounds = 5_000
    private static let others = 256
    private static let objects = 500

    private static let tokens = """
        node-token,system:node:n1,1,"system:nodes"
        other-token,other,2
        """

    func run() async throws {
        let log = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        let store = try Store(path: path + "/store.db", log: log)
        guard let range = DualStack<IPNetwork>("10.96.0.0/16") else {
            throw SelectionBenchmark.Failure(description: "no range for Services")
        }
        var configuration = APIServer.Configuration(store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log)
        configuration.tokens = [try TokenFile(Self.tokens)]
        configuration.hasPriorityAndFairness = isFair
        (configuration.limits.reads, configuration.limits.writes) = (20, 10)
        let server = APIServer(configuration)
        try await server.start()
        try await prepare(server.client(as: "benchmark", groups: ["system:masters"]))
        let words = isFair ? "with priority and fairness" : "counted only"
        let alone = try await measure(server, "flood: a node's gets, nobody else", against: nil)
        let flood = Task { await self.flood(server) }
        try await measure(server, "flood: among \(Self.others) lists, \(words)", against: alone)
        flood.cancel()
        await flood.value
        await store.close()
    }

    private func prepare(_ client: any Client) async throws {
        _ = try await client.create(.nodes, namespace: nil, ["metadata": ["name": "n1"]])
        try await Benchmarks.together(0..<Self.objects) { number in
            _ = try await client.create(
                .configMaps, namespace: "default", ["metadata": ["name": .string("m\(number)")], "data": ["a": "b"]])
        }
        let group: Value = "rbac.authorization.k8s.io"
        let bindings = GroupVersionResource(group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterrolebindings")
        _ = try await client.create(
            bindings, namespace: nil,
            [
                "metadata": ["name": "other"], "roleRef": ["apiGroup": group, "kind": "ClusterRole", "name": "view"],
                "subjects": [["apiGroup": group, "kind": "User", "name": "other"]],
            ])
    }

    /// Lists until the task is cancelled.
    private func flood(_ server: APIServer) async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.others {
                group.addTask {
                    while !Task.isCancelled {
                        let request = Request(
                            method: .get, path: "/api/v1/configmaps", headers: [.authorization: "Bearer other-token"])
                        _ = await server.respond(to: request)
                        await Task.yield()
                    }
                }
            }
        }
    }

    /// Returns the nanoseconds of a request; says how many were sent away.
    @discardableResult
    private func measure(_ server: APIServer, _ words: String, against base: Double?) async throws -> Double {
        var refused = 0
        let each = try await Benchmarks.rate(words, Self.rounds, against: base) {
            for _ in 0..<Self.rounds {
                let request = Request(method: .get, path: "/api/v1/nodes/n1", headers: [.authorization: "Bearer node-token"])
                guard case .full(let status, _, _) = await server.respond(to: request) else { continue }
                switch status {
                case .ok: break
                case .tooManyRequests: refused += 1
                default: throw SelectionBenchmark.Failure(description: "a node's request was answered \(status.code)")
                }
            }
        }
        if refused > 0 { print("flood: \(refused) of \(Self.rounds) of the node's requests were sent away") }
        return each
    }
}
