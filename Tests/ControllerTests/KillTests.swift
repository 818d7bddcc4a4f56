import APIModel
import Client
import Foundation
import PluginHost
import Synchronization
import TestSupport
import Testing

/// A controller keeps nothing that it cannot find again: whenever its process is killed, what it was about comes to the same end.
@Suite(.serialized) struct KillTests {
    private static let controllers = ["deployment", "replicaset", "job", "statefulset", "garbage-collector", "namespace"]
    private static let compared: [GroupVersionResource] = [
        .deployments, .replicaSets, .statefulSets, .revisions, .jobs, .pods, .claims, .configMaps,
    ]

    /// What is killed after a write knows neither that it was done nor what was answered; between two writes only what was read is lost. So
    /// in round `n` each is killed at its `n`th write, until there is no round in which any writes as often.
    @Test func aKilledControllerGoesOnWhereItWas() async throws {
        let killer = Killer()
        let isolated: @Sendable (String) -> String = {
            $0.replacingOccurrences(of: "  required: true\n", with: "  required: true\n  isolation: Process\n")
        }
        var setup = Cluster.Setup(
            only: Set(Self.controllers),
            manifests: Dictionary(uniqueKeysWithValues: Self.controllers.map { ("controller-\($0).yaml", isolated) }))
        setup.didWrite = { killer.didWrite($0) }
        try await Cluster.with(setup) { cluster in
            killer.take(cluster.plugins)
            try await Self.work(cluster, in: "undisturbed")
            try await cluster.wait(for: .deployments, in: "undisturbed", "web", "its Pods") { $0?["status"]["availableReplicas"] == 2 }
            try await cluster.wait(for: .statefulSets, in: "undisturbed", "db", "its Pods") { $0?["status"]["readyReplicas"] == 2 }
            try await cluster.wait(for: .jobs, in: "undisturbed", "pi", "its end") {
                condition($0 ?? .null, "Complete")["status"] == "True"
            }
            try await cluster.waitUntilQuiet()
            var expected: [GroupVersionResource: [String]] = [:]
            for resource in Self.compared {
                expected[resource] = Self.summaries(try await cluster.client.list(resource, namespace: "undisturbed").items)
            }
            #expect(expected[.pods]?.count == 6 && expected[.configMaps]?.count == 1)
            let ends = expected

            var rounds: [String] = []
            var killed: [String: Int] = [:]
            while true {
                let round = "round-\(rounds.count + 1)"
                // After three deaths the next process is waited for too long: another manifest is an instance that has died never.
                for var manifest in cluster.plugins.manifests where rounds.count % 3 == 0 && Self.controllers.contains(manifest.name) {
                    manifest.deadline = .seconds(600 + rounds.count)
                    await cluster.plugins.apply(manifest)
                }
                killer.aim(at: rounds.count + 1)
                try await Self.work(cluster, in: round)
                for resource in Self.compared {
                    try await cluster.wait(for: resource, in: round, "the same end of \(resource.resource)") {
                        Self.summaries($0) == ends[resource]
                    }
                }
                let hit = killer.hit
                if hit.isEmpty { break }
                rounds.append(round)
                for name in hit { killed[name, default: 0] += 1 }
            }
            try await cluster.waitUntilQuiet()
            for round in rounds {
                for resource in Self.compared {
                    let settled = try await cluster.client.list(resource, namespace: round).items
                    #expect(Self.summaries(settled) == ends[resource], "\(round)")
                }
            }
            #expect(Self.controllers.allSatisfy { killed[$0, default: 0] >= 3 }, "\(killed)")
        }
    }

    /// Gives everybody something to do in a namespace, and has another one deleted.
    private static func work(_ cluster: Cluster, in namespace: String) async throws {
        let (client, doomed) = (cluster.client, "\(namespace)-doomed")
        for name in [namespace, doomed] {
            _ = try await client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
            try await cluster.wait(for: .serviceAccounts, in: name, "a ServiceAccount") { !$0.isEmpty }
        }
        for (name, propagation) in [("back", "Background"), ("front", "Foreground"), ("free", "Orphan")] {
            let map = try await client.create(.configMaps, namespace: namespace, configMap(name))
            _ = try await client.create(
                .configMaps, namespace: namespace, configMap("of-\(name)", owners: [owner(map, blocks: name == "front")]))
            // What a collector has not seen it cannot leave to itself.
            try await eventually("the dependent is known", within: .seconds(30)) {
                cluster.cache.get(.configMaps, namespace: namespace, name: "of-\(name)") != nil
            }
            try await cluster.delete(.configMaps, in: namespace, name, propagation)
        }
        _ = try await client.create(.configMaps, namespace: doomed, configMap("map"))
        _ = try await client.create(.pods, namespace: doomed, pod("p", app: "p"))
        try await cluster.delete(.namespaces, in: nil, doomed)
        _ = try await client.create(.deployments, namespace: namespace, deployment("web", replicas: 2))
        _ = try await client.create(
            .jobs, namespace: namespace, job("pi", hollow: "succeeds", ["completions": 2, "parallelism": 2]))
        let claim: Value = [
            "metadata": ["name": "data"], "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
        ]
        _ = try await client.create(
            .statefulSets, namespace: namespace,
            statefulSet(
                "db", replicas: 2,
                ["volumeClaimTemplates": [claim], "persistentVolumeClaimRetentionPolicy": ["whenDeleted": "Delete"]]))
        try await cluster.wait(for: .namespaces, doomed, "to go") { $0 == nil }
    }

    private static func summaries(_ objects: [Object]) -> [String] { objects.map(summary).sorted() }

    /// What must be alike of two objects that are of different namespaces and times.
    private static func summary(_ object: Object) -> String {
        let (value, metadata) = (object.value, object.metadata)
        let counts = value["status"].fields.filter { $0.key != "observedGeneration" }.compactMap { field, count in
            count.int.map { "\(field)=\($0)" }
        }
        let conditions = value["status"]["conditions"].elements.map { state in
            "\(state["type"].string ?? "")=\(state["status"].string ?? "") \(state["reason"].string ?? "")"
        }
        let owners = metadata["ownerReferences"].elements.map { "\($0["kind"].string ?? "") \($0["name"].string ?? "")" }
        return [
            metadata["generateName"].string ?? object.name, "\(value["revision"].int ?? 0)", value["status"]["phase"].string ?? "",
            "\(object.isBeingDeleted)", "\(owners)", "\(metadata["finalizers"].elements.compactMap(\.string))", "\(counts.sorted())",
            "\(conditions.sorted())",
        ].joined(separator: "; ")
    }

    /// Kills the process of a plugin when so many of its writes are done.
    private final class Killer: Sendable {
        private struct State {
            var plugins: PluginHost?
            var count: Int?
            var writes: [String: Int] = [:]
            var hit: Set<String> = []
        }

        private let state = Mutex(State())

        func take(_ plugins: PluginHost) { state.withLock { $0.plugins = plugins } }

        /// From now on, counted from here.
        func aim(at count: Int) { state.withLock { ($0.count, $0.writes, $0.hit) = (count, [:], []) } }

        var hit: Set<String> { state.withLock { $0.hit } }

        func didWrite(_ plugin: String) {
            let plugins = state.withLock { state in
                state.writes[plugin, default: 0] += 1
                return state.writes[plugin] == state.count ? state.plugins : nil
            }
            guard let pid = plugins?.plugins.first(where: { $0.name == plugin })?.pid, kill(pid, SIGKILL) == 0 else { return }
            state.withLock { _ = $0.hit.insert(plugin) }
        }
    }
}
