import APIModel
import Client
import Foundation
import Testing

@Suite(.serialized) struct IsolationTests {
    /// The same libraries in processes of their own: what they did is what they see, there, too.
    @Test func controllersWorkAlikeInProcessesOfTheirOwn() async throws {
        let isolated: @Sendable (String) -> String = {
            $0.replacingOccurrences(of: "  required: true\n", with: "  required: true\n  isolation: Process\n")
        }
        let names = ["job", "statefulset", "daemonset", "disruption"]
        let setup = Cluster.Setup(manifests: Dictionary(uniqueKeysWithValues: names.map { ("controller-\($0).yaml", isolated) }))
        try await Cluster.with(setup) { cluster in
            let client = cluster.client
            _ = try await client.create(
                .jobs, namespace: "default", job("pi", hollow: "succeeds", ["completions": 4, "parallelism": 2]))
            _ = try await client.create(.statefulSets, namespace: "default", statefulSet("db", replicas: 2))
            _ = try await client.create(.daemonSets, namespace: "default", daemonSet("log"))
            let done = try await cluster.wait(for: .jobs, "pi", "its end") { condition($0 ?? .null, "Complete")["status"] == "True" }
            #expect(done["status"]["succeeded"] == 4)
            try await cluster.wait(for: .statefulSets, "db", "2 ready") { $0?["status"]["readyReplicas"] == 2 }
            try await cluster.wait(for: .daemonSets, "log", "1 ready") { $0?["status"]["numberReady"] == 1 }
            try await cluster.waitUntilQuiet()
            let pods = try await client.list(.pods, namespace: "default").items
            #expect(pods.count == 7 && pods.allSatisfy { $0.metadata["finalizers"].isEmpty })
        }
    }
}
