import APIModel
import Client
import Testing

/// The garbage collector and the namespace controller know of kinds what the host tells them, whatever comes later.
@Suite(.serialized) struct CustomKindTests {
    private static let widgets = GroupVersionResource(group: "example.com", version: "v1", resource: "widgets")
    private static let racks = GroupVersionResource(group: "example.com", version: "v1", resource: "racks")

    private static func definition(_ plural: String, kind: String, scope: String = "Namespaced") -> Value {
        [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": .string("\(plural).example.com")],
            "spec": [
                "group": "example.com", "scope": .string(scope), "names": ["plural": .string(plural), "kind": .string(kind)],
                "versions": [
                    [
                        "name": "v1", "served": true, "storage": true,
                        "schema": ["openAPIV3Schema": ["type": "object", "x-kubernetes-preserve-unknown-fields": true]],
                    ]
                ],
            ],
        ]
    }

    private static func define(_ cluster: Cluster, _ plural: String, kind: String, scope: String = "Namespaced") async throws {
        _ = try await cluster.client.create(.customResourceDefinitions, definition(plural, kind: kind, scope: scope))
        try await cluster.wait(for: .customResourceDefinitions, "\(plural).example.com", "established") {
            condition($0 ?? .null, "Established")["status"] == "True"
        }
    }

    private static func widget(_ name: String, kind: String = "Widget", owners: [Value] = [], finalizers: [Value] = []) -> Value {
        [
            "apiVersion": "example.com/v1", "kind": .string(kind),
            "metadata": ["name": .string(name), "ownerReferences": .array(owners), "finalizers": .array(finalizers)],
        ]
    }

    @Test func customObjectsAreCollectedAsAllOthers() async throws {
        try await Cluster.with { cluster in
            let client = cluster.client
            // A dependent that came before the kind of its owner is judged when the kind comes.
            let early: Value = ["apiVersion": "example.com/v1", "kind": "Widget", "name": "nobody", "uid": "1-2-3"]
            _ = try await client.create(.configMaps, namespace: "default", configMap("early", owners: [early]))
            try await Self.define(cluster, "widgets", kind: "Widget")
            try await cluster.wait(for: .configMaps, in: "default", "early", "to go") { $0 == nil }

            // Owned by one of the program's own kinds, and the other way round.
            let map = try await client.create(.configMaps, namespace: "default", configMap("owner"))
            let widget = try await client.create(Self.widgets, namespace: "default", Self.widget("w", owners: [owner(map)]))
            _ = try await client.create(.configMaps, namespace: "default", configMap("of-widget", owners: [owner(widget)]))
            try await cluster.delete(.configMaps, "owner")
            try await cluster.wait(for: Self.widgets, "none") { $0.isEmpty }
            try await cluster.wait(for: .configMaps, in: "default", "of-widget", "to go") { $0 == nil }

            // Foreground: the owner stays until what blocks it has gone.
            let first = try await client.create(Self.widgets, namespace: "default", Self.widget("first"))
            _ = try await client.create(
                Self.widgets, namespace: "default",
                Self.widget("second", owners: [owner(first, blocks: true)], finalizers: ["example.com/hold"]))
            try await cluster.delete(Self.widgets, "first", "Foreground")
            try await cluster.wait(for: Self.widgets, "second", "being deleted") {
                $0?["metadata"]["deletionTimestamp"].isNull == false
            }
            #expect(try await client.get(Self.widgets, namespace: "default", name: "first").isBeingDeleted)
            try await cluster.merge(Self.widgets, "second", ["metadata": ["finalizers": []]])
            try await cluster.wait(for: Self.widgets, "none") { $0.isEmpty }

            // Orphaning.
            let left = try await client.create(Self.widgets, namespace: "default", Self.widget("left"))
            _ = try await client.create(Self.widgets, namespace: "default", Self.widget("kept", owners: [owner(left)]))
            try await cluster.delete(Self.widgets, "left", "Orphan")
            try await cluster.wait(for: Self.widgets, "an orphan") {
                $0.map(\.name) == ["kept"] && $0[0].metadata["ownerReferences"].isEmpty
            }

            // A kind that goes and comes again is collected again.
            try await cluster.delete(.customResourceDefinitions, in: nil, "widgets.example.com")
            try await cluster.wait(for: .customResourceDefinitions, "widgets.example.com", "to go") { $0 == nil }
            try await Self.define(cluster, "widgets", kind: "Widget")
            let again = try await client.create(.configMaps, namespace: "default", configMap("again"))
            _ = try await client.create(Self.widgets, namespace: "default", Self.widget("again", owners: [owner(again)]))
            try await cluster.delete(.configMaps, "again")
            try await cluster.wait(for: Self.widgets, "none") { $0.isEmpty }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func aNamespaceIsEmptiedOfCustomObjects() async throws {
        try await Cluster.with { cluster in
            let client = cluster.client
            try await Self.define(cluster, "widgets", kind: "Widget")
            try await Self.define(cluster, "racks", kind: "Rack", scope: "Cluster")
            _ = try await client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"]])
            try await cluster.wait(for: .serviceAccounts, in: "team", "default", "to appear") { $0 != nil }
            _ = try await client.create(Self.racks, Self.widget("rack", kind: "Rack"))
            _ = try await client.create(Self.widgets, namespace: "default", Self.widget("elsewhere"))
            for name in ["a", "b"] { _ = try await client.create(Self.widgets, namespace: "team", Self.widget(name)) }
            _ = try await client.create(Self.widgets, namespace: "team", Self.widget("held", finalizers: ["example.com/hold"]))
            try await cluster.delete(.namespaces, in: nil, "team")
            try await cluster.wait(for: .namespaces, "team", "only the held one") { namespace in
                condition(namespace ?? .null, "NamespaceContentRemaining")["message"]
                    == "Some resources are remaining: widgets.example.com has 1 resource instances"
            }
            try await cluster.merge(Self.widgets, in: "team", "held", ["metadata": ["finalizers": []]])
            try await cluster.wait(for: .namespaces, "team", "to go") { $0 == nil }
            #expect(try await client.list(Self.widgets).items.map(\.name) == ["elsewhere"])
            #expect(try await client.list(Self.racks).items.map(\.name) == ["rack"])
        }
    }

    @Test func customObjectsAreScaledAndCounted() async throws {
        try await Cluster.with { cluster in
            let client = cluster.client
            var definition = Self.definition("fleets", kind: "Fleet")
            definition["spec"]["versions"][0]["subresources"]["scale"] = [
                "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
            ]
            _ = try await client.create(.customResourceDefinitions, definition)
            try await Self.define(cluster, "widgets", kind: "Widget")
            let fleets = GroupVersionResource(group: "example.com", version: "v1", resource: "fleets")
            try await cluster.wait(for: .customResourceDefinitions, "fleets.example.com", "established") {
                condition($0 ?? .null, "Established")["status"] == "True"
            }
            var wanted = Self.widget("f", kind: "Fleet")
            wanted["spec"]["replicas"] = 3
            let fleet = try await client.create(fleets, namespace: "default", wanted)
            let widget = try await client.create(Self.widgets, namespace: "default", Self.widget("w"))

            // Whatever version of the group an autoscaler names.
            let autoscalers = GroupVersionResource(group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers")
            func autoscale(_ kind: String) async throws -> Value {
                let target: Value = ["apiVersion": "example.com/v0", "kind": .string(kind), "name": "f"]
                let name = kind.lowercased()
                _ = try await client.create(
                    autoscalers, namespace: "default",
                    [
                        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": ["name": .string(name)],
                        "spec": ["scaleTargetRef": target, "maxReplicas": 2],
                    ])
                return try await cluster.wait(for: autoscalers, name, "a look") { !condition($0 ?? .null, "AbleToScale").isNull }
            }
            let scaled = try await autoscale("Fleet")
            #expect(condition(scaled, "AbleToScale")["reason"] == "SucceededRescale")
            #expect(try await client.get(fleets, namespace: "default", name: "f").value[path: "spec", "replicas"] == 2)
            #expect(
                condition(try await autoscale("Float"), "AbleToScale")["message"]
                    == "the HPA controller was unable to get the target's current scale: no matches for kind \"Float\" in group \"example.com\""
            )

            // A budget knows how many Pods their owner asks for.
            func budget(_ app: String, of owner: Value, until isDone: @escaping @Sendable (Value) -> Bool) async throws {
                var pod = pod(app, app: app)
                pod["metadata"]["ownerReferences"] = [owner]
                _ = try await client.create(.pods, namespace: "default", pod)
                _ = try await client.create(
                    .budgets, namespace: "default",
                    [
                        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": .string(app)],
                        "spec": ["maxUnavailable": 1, "selector": ["matchLabels": ["app": .string(app)]]],
                    ])
                try await cluster.wait(for: .budgets, app, "counted") { isDone($0 ?? .null) }
            }
            var controller = owner(fleet)
            controller["controller"] = true
            try await budget("fleet", of: controller) { $0["status"]["expectedPods"] == 2 }
            controller = owner(widget)
            controller["controller"] = true
            try await budget("widget", of: controller) {
                condition($0, "DisruptionAllowed")["message"] == "widgets.example.com does not implement the scale subresource"
            }

            let quotas = GroupVersionResource(group: "", version: "v1", resource: "resourcequotas")
            _ = try await client.create(
                quotas, namespace: "default",
                [
                    "apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "q"],
                    "spec": ["hard": ["count/fleets.example.com": "4", "count/widgets.example.com": "4"]],
                ])
            try await cluster.wait(for: quotas, "q", "counted") {
                $0?["status"]["used"] == ["count/fleets.example.com": "1", "count/widgets.example.com": "1"]
            }
        }
    }
}
