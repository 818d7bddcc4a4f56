import APIModel
import Client
import ControllerManager
import PluginHost
import Synchronization
import Testing

/// Controllers change while Deployments are scaled.
@Suite struct ControllerSwapTests {
    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        let manager = ControllerManager(services: world.services, plugins: world.plugins, log: world.log)
        return [{ try await manager.run() }]
    }

    @Test(.timeLimit(.minutes(5))) func swapsWhileDeploymentsAreScaledMakeNothingTwice() async throws {
        let names = (0..<6).map { "d\($0)" }
        // Up and down, with one swap during each: both controllers to other settings and back, and each into a process of its own and back.
        let steps: [(replicas: Int, swap: PluginManifest)] = [
            (8, try Built.manifest("replicaset") { $0.controller?.workers = 2 }),
            (3, try Built.manifest("deployment") { $0.controller?.workers = 2 }),
            (12, try Built.manifest("replicaset") { $0.isolation = .process }),
            (5, try Built.manifest("deployment") { $0.isolation = .process }),
            (15, try Built.manifest("replicaset")),
            (2, try Built.manifest("deployment")),
            (9, try Built.manifest("replicaset") { $0.deadline = .seconds(20) }),
        ]
        try await World.with([try Built.manifest("replicaset"), try Built.manifest("deployment")], loops: Self.loops) { world in
            try await world.addServiceAccount()
            let made = Made()
            let observation = world.seen.observe([.pods, .replicaSets]) { resource, before, after in
                if before == nil, let after { made.add(resource, after.uid) }
            }
            defer { observation.cancel() }
            for name in names { _ = try await world.client.create(.deployments, namespace: "default", Self.deployment(name)) }
            var (replicas, wanted) = (1, names.count)
            try await Self.waitUntilSettled(world, names, replicas)
            for step in steps {
                wanted += names.count * max(0, step.replicas - replicas)
                replicas = step.replicas
                try await withThrowingDiscardingTaskGroup { group in
                    group.addTask { try await world.apply(step.swap) }
                    for name in names {
                        group.addTask {
                            _ = try await world.client.patch(
                                .deployments, namespace: "default", name: name, subresource: nil, .merge,
                                ["spec": ["replicas": Value(step.replicas)]])
                        }
                    }
                }
                try await Self.waitUntilSettled(world, names, replicas)
                // One that was made twice would have been counted, although it is gone by now.
                #expect(made.count(.replicaSets) == names.count)
                #expect(made.count(.pods) == wanted, "after \(step.swap.name) was swapped at \(step.replicas) replicas")
            }
            #expect(world.plugins.plugins.allSatisfy { $0.violations == 0 && $0.forbidden == 0 })
        }
    }

    private static func deployment(_ name: String) -> Value {
        [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name), "namespace": "default"],
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["app": .string(name)]],
                "template": [
                    "metadata": ["labels": ["app": .string(name)]],
                    "spec": ["automountServiceAccountToken": false, "containers": [["name": "c", "image": "a"]]],
                ],
            ],
        ]
    }

    /// Waits until there are as many Pods as are wanted, no more and no fewer, and both controllers say so of all they are for.
    private static func waitUntilSettled(_ world: World, _ names: [String], _ replicas: Int) async throws {
        try await world.wait(for: .pods, "\(replicas) Pods of each Deployment") { pods in
            pods.count == names.count * replicas && names.allSatisfy { name in pods.count { $0.labels["app"] == name } == replicas }
        }
        for resource in [GroupVersionResource.replicaSets, .deployments] {
            try await world.wait(for: resource, "the status of each") { objects in
                objects.count == names.count
                    && objects.allSatisfy { object in
                        object.value["status"]["replicas"].int == Whole(replicas)
                            && object.value["status"]["observedGeneration"] == object.value["metadata"]["generation"]
                    }
            }
        }
    }
}

/// The objects that ever were, by kind.
private final class Made: Sendable {
    private let uids = Mutex<[GroupVersionResource: Set<String>]>([:])
    func add(_ resource: GroupVersionResource, _ uid: String) { uids.withLock { _ = $0[resource, default: []].insert(uid) } }
    func count(_ resource: GroupVersionResource) -> Int { uids.withLock { $0[resource]?.count ?? 0 } }
}
