import APIModel
import APIServer
import Client
import HTTPServer
import Logging
import PKI
import Store

/// What an API server with 10,000 pods pays to find some of them, and what a look at every one would cost: the same objects are selected by
/// a label with its value, and by one that may have one of two values, which no index helps with.
struct SelectionBenchmark {
    let path: String
    private static let pods = 10_000
    private static let nodes = 100
    private static let rounds = 50

    struct Failure: Error, CustomStringConvertible { let description: String }

    func run() async throws {
        let log = Logger(label: "benchmark")
        let store = try Store(path: path, log: log)
        guard let range = DualStack<IPNetwork>("10.96.0.0/16") else { throw Failure(description: "no range for Services") }
        var configuration = APIServer.Configuration(store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log)
        configuration.tokens = [try TokenFile("\(HandlerBenchmark.token),benchmark,1,system:masters")]
        let server = APIServer(configuration)
        try await server.start()
        let client = server.client(as: "benchmark", groups: ["system:masters"])
        _ = try await client.create(.serviceAccounts, namespace: "default", ["metadata": ["name": "default"]])
        try await KubeletStub.with { kubelet in
            let handlers = HandlerBenchmark(client: client, server: server)
            try await handlers.prepare(kubelet: kubelet)
            try await handlers.makeBudgets(0..<1)
            let alone = try await handlers.run("alone")
            try await fill(client)
            try await handlers.makeBudgets(1..<Self.pods)
            _ = try await handlers.run("among 10,000", against: alone)
        }

        try await Benchmarks.rate("api: gets of one pod", 100_000) {
            for count in 0..<100_000 { _ = try await client.get(.pods, namespace: "default", name: "pod-\(count % Self.pods)") }
        }
        let scan = try await list(client, "list of 100 by label, scanned", labels: "node in (n7,none)", expecting: 100)
        try await list(client, "list of 100 by label", labels: "node=n7", expecting: 100, against: scan)
        try await list(client, "list of 100 by field", fields: "spec.nodeName=n7", expecting: 100, against: scan)
        try await list(client, "list of 1 by name", fields: "metadata.name=pod-77", expecting: 1, against: scan)
        let many = try await list(client, "list of 500 by label, scanned", labels: "group in (g7,none)", expecting: 500)
        try await list(client, "list of 500 by label", labels: "group=g7", expecting: 500, against: many)
        try await watches(client)
        await store.close()
    }

    private func fill(_ client: any Client) async throws {
        try await Benchmarks.rate("api: creates by 32 clients", Self.pods) {
            try await Benchmarks.together(0..<Self.pods) { _ = try await client.create(.pods, namespace: "default", pod($0)) }
        }
    }

    private func pod(_ count: Int) -> Value {
        let node = "n\(count % Self.nodes)"
        return [
            "metadata": [
                "name": .string("pod-\(count)"), "labels": ["app": "web", "group": .string("g\(count % 20)"), "node": .string(node)],
            ],
            "spec": ["nodeName": .string(node), "containers": [["name": "web", "image": "example/web:1"]]],
        ]
    }

    @discardableResult
    private func list(
        _ client: any Client, _ name: String, labels: String = "", fields: String = "", expecting count: Int, against base: Double? = nil
    ) async throws -> Double {
        let options = ListOptions(labelSelector: labels, fieldSelector: fields)
        // The first one makes the index and decodes what it looks at.
        let found = try await client.list(.pods, namespace: "default", options: options).items.count
        guard found == count else { throw Failure(description: "\(name): found \(found)") }
        return try await Benchmarks.rate("api: \(name)", Self.rounds, against: base) {
            for _ in 0..<Self.rounds { _ = try await client.list(.pods, namespace: "default", options: options) }
        }
    }

    /// Changes of one pod, while nobody watches, while 1,000 kubelets watch the pods of other nodes, and while as many watch all pods.
    private func watches(_ client: any Client) async throws {
        let alone = try await changes(client, "nobody watches", watchers: 0, fields: { _ in "" })
        try await changes(client, "1,000 watch other nodes", watchers: 1_000, fields: { "spec.nodeName=other-\($0)" }, against: alone)
        try await changes(client, "100 watch all pods", watchers: 100, fields: { _ in "" }, against: alone)
    }

    @discardableResult
    private func changes(
        _ client: any Client, _ name: String, watchers: Int, fields: (Int) -> String, against base: Double? = nil
    ) async throws -> Double {
        let version = try await client.list(.pods, namespace: nil, options: ListOptions(fieldSelector: "metadata.name=pod-0"))
            .resourceVersion
        return try await withThrowingTaskGroup { group in
            for watcher in 0..<watchers {
                let options = ListOptions(fieldSelector: fields(watcher), resourceVersion: version)
                let events = try await client.watch(.pods, namespace: nil, options: options)
                group.addTask { for try await _ in events {} }
            }
            let each = try await Benchmarks.rate("api: a change, \(name)", 1_000, against: base) {
                for count in 0..<1_000 {
                    let patch: Value = ["metadata": ["annotations": ["count": .string("\(count)")]]]
                    _ = try await client.patch(.pods, namespace: "default", name: "pod-0", subresource: nil, .merge, patch)
                }
            }
            group.cancelAll()
            while let end = await group.nextResult() {
                if case .failure(let error) = end, !(error is CancellationError) { throw error }
            }
            return each
        }
    }
}
