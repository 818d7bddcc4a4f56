import APIModel
import Client
import Synchronization
import Testing

@Suite(.serialized) struct GarbageTests {
    private static func make(_ cluster: Cluster, hollow: String? = nil) async throws {
        _ = try await cluster.client.create(.deployments, namespace: "default", deployment("web", replicas: 2, hollow: hollow))
        try await cluster.wait(for: .deployments, "web", "complete") { $0?["status"]["availableReplicas"].int == 2 }
    }

    @Test func backgroundDeletionTakesDependentsAlong() async throws {
        try await Cluster.with { cluster in
            try await Self.make(cluster)
            try await cluster.delete(.deployments, "web", "Background")
            await #expect(throws: APIError.self) { try await cluster.client.get(.deployments, namespace: "default", name: "web") }
            try await cluster.wait(for: .replicaSets, "none") { $0.isEmpty }
            try await cluster.wait(for: .pods, "none") { $0.isEmpty }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func foregroundDeletionKeepsTheOwnerUntilTheDependentsHaveGone() async throws {
        try await Cluster.with { cluster in
            try await Self.make(cluster, hollow: "lingering")
            try await cluster.delete(.deployments, "web", "Foreground")
            let waiting = try await cluster.wait(for: .pods, "all ending") { !$0.isEmpty && $0.allSatisfy(\.isBeingDeleted) }
            let deployment = try await cluster.client.get(.deployments, namespace: "default", name: "web")
            let set = try #require(try await cluster.client.list(.replicaSets, namespace: "default").items.first)
            #expect(
                deployment.isBeingDeleted && deployment.metadata["finalizers"] == ["foregroundDeletion"]
                    && set.metadata["finalizers"] == ["foregroundDeletion"])
            for pod in waiting {
                try await cluster.client.delete(.pods, namespace: "default", name: pod.name, options: ["gracePeriodSeconds": 0])
            }
            try await cluster.wait(for: .replicaSets, "none") { $0.isEmpty }
            try await cluster.wait(for: .deployments, "none") { $0.isEmpty }
            #expect(try await cluster.client.list(.pods, namespace: "default").items.isEmpty)
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func orphaningLeavesDependentsRunning() async throws {
        try await Cluster.with { cluster in
            try await Self.make(cluster)
            let before = Set(try await cluster.client.list(.pods, namespace: "default").items.map(\.uid))
            try await cluster.delete(.deployments, "web", "Orphan")
            try await cluster.wait(for: .deployments, "none") { $0.isEmpty }
            try await cluster.wait(for: .replicaSets, "an orphan") { $0.count == 1 && $0[0].metadata["ownerReferences"].isEmpty }
            try await cluster.waitUntilQuiet()
            #expect(Set(try await cluster.client.list(.pods, namespace: "default").items.map(\.uid)) == before)
            // A new Deployment of the same template takes over.
            let deployment = try await cluster.client.create(.deployments, namespace: "default", deployment("web", replicas: 2))
            try await cluster.wait(for: .replicaSets, "adopted") {
                $0.count == 1 && $0[0].controllerReference["uid"].string == deployment.uid
            }
            try await cluster.waitUntilQuiet()
            #expect(Set(try await cluster.client.list(.pods, namespace: "default").items.map(\.uid)) == before)
        }
    }

    @Test func deletesWhatAllOwnersHaveLeft() async throws {
        try await Cluster.with { cluster in
            let first = try await cluster.client.create(.configMaps, namespace: "default", configMap("first"))
            let second = try await cluster.client.create(.configMaps, namespace: "default", configMap("second"))
            _ = try await cluster.client.create(
                .configMaps, namespace: "default", configMap("shared", owners: [owner(first), owner(second)]))
            try await cluster.delete(.configMaps, "first")
            try await cluster.wait(for: .configMaps, in: "default", "shared", "one owner") {
                $0?["metadata"]["ownerReferences"].elements.map { $0["name"] } == ["second"]
            }
            try await cluster.delete(.configMaps, "second")
            try await cluster.wait(for: .configMaps, in: "default", "shared", "to go") { $0 == nil }
            // An owner that never was.
            var dangling = owner(first)
            dangling["name"] = "nobody"
            _ = try await cluster.client.create(.configMaps, namespace: "default", configMap("dangling", owners: [dangling]))
            try await cluster.wait(for: .configMaps, in: "default", "dangling", "to go") { $0 == nil }
            // An owner of a kind that is not served cannot be judged.
            let foreign: Value = ["apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "1-2-3"]
            _ = try await cluster.client.create(.configMaps, namespace: "default", configMap("foreign", owners: [foreign]))
            // Nor can one whose group another server answers for, which is not to be reached.
            _ = try await cluster.client.create(
                GroupVersionResource(group: "apiregistration.k8s.io", version: "v1", resource: "apiservices"),
                [
                    "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": ["name": "v1.far.example.com"],
                    "spec": [
                        "group": "far.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
                        "insecureSkipTLSVerify": true, "service": ["namespace": "default", "name": "far"],
                    ],
                ])
            let far: Value = ["apiVersion": "far.example.com/v1", "kind": "Star", "name": "s", "uid": "1-2-4"]
            _ = try await cluster.client.create(.configMaps, namespace: "default", configMap("far", owners: [far]))
            // A namespaced owner of a cluster-scoped object is a mistake.
            let wrong = owner(try await cluster.client.create(.configMaps, namespace: "default", configMap("owner")))
            _ = try await cluster.client.create(
                .priorityClasses,
                [
                    "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": ["name": "p", "ownerReferences": [wrong]],
                    "value": 1,
                ])
            try await cluster.waitUntilQuiet()
            for name in ["foreign", "far"] { _ = try await cluster.client.get(.configMaps, namespace: "default", name: name) }
            _ = try await cluster.client.get(.priorityClasses, name: "p")
        }
    }

    @Test func anOwnerThatWaitsGoesWhenItsDependentIsLetGo() async throws {
        try await Cluster.with { cluster in
            let first = try await cluster.client.create(.configMaps, namespace: "default", configMap("first"))
            var held = configMap("held", owners: [owner(first, blocks: true)])
            held["metadata"]["finalizers"] = ["example.com/hold"]
            _ = try await cluster.client.create(.configMaps, namespace: "default", held)
            try await cluster.delete(.configMaps, "first", "Foreground")
            try await cluster.wait(for: .configMaps, in: "default", "held", "being deleted") {
                $0?["metadata"]["deletionTimestamp"].isNull == false
            }
            #expect(try await cluster.client.get(.configMaps, namespace: "default", name: "first").isBeingDeleted)
            try await cluster.merge(.configMaps, "held", ["metadata": ["ownerReferences": []]])
            try await cluster.wait(for: .configMaps, in: "default", "first", "to go") { $0 == nil }
        }
    }

    @Test func aDependentWithAnotherOwnerIsOnlyLetGo() async throws {
        try await Cluster.with { cluster in
            let client = cluster.client
            let (going, staying) = (
                try await client.create(.configMaps, namespace: "default", configMap("going")),
                try await client.create(.configMaps, namespace: "default", configMap("staying"))
            )
            _ = try await client.create(
                .configMaps, namespace: "default", configMap("shared", owners: [owner(going, blocks: true), owner(staying)]))
            _ = try await client.create(.configMaps, namespace: "default", configMap("own", owners: [owner(going, blocks: true)]))
            try await cluster.delete(.configMaps, "going", "Foreground")
            try await cluster.wait(for: .configMaps, in: "default", "going", "to go") { $0 == nil }
            let names = try await client.list(.configMaps, namespace: "default").items.map(\.name)
            #expect(Set(["shared", "staying"]).isSubset(of: names) && !names.contains("own"))
            let shared = try await client.get(.configMaps, namespace: "default", name: "shared")
            #expect(shared.metadata["ownerReferences"].elements.map { $0["name"] } == ["staying"])
        }
    }

    @Test func aCircleOfOwnersGoes() async throws {
        try await Cluster.with { cluster in
            let client = cluster.client
            var made: [Object] = []
            for name in ["a", "b", "c"] { made.append(try await client.create(.configMaps, namespace: "default", configMap(name))) }
            for (index, object) in made.enumerated() {
                try await cluster.merge(
                    .configMaps, object.name, ["metadata": ["ownerReferences": [owner(made[(index + 1) % 3], blocks: true)]]])
            }
            try await cluster.delete(.configMaps, "a", "Foreground")
            try await cluster.wait(for: .configMaps, in: "default", "none of the circle") { objects in
                !objects.contains { ["a", "b", "c"].contains($0.name) }
            }
        }
    }

    @Test func anOwnerInAnotherNamespaceOwnsNothing() async throws {
        try await Cluster.with { cluster in
            let client = cluster.client
            _ = try await client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"]])
            let elsewhere = try await client.create(.configMaps, namespace: "team", configMap("owner"))
            _ = try await client.create(.configMaps, namespace: "default", configMap("child", owners: [owner(elsewhere)]))
            try await cluster.wait(for: .configMaps, in: "default", "child", "to go") { $0 == nil }
            let events = try await cluster.wait(for: .events, in: "default", "an event") { events in
                events.contains { $0.value["reason"] == "OwnerRefInvalidNamespace" }
            }
            let event = try #require(events.first { $0.value["reason"] == "OwnerRefInvalidNamespace" }).value
            #expect(
                event["type"] == "Warning" && event["involvedObject"]["name"] == "child"
                    && event["message"].string
                        == "ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: \(elsewhere.uid)] does not exist in namespace \"default\""
            )
            _ = try await client.get(.configMaps, namespace: "team", name: "owner")
        }
    }
}

@Suite(.serialized) struct NamespaceTests {
    @Test func getsItsAccountAndItsCertificateAndKeepsThem() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"]])
            try await cluster.wait(for: .serviceAccounts, in: "team", "default", "to appear") { $0 != nil }
            let map = try await cluster.wait(for: .configMaps, in: "team", "kube-root-ca.crt", "to appear") { $0 != nil }
            #expect(
                map["data"]["ca.crt"] == "the CA"
                    && map["metadata"]["annotations"]["kubernetes.io/description"].string?.hasPrefix("Contains a CA bundle") == true)
            let uid = try await cluster.client.get(.serviceAccounts, namespace: "team", name: "default").uid
            try await cluster.delete(.serviceAccounts, in: "team", "default")
            try await cluster.wait(for: .serviceAccounts, in: "team", "default", "to come back") {
                $0 != nil && $0?["metadata"]["uid"].string != uid
            }
            try await cluster.delete(.configMaps, in: "team", "kube-root-ca.crt")
            try await cluster.wait(for: .configMaps, in: "team", "kube-root-ca.crt", "to come back") {
                $0 != nil && $0?["metadata"]["uid"] != map["metadata"]["uid"]
            }
            try await cluster.merge(.configMaps, in: "team", "kube-root-ca.crt", ["data": ["ca.crt": "forged"]])
            try await cluster.wait(for: .configMaps, in: "team", "kube-root-ca.crt", "to be put right") {
                $0?["data"]["ca.crt"] == "the CA"
            }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func podsGoBeforeAllElse() async throws {
        try await Cluster.with { cluster in
            let client = cluster.client
            _ = try await client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"]])
            _ = try await client.create(.configMaps, namespace: "team", configMap("mounted"))
            try await cluster.wait(for: .serviceAccounts, in: "team", "default", "to appear") { $0 != nil }
            var held = pod("held", app: "web")
            held["metadata"]["finalizers"] = ["example.com/hold"]
            _ = try await client.create(.pods, namespace: "team", held)
            try await cluster.delete(.namespaces, in: nil, "team")
            let waiting = try await cluster.wait(for: .namespaces, "team", "the pod") { namespace in
                condition(namespace ?? .null, "NamespaceFinalizersRemaining")["message"]
                    == "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
            }
            #expect(
                condition(waiting, "NamespaceContentRemaining")["message"]
                    == "Some resources are remaining: pods. has 1 resource instances")
            #expect(try await client.get(.pods, namespace: "team", name: "held").isBeingDeleted)
            #expect(!(try await client.get(.configMaps, namespace: "team", name: "mounted").isBeingDeleted))
            try await cluster.merge(.pods, in: "team", "held", ["metadata": ["finalizers": []]])
            try await cluster.wait(for: .namespaces, "team", "to go") { $0 == nil }
        }
    }

    @Test func goesWithAllItsContentAndSaysWhatItWaitsFor() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"]])
            try await cluster.wait(for: .serviceAccounts, in: "team", "default", "to appear") { $0 != nil }
            _ = try await cluster.client.create(.deployments, namespace: "team", deployment("web", replicas: 3))
            try await cluster.wait(for: .deployments, "web", "complete") { $0?["status"]["availableReplicas"].int == 3 }
            var held = configMap("held")
            held["metadata"]["finalizers"] = ["example.com/hold"]
            _ = try await cluster.client.create(.configMaps, namespace: "team", held)
            try await cluster.delete(.namespaces, in: nil, "team")
            let waiting = try await cluster.wait(for: .namespaces, "team", "only the held one") { namespace in
                condition(namespace ?? .null, "NamespaceContentRemaining")["message"]
                    == "Some resources are remaining: configmaps. has 1 resource instances"
            }
            #expect(
                waiting["status"]["phase"] == "Terminating"
                    && condition(waiting, "NamespaceContentRemaining")["reason"] == "SomeResourcesRemain")
            #expect(
                condition(waiting, "NamespaceFinalizersRemaining")["message"]
                    == "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances")
            #expect(condition(waiting, "NamespaceDeletionContentFailure")["status"] == "False")
            let refusal = await #expect(throws: APIError.self) {
                try await cluster.client.create(.configMaps, namespace: "team", configMap("late"))
            }
            #expect(refusal?.reason == .forbidden)
            try await cluster.waitUntilQuiet()
            try await cluster.merge(.configMaps, in: "team", "held", ["metadata": ["finalizers": []]])
            try await cluster.wait(for: .namespaces, "team", "to go") { $0 == nil }
            #expect(try await cluster.client.list(.pods, namespace: "team").items.isEmpty)
            #expect(try await cluster.client.list(.configMaps, namespace: "team").items.isEmpty)
            try await cluster.waitUntilQuiet()
        }
    }
}
