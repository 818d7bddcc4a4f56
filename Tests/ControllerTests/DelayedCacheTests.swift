import APIModel
import Client
import Foundation
import Synchronization
import Testing

/// Controllers keep no expectations: what they did is what they see, however late the cache hears of it.
@Suite(.serialized) struct DelayedCacheTests {
    private final class Seen: Sendable {
        private let pods = Mutex<[String: Set<String>]>([:])
        func note(_ live: [String: Value]) {
            pods.withLock { pods in
                for (uid, pod) in live { pods[pod["metadata"]["labels"]["app"].string ?? "", default: []].insert(uid) }
            }
        }
        var counts: [String: Int] { pods.withLock { $0.mapValues(\.count) } }
    }

    private static let names: Set = ["replicaset", "deployment", "job", "statefulset", "daemonset", "node-lifecycle"]

    @Test(arguments: [false, true]) func nothingIsMadeTwice(isIsolated: Bool) async throws {
        let isolated: @Sendable (String) -> String = {
            $0.replacingOccurrences(of: "  required: true\n", with: "  required: true\n  isolation: Process\n")
        }
        let manifests: [String: @Sendable (String) -> String] =
            isIsolated ? Dictionary(uniqueKeysWithValues: Self.names.map { ("controller-\($0).yaml", isolated) }) : [:]
        try await Cluster.with(Cluster.Setup(only: Self.names, manifests: manifests, cacheDelay: .seconds(1))) { cluster in
            let client = cluster.client
            let seen = Seen()
            let recording = try await cluster.record(.pods) { seen.note($0) }
            defer { recording.cancel() }
            _ = try await client.create(.deployments, namespace: "default", deployment("web", replicas: 4))
            _ = try await client.create(
                .jobs, namespace: "default", job("pi", hollow: "succeeds", ["completions": 4, "parallelism": 2]))
            _ = try await client.create(.statefulSets, namespace: "default", statefulSet("db", replicas: 2))
            _ = try await client.create(.daemonSets, namespace: "default", daemonSet("log"))
            try await cluster.wait(for: .jobs, "pi", "its end", seconds: 90) { condition($0 ?? .null, "Complete")["status"] == "True" }
            try await cluster.wait(for: .statefulSets, "db", "2 ready", seconds: 90) { $0?["status"]["readyReplicas"] == 2 }
            try await cluster.wait(for: .daemonSets, "log", "1 ready") { $0?["status"]["numberReady"] == 1 }
            try await cluster.wait(for: .deployments, "web", "4 available") { $0?["status"]["availableReplicas"] == 4 }
            // A scale down and up again while the cache is still behind.
            for replicas in [1, 3] { try await cluster.merge(.deployments, "web", ["spec": ["replicas": Value(replicas)]]) }
            try await cluster.wait(for: .deployments, "web", "3 available") { deployment in
                deployment?["status"]["availableReplicas"] == 3 && deployment?["status"]["replicas"] == 3
                    && deployment?["status"]["observedGeneration"] == deployment?["metadata"]["generation"]
            }
            try await cluster.waitUntilQuiet()
            let counts = seen.counts
            #expect(counts["pi"] == 4 && counts["db"] == 2 && counts["log"] == 1)
            // At most the two that the scale to one may have taken are made anew.
            #expect((4...6).contains(counts["web"] ?? 0))
        }
    }

    /// What Pods and Services have around them: slices, claims, volumes, devices.
    @Test func surroundingsAreMadeOnce() async throws {
        let deviceClaims = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaims")
        let names: Set = [
            "replicaset", "endpointslice", "endpointslicemirroring", "persistentvolume-binder", "persistentvolumeclaim-protection",
            "ephemeral-volume", "resourceclaim", "disruption",
        ]
        try await Cluster.with(Cluster.Setup(only: names, cacheDelay: .seconds(1))) { cluster in
            let client = cluster.client
            let made = Mutex<[String: Set<String>]>([:])
            let kinds = [GroupVersionResource.endpointSlices, .claims, deviceClaims]
            var recordings: [Task<Void, any Error>] = []
            for kind in kinds {
                recordings.append(
                    try await cluster.record(kind) { live in made.withLock { $0[kind.resource, default: []].formUnion(live.keys) } })
            }
            defer { for recording in recordings { recording.cancel() } }

            _ = try await client.create(.replicaSets, namespace: "default", replicaSet("web", replicas: 3))
            for (name, selector) in [("web", ["app": "web"]), ("byhand", .null)] as [(String, Value)] {
                _ = try await client.create(
                    .services, namespace: "default",
                    [
                        "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
                        "spec": ["selector": selector, "ports": [["port": 80]]],
                    ])
            }
            _ = try await client.create(
                .endpoints, namespace: "default",
                [
                    "apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "byhand"],
                    "subsets": [["addresses": [["ip": "192.0.2.7"]], "ports": [["port": 80]]]],
                ])
            _ = try await client.create(
                .budgets, namespace: "default",
                [
                    "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "web"],
                    "spec": ["maxUnavailable": 1, "selector": ["matchLabels": ["app": "web"]]],
                ])
            for name in ["a", "b"] {
                let name = Value.string(name)
                let modes: Value = ["ReadWriteOnce"]
                _ = try await client.create(
                    .volumes,
                    [
                        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": name],
                        "spec": [
                            "accessModes": modes, "storageClassName": "none", "capacity": ["storage": "1Gi"],
                            "hostPath": ["path": "/nowhere"],
                        ],
                    ])
                _ = try await client.create(
                    .claims, namespace: "default",
                    [
                        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": name],
                        "spec": ["accessModes": modes, "storageClassName": "none", "resources": ["requests": ["storage": "1Gi"]]],
                    ])
            }
            let devices: Value = ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "c"]]]]]
            _ = try await client.create(
                GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaimtemplates"), namespace: "default",
                [
                    "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": ["name": "t"],
                    "spec": ["spec": devices],
                ])
            let scratch: Value = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]], "storageClassName": ""]
            _ = try await client.create(
                .pods, namespace: "default",
                pod(
                    "p", app: "p",
                    spec: [
                        "volumes": [["name": "scratch", "ephemeral": ["volumeClaimTemplate": ["spec": scratch]]]],
                        "resourceClaims": [["name": "gpu", "resourceClaimTemplateName": "t"]],
                    ]))

            @Sendable func serving(_ slices: [Object], _ service: String) -> Int {
                slices.filter { $0.labels["kubernetes.io/service-name"] == service }
                    .reduce(0) { $0 + $1.value["endpoints"].elements.count { $0["conditions"]["ready"].bool == true } }
            }
            try await cluster.wait(for: .endpointSlices, in: "default", "4 endpoints", seconds: 60) {
                serving($0, "web") == 3 && serving($0, "byhand") == 1
            }
            try await cluster.merge(.replicaSets, "web", ["spec": ["replicas": 1]])
            try await cluster.wait(for: .endpointSlices, in: "default", "2 endpoints", seconds: 60) { serving($0, "web") == 1 }
            try await cluster.wait(for: .claims, in: "default", "2 with a volume", seconds: 60) { claims in
                Set(claims.filter { $0.value["status"]["phase"] == "Bound" }.compactMap { $0.value["spec"]["volumeName"].string })
                    == ["a", "b"]
            }
            try await cluster.wait(for: .budgets, in: "default", "web", "a count") { $0?["status"]["currentHealthy"] == 1 }
            try await cluster.wait(for: .pods, in: "default", "p", "its claim") {
                !($0?["status"]["resourceClaimStatuses"].isEmpty ?? true)
            }
            try await cluster.waitUntilQuiet()
            #expect(made.withLock { $0.mapValues(\.count) } == ["endpointslices": 2, "persistentvolumeclaims": 3, "resourceclaims": 1])
        }
    }
}
