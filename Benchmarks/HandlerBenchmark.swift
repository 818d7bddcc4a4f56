import APIModel
import APIServer
import Client
import HTTPServer
import HTTPTypes
import Logging

/// What each handler of the API, and each way to find objects in the shared cache, costs among objects that it has nothing to do with: made
/// once while there are none, and once when there are many. A ratio far from one is a cost that grows with what is not touched.
struct HandlerBenchmark {
    private static let rounds = 200
    private static let selectors = ObjectPath("spec.selector")!
    private static let budgets = GroupVersionResource(group: "policy", version: "v1", resource: "poddisruptionbudgets")

    private static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    private static let pods = "/api/v1/namespaces/default/pods"
    /// Of a user who may do everything.
    static let token = "benchmark-token"

    let client: any Client
    /// For what no loop asks for: it is asked as over HTTP, without sockets.
    let server: APIServer

    /// Makes what the handlers find beside their own pods.
    /// - Parameter kubelet: the port of a `KubeletStub`, for logs and streams.
    func prepare(kubelet: Int) async throws {
        let endpoint: Value = ["kubeletEndpoint": ["Port": .int(Int64(kubelet))]]
        _ = try await client.create(
            .nodes,
            [
                "metadata": ["name": "own"],
                "status": ["addresses": [["type": "InternalIP", "address": "127.0.0.1"]], "daemonEndpoints": endpoint],
            ])
        let labels: Value = ["app": "scaled"]
        _ = try await client.create(
            Self.deployments, namespace: "default",
            [
                "metadata": ["name": "scaled"],
                "spec": [
                    "replicas": 0, "selector": ["matchLabels": labels],
                    "template": ["metadata": ["labels": labels], "spec": ["containers": [["name": "web", "image": "example/web:1"]]]],
                ],
            ])
    }

    /// - Parameter base: what an earlier run answered, to compare with.
    /// - Returns: by the name of a handler, the nanoseconds that it takes.
    func run(_ among: String, against base: [String: Double] = [:]) async throws -> [String: Double] {
        var found: [String: Double] = [:]
        for (name, handle) in handlers {
            found[name] = try await Benchmarks.rate("api: \(name), \(among)", Self.rounds, against: base[name]) {
                for index in 0..<Self.rounds { try await handle("own-\(index)") }
            }
            if name == "create" { found.merge(try await matches(among, against: base)) { $1 } }
        }
        return found
    }

    /// In order: what one does to an object, the next finds.
    private var handlers: [(name: String, handle: (String) async throws -> Void)] {
        let client = client
        let annotated: Value = ["metadata": ["annotations": ["seen": "yes"]]]
        func find(_ options: ListOptions) async throws { _ = try await client.list(.pods, namespace: "default", options: options) }
        func patch(_ name: String, _ kind: PatchKind, _ patch: Value, _ subresource: String? = nil) async throws {
            let options = WriteOptions(fieldManager: "benchmark")
            _ = try await client.patch(
                .pods, namespace: "default", name: name, subresource: subresource, kind, patch, options: options)
        }
        func make(_ name: String, _ subresource: String, _ object: Value) async throws {
            _ = try await client.create(.pods, namespace: "default", name: name, subresource: subresource, object)
        }
        return [
            ("create", { _ = try await client.create(.pods, namespace: "default", Self.pod($0)) }),
            ("get", { _ = try await client.get(.pods, namespace: "default", name: $0) }),
            ("list by name", { try await find(ListOptions(fieldSelector: "metadata.name=\($0)")) }),
            ("list by label", { try await find(ListOptions(labelSelector: "own=\($0)")) }),
            (
                "list, one page of 1",
                { _ in
                    var options = ListOptions()
                    options.limit = 1
                    try await find(options)
                }
            ),
            (
                "watch to its first event",
                { name in
                    let options = ListOptions(fieldSelector: "metadata.name=\(name)")
                    for try await _ in try await client.watch(.pods, namespace: "default", options: options) { break }
                }
            ),
            (
                "get and update",
                { name in
                    var pod = try await client.get(.pods, namespace: "default", name: name).value
                    pod["metadata"]["labels"]["seen"] = "yes"
                    _ = try await client.update(.pods, namespace: "default", name: name, pod)
                }
            ),
            ("merge patch", { try await patch($0, .merge, annotated) }),
            (
                "apply",
                { name in
                    var wanted: Value = ["apiVersion": "v1", "kind": "Pod"]
                    wanted["metadata"] = ["name": .string(name), "labels": ["applied": "yes"]]
                    try await patch(name, .apply, wanted)
                }
            ),
            ("strategic patch of status", { try await patch($0, .strategicMerge, ["status": ["phase": "Running"]], "status") }),
            (
                "binding",
                { try await make($0, "binding", ["metadata": ["name": .string($0)], "target": ["kind": "Node", "name": "own"]]) }
            ),
            ("log", { try await readLog($0) }),
            ("exec, one word there and back", { try await exec($0) }),
            (
                "scale",
                { name in
                    let replicas: Value = ["spec": ["replicas": .int(Int64(name.utf8.last ?? 0))]]
                    _ = try await client.patch(
                        Self.deployments, namespace: "default", name: "scaled", subresource: "scale", .merge, replicas)
                }
            ),
            (
                "eviction",
                { try await make($0, "eviction", ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": .string($0)]]) }
            ),
            (
                "delete",
                { try await client.delete(.pods, namespace: "default", name: $0, options: ["gracePeriodSeconds": 0]) }
            ),
            (
                "create and deletecollection by label",
                { name in
                    _ = try await client.create(.pods, namespace: "default", Self.pod(name))
                    guard case .full(.ok, _, _) = await ask(.delete, Self.pods, [("labelSelector", "own=\(name)")]) else {
                        throw SelectionBenchmark.Failure(description: "a collection was not deleted")
                    }
                }
            ),
        ]
    }

    private func ask(
        _ method: HTTPRequest.Method, _ path: String, _ query: [(name: String, value: String)] = [], headers: HTTPFields = [:]
    ) async -> Response {
        var headers = headers
        headers[.authorization] = "Bearer \(Self.token)"
        return await server.respond(to: Request(method: method, path: path, query: query, headers: headers))
    }

    private func readLog(_ name: String) async throws {
        guard case .stream(.ok, _, let write) = await ask(.get, "\(Self.pods)/\(name)/log") else {
            throw SelectionBenchmark.Failure(description: "no log of \(name)")
        }
        try await write(BodyWriter { _ in })
    }

    private func exec(_ name: String) async throws {
        let query = [("command", "echo"), ("stdin", "true"), ("stdout", "true")].map { (name: $0.0, value: $0.1) }
        let word = OneWord()
        guard case .upgrade(_, let talk) = await ask(.post, "\(Self.pods)/\(name)/exec", query, headers: [.upgrade: "echo"]) else {
            throw SelectionBenchmark.Failure(description: "no stream to \(name)")
        }
        try await talk(word)
        guard word.isAnswered else { throw SelectionBenchmark.Failure(description: "\(name) said nothing") }
    }

    private static func pod(_ name: String) -> Value {
        [
            "metadata": ["name": .string(name), "labels": ["own": .string(name)]],
            "spec": ["containers": [["name": "web", "image": "example/web:1"]]],
        ]
    }

    // MARK: The cache

    private func matches(_ among: String, against base: [String: Double]) async throws -> [String: Double] {
        let cache = Cache(client: client, log: Logger(label: "benchmark"))
        for index in [CacheIndex.label("own"), .orphans] { cache.add(index, to: .pods) }
        cache.add(.selector(Self.selectors), to: Self.budgets)
        return try await withThrowingTaskGroup { group in
            group.addTask { try await cache.run() }
            try await cache.watch(.pods)
            try await cache.watch(Self.budgets)
            defer { group.cancelAll() }
            var found: [String: Double] = [:]
            for (name, match) in Self.matches {
                found[name] = try await Benchmarks.rate("cache: \(name), \(among)", Self.rounds, against: base[name]) {
                    for index in 0..<Self.rounds {
                        let count = try match(cache, "own-\(index)")
                        guard count == 1 else { throw SelectionBenchmark.Failure(description: "\(name): found \(count)") }
                    }
                }
            }
            return found
        }
    }

    /// Each finds one.
    private static let matches: [(name: String, match: @Sendable (Cache, String) throws -> Int)] = [
        ("by name", { $0.get(.pods, namespace: "default", name: $1) == nil ? 0 : 1 }),
        ("by label", { $0.list(.pods, namespace: "default", where: .label("own"), is: $1)?.count ?? 0 }),
        ("orphans by selector", { $0.orphans(.pods, namespace: "default", matching: try LabelSelector(parsing: "own=\($1)"))?.count ?? 0 }),
        ("selectors by labels", { cache, _ in cache.selecting(budgets, namespace: "default", selectors, ["own": "all"])?.count ?? 0 }),
    ]

    /// What is selected by `selectors by labels`, and what is not.
    static func budget(_ index: Int) -> Value {
        [
            "metadata": ["name": .string("budget-\(index)")],
            "spec": ["minAvailable": 1, "selector": ["matchLabels": ["own": .string(index == 0 ? "all" : "other-\(index)")]]],
        ]
    }

    func makeBudgets(_ range: Range<Int>) async throws {
        let client = client
        try await Benchmarks.together(range) { _ = try await client.create(Self.budgets, namespace: "default", Self.budget($0)) }
    }
}
