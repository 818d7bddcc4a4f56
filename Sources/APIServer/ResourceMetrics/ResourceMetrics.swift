import APIModel
import HTTPServer
import HTTPTypes
import Logging
import Synchronization

/// `metrics.k8s.io`: what nodes and pods use, made when asked for from what the kubelets say. Where an APIService leads to a metrics server
/// of the cluster's own, that one is asked instead.
struct ResourceMetrics: Sendable {
    private static let nodes = "metrics.k8s.io/nodes"
    private static let pods = "metrics.k8s.io/pods"
    /// How long a kubelet may take, and how much it may say.
    private static let patience = Duration.seconds(5)
    private static let summarySize = 16 << 20

    let registry: Registry
    let samples: UsageSamples

    /// - Parameter summaries: answers a node's summary; `nil` asks its kubelet.
    init(_ registry: Registry, _ connector: Connector, summaries: (@Sendable (_ node: String) async throws -> Value)?) {
        self.registry = registry
        samples = UsageSamples(
            now: { Timestamp.nowSeconds() * 1_000_000_000 },
            look: { node in
                try await within(Self.patience) {
                    if let summaries { return try await summaries(node) }
                    let request = Request(method: .get, path: "/stats/summary", headers: HTTPFields())
                    let response = try await connector.exchange(
                        request, method: "GET", target: "/stats/summary", to: try connector.backends.kubelet(node), body: [])
                    let body = try await response.collected(upTo: Self.summarySize)
                    guard response.code == 200 else { throw APIError.internalError("the kubelet of \(node) answered \(response.code)") }
                    return try JSON.decode(body)
                }
            })
    }

    var handlers: Handlers.Table {
        [
            .init(Self.nodes, "", .get): { call in
                let found = await ofNodes(try selected("/nodes", call, name: call.target.name))
                guard let metrics = found.first else { throw call.target.notFound }
                return Answer(.value(metrics))
            },
            .init(Self.nodes, "", .list): { Answer(.values(await ofNodes(try selected("/nodes", $0)))) },
            .init(Self.pods, "", .get): { call in
                let found = await ofPods(try selected("/pods", call, name: call.target.name))
                guard let metrics = found.first else { throw call.target.notFound }
                return Answer(.value(metrics))
            },
            .init(Self.pods, "", .list): { Answer(.values(await ofPods(try await selected("/pods", $0)))) },
        ]
    }

    /// The nodes or pods that are asked about.
    private func selected(_ collection: String, _ call: Call, name: String = "") async throws -> [Value] {
        if !name.isEmpty { return registry.latest(collection, namespace: call.target.namespace, name: name).map { [$0.value] } ?? [] }
        guard let storage = registry.served.storage(collection: collection) else { return [] }
        var query = ListQuery()
        if case .query(let asked) = call.input {
            (query.labelSelector, query.fieldSelector) = (asked.labelSelector, asked.fieldSelector)
        }
        let target = Target(storage: storage, namespace: call.target.namespace, name: "")
        return try await registry.list(target, query).records.map(\.object.value)
    }

    private func ofNodes(_ nodes: [Value]) async -> [Value] {
        let names = nodes.compactMap { $0[path: "metadata", "name"].string }
        let pairs = await pairs(names)
        return nodes.compactMap { node in
            guard let pair = pairs[node[path: "metadata", "name"].string ?? ""], let rate = UsageRate(pair.before.node, pair.after.node)
            else { return nil }
            var metrics = Self.object("NodeMetrics", of: node, rate)
            metrics["usage"] = rate.usage
            return metrics
        }
    }

    /// Of those that run; one of whose containers nothing is known yet is left out, as a whole.
    private func ofPods(_ pods: [Value]) async -> [Value] {
        let running = pods.filter { $0[path: "status", "phase"].string == "Running" }
        let pairs = await pairs(Array(Set(running.compactMap { $0[path: "spec", "nodeName"].string })))
        return running.compactMap { pod in
            guard let pair = pairs[pod[path: "spec", "nodeName"].string ?? ""], let uid = pod[path: "metadata", "uid"].string,
                let after = pair.after.pods[uid], !after.isEmpty
            else { return nil }
            let before = pair.before.pods[uid] ?? [:]
            let rates = after.sorted { $0.key < $1.key }.map { (name: $0.key, rate: UsageRate(before[$0.key], $0.value)) }
            guard let first = rates.first?.rate, rates.allSatisfy({ $0.rate != nil }) else { return nil }
            var metrics = Self.object("PodMetrics", of: pod, first)
            metrics["containers"] = .array(rates.map { ["name": .string($0.name), "usage": $0.rate?.usage ?? .null] })
            return metrics
        }
    }

    /// Asks all kubelets at once. One that does not answer is left out, and said so in the log.
    private func pairs(_ nodes: [String]) async -> [String: UsageSamples.Pair] {
        samples.keep(Set(registry.all("/nodes").compactMap { $0.value[path: "metadata", "name"].string }))
        return await withTaskGroup(of: (String, UsageSamples.Pair?).self) { group in
            for node in nodes {
                group.addTask {
                    do {
                        return (node, try await samples.pair(node))
                    } catch {
                        registry.log.warning("no metrics of a node", metadata: ["node": "\(node)", "error": "\(error)"])
                        return (node, nil)
                    }
                }
            }
            var pairs: [String: UsageSamples.Pair] = [:]
            for await (node, pair) in group { pairs[node] = pair }
            return pairs
        }
    }

    private static func object(_ kind: String, of object: Value, _ rate: UsageRate) -> Value {
        let metadata = object["metadata"]
        return [
            "kind": .string(kind), "apiVersion": "metrics.k8s.io/v1beta1",
            "metadata": [
                "name": metadata["name"], "namespace": metadata["namespace"], "creationTimestamp": .string(Timestamp.now()),
                "labels": metadata["labels"],
            ],
            "timestamp": rate.timestamp, "window": rate.windowText,
        ]
    }
}
