import APIModel
import Client
import Testing

@Suite(.serialized) struct SilentNodesTests {
    /// When many Nodes fall silent at once, each costs its own Pods: what is read does not grow with Nodes times Pods.
    @Test func manySilentNodesCostTheirOwnPodsAlone() async throws {
        let (nodes, podsOfEach) = (80, 5)
        let setup = Cluster.Setup(
            config: [
                "node-lifecycle": ["nodeMonitorGracePeriodSeconds": 3, "nodeEvictionRate": 1000, "secondaryNodeEvictionRate": 1000]
            ], only: ["node-lifecycle", "taint-eviction"], hasKubelet: false)
        try await Cluster.with(setup) { cluster in
            // One is well: if all were silent, none would lose its Pods.
            try await cluster.addNode("well")
            let beat = cluster.beat("well")
            defer { beat.cancel() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in 0..<nodes {
                    group.addTask {
                        try await cluster.addNode("n\(node)")
                        for index in 0..<podsOfEach {
                            _ = try await cluster.client.create(
                                .pods, namespace: "default",
                                pod("p\(node)-\(index)", app: "web", spec: ["nodeName": .string("n\(node)"), "tolerations": Self.none]))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let before = cluster.cache.reads
            try await cluster.wait(for: .pods, "all evicted", seconds: 60) { pods in
                pods.count == nodes * podsOfEach && pods.allSatisfy(\.isBeingDeleted)
            }
            // Of each Node: a look when it falls silent, one after each of its own changes, and one for each of its Pods that is evicted.
            let looks = nodes * (10 + 2 * podsOfEach)
            #expect(cluster.cache.reads - before < looks * (4 + podsOfEach))
        }
    }

    /// A silent Node's Pods go at once.
    private static let none: Value = .array(
        ["not-ready", "unreachable"].map {
            ["key": .string("node.kubernetes.io/\($0)"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0]
        })
}
