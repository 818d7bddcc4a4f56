import APIModel
import Client
import Foundation
import Logging
import PluginAPI
import Testing

@testable import PluginHost
@testable import PluginKit

/// A whole collection, deleted by a plugin.
@Suite struct CollectionTests {
    private static let manifest: Value = [
        "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "sweeper"],
        "spec": [
            "kind": "Controller", "library": "libsweeper.so", "component": "sweeper", "controller": ["for": ["v1/configmaps"]],
            "rules": [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "deletecollection", "get", "list", "watch"]]],
        ],
    ]

    /// Has the API grant what the manifest of a plugin says, which this process never loaded.
    private static func grant(_ rules: Value, to user: String, _ client: any Client) async throws {
        let name: Value = ["name": "sweeper"]
        for (resource, body) in [
            ("clusterroles", ["kind": "ClusterRole", "metadata": name, "rules": rules] as Value),
            (
                "clusterrolebindings",
                [
                    "kind": "ClusterRoleBinding", "metadata": name,
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sweeper"],
                    "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": .string(user)]],
                ]
            ),
        ] {
            var body = body
            body["apiVersion"] = "rbac.authorization.k8s.io/v1"
            _ = try await client.create(
                GroupVersionResource(group: "rbac.authorization.k8s.io", version: "v1", resource: resource), body)
        }
    }

    /// What blocks must not do so on the cooperative pool.
    private static func onAThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { done in Thread.detachNewThread { done.resume(with: Result { try body() }) } }
    }

    private static func summary(_ objects: [Value]) -> [String] {
        objects.map { "\($0["metadata"]["name"].string ?? "")\($0["metadata"]["deletionTimestamp"].isNull ? "" : " is going")" }
    }

    /// What was deleted is not seen again, and what stays is seen to be going, however late the cache hears of it.
    @Test func readsKnowWhatBecameOfEach() async throws {
        try await Cluster.with(Cluster.Setup(only: [], hasKubelet: false, cacheDelay: .seconds(1))) { cluster in
            let manifest = try PluginManifest(object: Self.manifest)
            try await Self.grant(Self.manifest["spec"]["rules"], to: manifest.user, cluster.client)
            try await cluster.cache.watch(.configMaps)
            let service = ObjectsService(manifest, violations: Tally(), forbidden: Tally(), log: Logger(label: "test"))
            service.open(manifest, HostServices(client: cluster.client, cache: cluster.cache))
            let table = service.makeTable().assumingMemoryBound(to: apus_host_objects.self)
            let objects = Objects(table: table, context: nil)
            let deleted = try await Self.onAThread {
                for (name, app) in [("a", "old"), ("b", "old"), ("held", "old"), ("other", "new")] {
                    var map = configMap(name)
                    map["metadata"]["labels"] = ["app": .string(app)]
                    if name == "held" { map["metadata"]["finalizers"] = ["example.com/hold"] }
                    try objects.create(.configMaps, namespace: "default", map)
                }
                func ours() throws -> [Value] { try objects.list(.configMaps, namespace: "default", selector: "app") }
                let before = Self.summary(try ours())
                try objects.deleteCollection(
                    .configMaps, namespace: "default", selector: "app=old", with: WriteOptions(isDryRun: true))
                let tried = Self.summary(try ours())
                try objects.deleteCollection(.configMaps, namespace: "default", selector: "app=old")
                return [before, tried, Self.summary(try ours())]
            }
            #expect(deleted == [["a", "b", "held", "other"], ["a", "b", "held", "other"], ["held is going", "other"]])
            // What no rule grants, and what no collection has.
            let refused = try await Self.onAThread {
                [
                    #expect(throws: APIError.self) { try objects.deleteCollection(.pods, namespace: "default") },
                    #expect(throws: APIError.self) {
                        try objects.deleteCollection(
                            .configMaps, namespace: "default", with: WriteOptions(preconditions: .init(uid: "4be0")))
                    },
                ].map { $0?.reason }
            }
            #expect(refused == [.forbidden, .badRequest])
            service.close()
            service.forbid()
        }
    }
}
