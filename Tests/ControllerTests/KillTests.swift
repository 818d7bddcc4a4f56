import APIModel
import Client
import Foundation
import PluginHost
import Synchronization
import TestSupport
import Testing

/// A controller keeps nothing that it cannot find again: whenever its process is killed, what it was about comes to the same end.
@Suite(.serialized) struct KillTests {
    /// What some controllers are given to do together.
    private struct Work: Sendable {
        /// How often each is to have died at least.
        var controllers: [String: Int]
        /// What has to come to the same end.
        var compared: [GroupVersionResource]
        /// Gives them all something to do in a new namespace.
        var give: @Sendable (_ cluster: Cluster, _ namespace: String) async throws -> Void
        /// Waits until that has come to its end.
        var end: @Sendable (_ cluster: Cluster, _ namespace: String) async throws -> Void
    }

    private static let works = [workloads, surroundings]

    /// What is killed after a write knows neither that it was done nor what was answered; between two writes only what was read is lost. So
    /// in round `n` each is killed at its `n`th write, until there is no round in which any writes as often.
    @Test(arguments: works.indices) func aKilledControllerGoesOnWhereItWas(index: Int) async throws {
        let (work, killer) = (Self.works[index], Killer())
        let names = Set(work.controllers.keys)
        let isolated: @Sendable (String) -> String = {
            $0.replacingOccurrences(of: "  required: true\n", with: "  required: true\n  isolation: Process\n")
        }
        var setup = Cluster.Setup(
            only: names, manifests: Dictionary(uniqueKeysWithValues: names.map { ("controller-\($0).yaml", isolated) }))
        setup.didWrite = { killer.didWrite($0) }
        try await Cluster.with(setup) { cluster in
            killer.take(cluster.plugins)
            // A new Node has a taint until the controller of nodes, who is not here, has seen it ready; a daemon waits for that.
            try await cluster.merge(.nodes, in: nil, "n1", ["spec": ["taints": []]])
            try await Self.give(work, cluster, "undisturbed")
            try await work.end(cluster, "undisturbed")
            try await cluster.waitUntilQuiet()
            var expected: [GroupVersionResource: [String]] = [:]
            for resource in work.compared {
                expected[resource] = Self.summaries(try await cluster.client.list(resource, namespace: "undisturbed").items)
                #expect(expected[resource]?.isEmpty == false)
            }
            let ends = expected

            var rounds: [String] = []
            var killed: [String: Int] = [:]
            while true {
                let round = "round-\(rounds.count + 1)"
                // After three deaths the next process is waited for too long: another manifest is an instance that has died never.
                for var manifest in cluster.plugins.manifests where rounds.count % 3 == 0 && names.contains(manifest.name) {
                    manifest.deadline = .seconds(600 + rounds.count)
                    await cluster.plugins.apply(manifest)
                }
                killer.aim(at: rounds.count + 1)
                try await Self.give(work, cluster, round)
                for resource in work.compared {
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
                for resource in work.compared {
                    let settled = try await cluster.client.list(resource, namespace: round).items
                    #expect(Self.summaries(settled) == ends[resource], "\(round)")
                }
            }
            #expect(work.controllers.allSatisfy { killed[$0.key, default: 0] >= $0.value }, "\(killed)")
        }
    }

    private static func give(_ work: Work, _ cluster: Cluster, _ namespace: String) async throws {
        try await makeNamespace(namespace, cluster)
        try await work.give(cluster, namespace)
    }

    private static func makeNamespace(_ name: String, _ cluster: Cluster) async throws {
        _ = try await cluster.client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        try await cluster.wait(for: .serviceAccounts, in: name, "a ServiceAccount") { !$0.isEmpty }
    }

    private static let workloads = Work(
        controllers: ["deployment": 3, "replicaset": 3, "job": 3, "statefulset": 3, "garbage-collector": 3, "namespace": 3],
        compared: [.deployments, .replicaSets, .statefulSets, .revisions, .jobs, .pods, .claims, .configMaps]
    ) { cluster, namespace in
        let (client, doomed) = (cluster.client, "\(namespace)-doomed")
        try await makeNamespace(doomed, cluster)
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
    } end: { cluster, namespace in
        try await cluster.wait(for: .deployments, in: namespace, "web", "its Pods") { $0?["status"]["availableReplicas"] == 2 }
        try await cluster.wait(for: .statefulSets, in: namespace, "db", "its Pods") { $0?["status"]["readyReplicas"] == 2 }
        try await cluster.wait(for: .jobs, in: namespace, "pi", "its end") { condition($0 ?? .null, "Complete")["status"] == "True" }
    }

    private static let deviceClaims = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaims")
    private static let deviceTemplates = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaimtemplates")

    /// Daemons, and what Pods and Services have around them.
    private static let surroundings = Work(
        controllers: [
            "daemonset": 3, "endpointslice": 3, "persistentvolume-binder": 3, "persistentvolumeclaim-protection": 1, "ephemeral-volume": 1,
            "resourceclaim": 2,
        ], compared: [.daemonSets, .revisions, .pods, .endpointSlices, .claims, deviceClaims]
    ) { cluster, namespace in
        let client = cluster.client
        _ = try await client.create(
            .services, namespace: namespace,
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "log"],
                "spec": ["selector": ["app": "log"], "ports": [["port": 80]]],
            ])
        _ = try await client.create(.daemonSets, namespace: namespace, daemonSet("log"))
        let claim: Value = [
            "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]], "storageClassName": .string(namespace),
        ]
        for name in ["bound", "gone"] {
            _ = try await client.create(
                .claims, namespace: namespace,
                ["apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": .string(name)], "spec": claim])
        }
        try await cluster.delete(.claims, in: namespace, "gone")
        try await cluster.wait(for: .claims, in: namespace, "gone", "to go") { $0 == nil }
        _ = try await client.create(
            .volumes,
            [
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": .string(namespace)],
                "spec": [
                    "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"], "hostPath": ["path": "/nowhere"],
                    "storageClassName": .string(namespace),
                ],
            ])
        let devices: Value = ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "c"]]]]]
        _ = try await client.create(
            deviceTemplates, namespace: namespace,
            [
                "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": ["name": "t"],
                "spec": ["spec": devices],
            ])
        // Of no class that there is, so that it stays as it was made.
        let scratch: Value = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]], "storageClassName": ""]
        _ = try await client.create(
            .pods, namespace: namespace,
            pod(
                "p", app: "p",
                spec: [
                    "volumes": [["name": "scratch", "ephemeral": ["volumeClaimTemplate": ["spec": scratch]]]],
                    "resourceClaims": [["name": "gpu", "resourceClaimTemplateName": "t"]],
                ]))
        try await cluster.wait(for: .daemonSets, in: namespace, "log", "its Pod") { $0?["status"]["numberReady"] == 1 }
        try await cluster.merge(.daemonSets, in: namespace, "log", newImage("b"))
    } end: { cluster, namespace in
        try await cluster.wait(for: .daemonSets, in: namespace, "log", "its new Pod") {
            $0?["status"]["updatedNumberScheduled"] == 1 && $0?["status"]["numberAvailable"] == 1
                && $0?["status"]["observedGeneration"] == $0?["metadata"]["generation"]
        }
        try await cluster.wait(for: .claims, in: namespace, "bound", "its volume") { $0?["status"]["phase"] == "Bound" }
        try await cluster.wait(for: .pods, in: namespace, "p", "its claim") { !($0?["status"]["resourceClaimStatuses"].isEmpty ?? true) }
        try await cluster.wait(for: .endpointSlices, in: namespace, "an endpoint") { slices in
            slices.contains { $0.value["endpoints"].elements.count { $0["conditions"]["ready"].bool == true } == 1 }
        }
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
            "\(conditions.sorted())", "\(value["endpoints"].elements.count { $0["conditions"]["ready"].bool == true })",
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
