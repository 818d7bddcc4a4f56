import APIModel
import Client
import Foundation
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import NIOSSL
import PKI
import Store
import Testing

@testable import APIServer

/// The garbage collector and the namespace controller deal with objects that another server keeps as with those of this one.
@Suite(.serialized) struct AggregatedKindTests {
    private static let flunders = GroupVersionResource(group: "wardle.example.com", version: "v1", resource: "flunders")

    /// A server that keeps flunders, and lets everybody do everything.
    private struct Wardle {
        let client: any Client
        let port: Int
        let caPEM: String
    }

    private static func withWardle(_ body: (Wardle) async throws -> Void) async throws {
        var log = Logger(label: "wardle")
        log.logLevel = .critical
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("wardle-\(UUID().uuidString).db").path
        defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        let store = try Store(path: path, log: log)
        let ranges = try #require(DualStack<IPNetwork>("10.97.0.0/16"))
        var configuration = APIServer.Configuration(store: store, serviceRanges: ranges, serviceAccountKey: ServiceAccountKey(), log: log)
        configuration.anonymous = .everywhere
        configuration.authorization = AuthorizationConfiguration([.alwaysAllow])
        configuration.admission = try AdmissionPlugins(enable: [], disable: ["NamespaceLifecycle"])
        let server = APIServer(configuration)
        try await server.start()
        let authority = try CertificateAuthority.create(commonName: "ca")
        let serving = try authority.issueServer(commonName: "wardle", names: ["wardle.default.svc"], addresses: [])
        let tls = try TLSConfiguration.server(certificateChainPEM: serving.certificatePEM, privateKeyPEM: serving.privateKeyPEM)
        let listener = try HTTPServer(configuration: .init(host: "127.0.0.1", port: 0, tls: tls), responder: server, log: log)
        let port = try #require(try await listener.start().port)
        let client = server.client(as: "admin", groups: ["system:masters"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            defer { group.cancelAll() }
            _ = try await client.create(.customResourceDefinitions, definition)
            try await body(Wardle(client: client, port: port, caPEM: authority.certificatePEM))
        }
        await listener.shutdown(grace: .zero)
        await store.close()
    }

    private static let definition: Value = [
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "flunders.wardle.example.com"],
        "spec": [
            "group": "wardle.example.com", "scope": "Namespaced", "names": ["plural": "flunders", "kind": "Flunder"],
            "versions": [["name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": ["type": "object"]]]],
        ],
    ]

    private static func flunder(_ name: String, owners: [Value] = []) -> Value {
        [
            "apiVersion": "wardle.example.com/v1", "kind": "Flunder",
            "metadata": ["name": .string(name), "ownerReferences": owners.isEmpty ? .null : .array(owners)],
        ]
    }

    /// Has the cluster's own server send requests for flunders to the other one.
    private static func aggregate(_ cluster: Cluster, _ wardle: Wardle) async throws {
        let client = cluster.client
        _ = try await client.create(.pods, namespace: "default", pod("p", app: "wardle"))
        _ = try await client.patch(
            .pods, namespace: "default", name: "p", subresource: "status", .strategicMerge, ["status": ["podIP": "127.0.0.1"]])
        _ = try await client.create(
            .services, namespace: "default",
            ["apiVersion": "v1", "kind": "Service", "metadata": ["name": "wardle"], "spec": ["ports": [["port": 443]]]])
        // Past the rule that no endpoint is a loopback address: what is behind the server in these tests has no other.
        let slice: Value = [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": ["name": "wardle", "namespace": "default", "labels": ["kubernetes.io/service-name": "wardle"]],
            "addressType": "IPv4",
            "endpoints": [["addresses": ["127.0.0.1"], "targetRef": ["kind": "Pod", "name": "p"]]],
            "ports": [["name": "", "port": .int(Int64(wardle.port)), "protocol": "TCP"]],
        ]
        let key = RecordKey(collection: "discovery.k8s.io/endpointslices", name: "default/wardle")
        _ = try await cluster.store.put(key, Body(slice), expecting: .absent)
        _ = try await client.create(
            .apiServices,
            [
                "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": ["name": "v1.wardle.example.com"],
                "spec": [
                    "group": "wardle.example.com", "version": "v1", "groupPriorityMinimum": 2000, "versionPriority": 200,
                    "service": ["namespace": "default", "name": "wardle", "port": 443],
                    "caBundle": .string(Base64.encode(Array(wardle.caPEM.utf8))),
                ],
            ])
        try await available(cluster, "True")
    }

    private static func available(_ cluster: Cluster, _ status: Value) async throws {
        try await cluster.wait(for: .apiServices, "v1.wardle.example.com", "available: \(status)") {
            condition($0 ?? .null, "Available")["status"] == status
        }
    }

    private static func team(_ cluster: Cluster) async throws {
        _ = try await cluster.client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "team"]])
    }

    private static func with(_ body: @escaping @Sendable (Cluster, Wardle) async throws -> Void) async throws {
        var setup = Cluster.Setup(only: ["garbage-collector", "namespace"], hasKubelet: false)
        setup.serving = { $0.isProxyable = { _ in true } }
        let settled = setup
        try await withWardle { wardle in try await Cluster.with(settled) { try await body($0, wardle) } }
    }

    @Test func objectsOfAnotherServerGoWithTheirOwnersAndNamespaces() async throws {
        try await Self.with { cluster, wardle in
            let client = cluster.client
            // What a definition of the same name keeps here is not seen any more.
            _ = try await client.create(.customResourceDefinitions, Self.definition)
            try await cluster.wait(for: .customResourceDefinitions, "flunders.wardle.example.com", "established") {
                condition($0 ?? .null, "Established")["status"] == "True"
            }
            _ = try await client.create(Self.flunders, namespace: "default", Self.flunder("hidden"))
            try await Self.aggregate(cluster, wardle)
            #expect(try await client.list(Self.flunders, namespace: "default").items.isEmpty)

            let map = try await client.create(.configMaps, namespace: "default", configMap("owner"))
            _ = try await client.create(Self.flunders, namespace: "default", Self.flunder("owned", owners: [owner(map)]))
            let flunder = try await client.create(Self.flunders, namespace: "default", Self.flunder("owner"))
            #expect(try await wardle.client.list(Self.flunders).items.map(\.name) == ["owned", "owner"])
            _ = try await client.create(.configMaps, namespace: "default", configMap("of-flunder", owners: [owner(flunder)]))
            try await cluster.delete(.configMaps, "owner")
            try await cluster.wait(for: Self.flunders, "only the other") { $0.map(\.name) == ["owner"] }
            try await cluster.delete(Self.flunders, "owner")
            try await cluster.wait(for: .configMaps, in: "default", "of-flunder", "to go") { $0 == nil }

            try await Self.team(cluster)
            for name in ["a", "b"] { _ = try await client.create(Self.flunders, namespace: "team", Self.flunder(name)) }
            _ = try await client.create(Self.flunders, namespace: "default", Self.flunder("elsewhere"))
            try await cluster.delete(.namespaces, in: nil, "team")
            try await cluster.wait(for: .namespaces, "team", "to go") { $0 == nil }
            #expect(try await wardle.client.list(Self.flunders).items.map(\.name) == ["elsewhere"])
        }
    }

    @Test func aNamespaceWaitsForServersThatAreNotWell() async throws {
        try await Self.with { cluster, wardle in
            let client = cluster.client
            try await Self.aggregate(cluster, wardle)
            try await Self.team(cluster)
            _ = try await client.create(Self.flunders, namespace: "team", Self.flunder("a"))
            var service = try await client.get(.services, namespace: "default", name: "wardle").value
            try await cluster.delete(.services, "wardle")
            // A change makes the server look again at once.
            _ = try await client.patch(
                .apiServices, namespace: nil, name: "v1.wardle.example.com", .merge, ["spec": ["versionPriority": 100]])
            try await Self.available(cluster, "False")
            try await cluster.delete(.namespaces, in: nil, "team")
            let waiting = try await cluster.wait(for: .namespaces, "team", "waiting") {
                condition($0 ?? .null, "NamespaceDeletionDiscoveryFailure")["status"] == "True"
            }
            #expect(
                condition(waiting, "NamespaceDeletionDiscoveryFailure")["message"]
                    == "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: wardle.example.com/v1: stale GroupVersion discovery: wardle.example.com/v1"
            )
            service["metadata"] = ["name": "wardle"]
            service["spec"] = ["ports": [["port": 443]]]
            _ = try await client.create(.services, namespace: "default", service)
            try await cluster.wait(for: .namespaces, "team", "to go") { $0 == nil }
            #expect(try await wardle.client.list(Self.flunders).items.isEmpty)
        }
    }
}
