import APIModel
import Client
import Synchronization

/// Binds Pods to the Node `n1`, or to the one they are made for, and says that they run, at once. The label `hollow` of a Pod asks for
/// something else: `pending` leaves it unbound, `unready` lets it run without becoming ready, `lingering` lets it never end, `succeeds`
/// and `fails` let it end by itself, `fails-odd` lets it fail where its index is odd.
struct HollowKubelet {
    private struct PodName: Hashable {
        var namespace: String
        var name: String
    }

    private let cluster: Cluster
    private let queue = WorkQueue<PodName>()
    private let addresses = Counter()

    init(_ cluster: Cluster) { self.cluster = cluster }

    func run() async throws {
        try await cluster.seen.watch(.pods)
        let queue = queue
        let observation = cluster.seen.observe([.pods]) { _, _, pod in
            if let pod { queue.add(PodName(namespace: pod.namespace, name: pod.name)) }
        }
        defer { observation.cancel() }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for _ in 0..<4 { group.addTask { await work() } }
            }
        } onCancel: {
            queue.shutDown()
        }
        throw CancellationError()
    }

    private func work() async {
        while let key = await queue.next() {
            do {
                if let pod = cluster.seen.get(.pods, namespace: key.namespace, name: key.name) { try await sync(pod) }
                queue.forget(key)
            } catch let error as APIError where [.notFound, .conflict].contains(error.reason) {
                // The Pod has changed: that change comes here, too.
            } catch {
                queue.addRateLimited(key)
            }
            queue.done(key)
        }
    }

    private func sync(_ pod: Object) async throws {
        let behaviour = pod.labels["hollow"] ?? ""
        let node = pod.value["spec"]["nodeName"].string
        if node == nil {
            guard behaviour != "pending", !pod.isBeingDeleted else { return }
            let binding: Value = [
                "apiVersion": "v1", "kind": "Binding", "metadata": ["name": .string(pod.name), "namespace": .string(pod.namespace)],
                "target": ["apiVersion": "v1", "kind": "Node", "name": Self.wantedNode(pod)],
            ]
            _ = try await cluster.client.create(.pods, namespace: pod.namespace, name: pod.name, subresource: "binding", binding)
        } else if !Self.nodes.contains(node ?? "") {
            return
        } else if pod.isBeingDeleted {
            guard behaviour != "lingering" else { return }
            try await cluster.client.delete(
                .pods, namespace: pod.namespace, name: pod.name,
                options: ["gracePeriodSeconds": 0, "preconditions": ["uid": .string(pod.uid)]])
        } else if pod.value["status"]["phase"].string == "Pending" {
            if let isFailure = Self.isFailure(behaviour, pod) { return try await end(pod, isFailure: isFailure) }
            try await cluster.setReady(pod, behaviour != "unready", address: addresses.next())
        }
    }

    private static let nodes: Set = ["n1", "n2"]

    /// Of a Pod that ends by itself.
    private static func isFailure(_ behaviour: String, _ pod: Object) -> Bool? {
        switch behaviour {
        case "succeeds": false
        case "fails": true
        case "fails-odd": (Int(pod.labels["batch.kubernetes.io/job-completion-index"] ?? "") ?? 0) % 2 == 1
        default: nil
        }
    }

    private static func wantedNode(_ pod: Object) -> Value {
        let required = pod.value["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        let field = required["nodeSelectorTerms"][0]["matchFields"][0]
        return field["key"].string == "metadata.name" ? field["values"][0] : "n1"
    }

    private func end(_ pod: Object, isFailure: Bool) async throws {
        let ended: Value = ["exitCode": isFailure ? 3 : 0, "finishedAt": .string(Timestamp.now())]
        _ = try await cluster.client.patch(
            .pods, namespace: pod.namespace, name: pod.name, subresource: "status", .merge,
            [
                "status": [
                    "phase": isFailure ? "Failed" : "Succeeded",
                    "containerStatuses": [
                        [
                            "name": "c", "image": "a", "imageID": "", "ready": false, "restartCount": 0, "state": ["terminated": ended],
                        ]
                    ],
                ]
            ])
    }

    private final class Counter: Sendable {
        private let count = Mutex(1)
        func next() -> String {
            let number = count.withLock { count in
                count += 1
                return count
            }
            return "10.1.\(number / 250).\(number % 250 + 1)"
        }
    }
}

extension Cluster {
    /// Says that a Pod runs. `address` is kept when it has one.
    func setReady(_ pod: Object, _ isReady: Bool, address: String? = nil) async throws {
        let condition: Value = ["type": "Ready", "status": isReady ? "True" : "False", "lastTransitionTime": .string(Timestamp.now())]
        var status: Value = ["phase": "Running", "conditions": [condition]]
        if let address {
            status["podIP"] = .string(address)
            status["podIPs"] = [["ip": .string(address)]]
        }
        _ = try await client.patch(
            .pods, namespace: pod.namespace, name: pod.name, subresource: "status", .strategicMerge, ["status": status])
    }
}
