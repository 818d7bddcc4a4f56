import APIModel
import Testing

@testable import Kubelet

/// What tells the cluster every few seconds that the node lives.
@Suite struct NodeLeaseTests {
    private static func lease(_ bench: Bench) -> Value? { bench.client.object(.leases, "kube-node-lease", "node") }

    /// Also one that was there before anybody knew the Node: it goes with it.
    @Test func belongsToItsNode() async throws {
        let bench = Bench { $0.leaseSeconds = 1 }
        defer { bench.directory.remove() }
        bench.client.put(
            .leases,
            [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "node", "namespace": "kube-node-lease"],
                "spec": ["holderIdentity": "node"],
            ])
        let reporter = NodeReporter(
            configuration: bench.context.configuration, client: bench.client, cri: bench.context.cri, machine: bench.context.machine,
            pressure: bench.context.pressure, identity: RuntimeIdentity(), events: bench.events, volumesInUse: { [] }, wakeup: Wakeup(),
            ready: Wakeup(), log: bench.context.log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await reporter.run() }
            defer { group.cancelAll() }
            try await bench.eventually("owned") {
                guard let uid = bench.client.object(.nodes, nil, "node")?["metadata"]["uid"] else { return false }
                let owner: Value = ["apiVersion": "v1", "kind": "Node", "name": "node", "uid": uid]
                return Self.lease(bench)?["metadata"]["ownerReferences"] == [owner]
            }
            let before = Self.lease(bench)?["spec"]["renewTime"]
            try await bench.eventually("renewed") { Self.lease(bench)?["spec"]["renewTime"] != before }
        }
    }
}
