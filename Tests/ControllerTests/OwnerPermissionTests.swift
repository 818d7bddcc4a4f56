import APIModel
import Client
import Testing

/// With `OwnerReferencesPermissionEnforcement`, which is off by default, who makes an object hold up its owner's deletion must be allowed
/// to change the owner's finalizers: that is what the rules about `finalizers` in the manifests are for.
@Suite(.serialized) struct OwnerPermissionTests {
    private static let controllers: Set = [
        "cronjob", "job", "deployment", "replicaset", "replicationcontroller", "statefulset", "daemonset", "endpoints", "endpointslice",
        "endpointslicemirroring", "ephemeral-volume", "node-lifecycle", "garbage-collector", "persistentvolumeclaim-protection",
    ]

    private static let disk: Value = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]

    @Test func controllersMayHoldUpTheirOwners() async throws {
        var setup = Cluster.Setup(only: Self.controllers)
        setup.admission = ["OwnerReferencesPermissionEnforcement"]
        try await Cluster.with(setup) { cluster in
            let client = cluster.client
            _ = try await client.create(.deployments, namespace: "default", deployment("web", replicas: 1))
            _ = try await client.create(.daemonSets, namespace: "default", daemonSet("log"))
            _ = try await client.create(
                .replicationControllers, namespace: "default",
                [
                    "apiVersion": "v1", "kind": "ReplicationController", "metadata": ["name": "old"],
                    "spec": ["replicas": 1, "template": template(app: "old")],
                ])
            _ = try await client.create(
                .statefulSets, namespace: "default",
                statefulSet(
                    "db", replicas: 2,
                    [
                        "volumeClaimTemplates": [["metadata": ["name": "data"], "spec": Self.disk]],
                        "persistentVolumeClaimRetentionPolicy": ["whenDeleted": "Delete", "whenScaled": "Delete"],
                    ]))
            var cron: Value = [
                "apiVersion": "batch/v1", "kind": "CronJob", "metadata": ["name": "tick"], "spec": ["schedule": "@every 1s"],
            ]
            cron["spec"]["jobTemplate"]["spec"] = job("x", hollow: "succeeds")["spec"]
            _ = try await client.create(.cronJobs, namespace: "default", cron)
            _ = try await client.create(
                .pods, namespace: "default",
                pod("p", app: "x", spec: ["volumes": [["name": "scratch", "ephemeral": ["volumeClaimTemplate": ["spec": Self.disk]]]]]))
            _ = try await client.create(
                .endpoints, namespace: "default",
                [
                    "apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "hand"],
                    "subsets": [["addresses": [["ip": "10.9.0.2"]], "ports": [["port": 1]]]],
                ])
            for (name, selector) in [("web", ["app": "web"] as Value), ("hand", .null)] {
                _ = try await client.create(
                    .services, namespace: "default",
                    [
                        "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
                        "spec": ["selector": selector, "ports": [["port": 1]]],
                    ])
            }

            @Sendable func holds(_ kind: String, _ name: String) -> @Sendable (Object) -> Bool {
                { object in
                    let owner = object.controllerReference
                    return owner["kind"].string == kind && owner["name"].string?.hasPrefix(name) == true
                        && owner["blockOwnerDeletion"].bool == true
                }
            }
            let expected: [(GroupVersionResource, kind: String, name: String)] = [
                (.replicaSets, "Deployment", "web"), (.pods, "ReplicaSet", "web"), (.pods, "DaemonSet", "log"),
                (.pods, "ReplicationController", "old"), (.pods, "StatefulSet", "db"), (.claims, "StatefulSet", "db"),
                (.jobs, "CronJob", "tick"), (.pods, "Job", "tick"), (.claims, "Pod", "p"), (.endpointSlices, "Service", "web"),
                (.endpointSlices, "Endpoints", "hand"),
            ]
            for (resource, kind, name) in expected {
                try await cluster.wait(for: resource, in: "default", "one of \(kind) \(name)") { $0.contains(where: holds(kind, name)) }
            }
            // A claim goes with the Pod that is scaled away: it changes hands first.
            try await cluster.wait(for: .statefulSets, "db", "2 ready") { $0?["status"]["readyReplicas"] == 2 }
            try await cluster.merge(.statefulSets, "db", ["spec": ["replicas": 1]])
            try await cluster.wait(for: .claims, in: "default", "data-db-1", "to go") { $0 == nil }
        }
    }
}
