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
}
