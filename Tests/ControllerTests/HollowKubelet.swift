import APIModel
import Client
import Synchronization

/// Binds Pods to the Node `n1` and says that they run, at once. The label `hollow` of a Pod asks for something else: `pending` leaves it
/// unbound, `unready` lets it run without becoming ready, `lingering` lets it never end.
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
                "target": ["apiVersion": "v1", "kind": "Node", "name": "n1"],
            ]
            _ = try await cluster.client.create(.pods, namespace: pod.namespace, name: pod.name, subresource: "binding", binding)
        } else if node != "n1" {
            return
        } else if pod.isBeingDeleted {
            guard behaviour != "lingering" else { return }
            try await cluster.client.delete(
                .pods, namespace: pod.namespace, name: pod.name,
                options: ["gracePeriodSeconds": 0, "preconditions": ["uid": .string(pod.uid)]])
        } else if pod.value["status"]["phase"].string == "Pending" {
            try await cluster.setReady(pod, behaviour != "unready", address: addresses.next())
        }
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
