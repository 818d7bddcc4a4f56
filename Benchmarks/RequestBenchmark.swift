import APIModel
import APIServer
import Client
import HTTPServer
import HTTPTypes
import Logging
import PKI
import Store

/// What one request costs an API server from its head to its answer, without sockets; and what of it is priority and fairness, where nobody has
/// to wait.
struct RequestBenchmark {
    let path: String
    /// With priority and fairness, or counted only.
    let isFair: Bool
    private static let rounds = 100_000

    /// Returns the nanoseconds of a request.
    /// - Parameter base: those of what it is compared with.
    func run(against base: Double?) async throws -> Double {
        let log = Logger(label: "benchmark")
        let store = try Store(path: path, log: log)
        guard let range = DualStack<IPNetwork>("10.96.0.0/16") else {
            throw SelectionBenchmark.Failure(description: "no range for Services")
        }
        var configuration = APIServer.Configuration(store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log)
        configuration.tokens = [try TokenFile("token,alice,1")]
        configuration.hasPriorityAndFairness = isFair
        let server = APIServer(configuration)
        try await server.start()
        let client = server.client(as: "benchmark", groups: ["system:masters"])
        let group: Value = "rbac.authorization.k8s.io"
        _ = try await client.create(
            GroupVersionResource(group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterrolebindings"), namespace: nil,
            [
                "metadata": ["name": "alice"], "roleRef": ["apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"],
                "subjects": [["apiGroup": group, "kind": "User", "name": "alice"]],
            ])
        let name = isFair ? "api: gets by a user, with priority and fairness" : "api: gets by a user"
        let each = try await Benchmarks.rate(name, Self.rounds, against: base) {
            for _ in 0..<Self.rounds {
                let request = Request(method: .get, path: "/api/v1/namespaces/default", headers: [.authorization: "Bearer token"])
                guard case .full(let status, _, _) = await server.respond(to: request), status == .ok else {
                    throw SelectionBenchmark.Failure(description: "a request was not answered")
                }
            }
        }
        await store.close()
        return each
    }
}
