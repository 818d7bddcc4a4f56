import APIModel
import Client
import Testing

@Suite(.serialized) struct LoadBalancerTests {
    private static func service(_ name: String, port: Int64 = 80, _ fields: [String: Value] = [:]) -> Value {
        var service: Value = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
            "spec": ["type": "LoadBalancer", "ports": [["port": .int(port), "protocol": "TCP"]]],
        ]
        for (field, value) in fields { service["spec"][field] = value }
        return service
    }

    private static func addresses(_ service: Value?) -> [String] {
        service?["status"]["loadBalancer"]["ingress"].elements.compactMap { $0["ip"].string } ?? []
    }

    private func make(_ cluster: Cluster, _ service: Value) async throws {
        _ = try await cluster.client.create(.services, namespace: "default", service)
    }

    private func set(_ cluster: Cluster, _ node: String, _ addresses: [(type: String, address: String)]) async throws {
        let list = addresses.map { ["type": .string($0.type), "address": .string($0.address)] as Value }
        _ = try await cluster.client.patch(
            .nodes, namespace: nil, name: node, subresource: "status", .merge, ["status": ["addresses": .array(list)]])
    }

    @Test func servicesGetTheNodesAddresses() async throws {
        try await Cluster.with { cluster in
            try await set(cluster, "n1", [("Hostname", "n1"), ("InternalIP", "192.0.2.1")])
            try await make(cluster, Self.service("web"))
            let web = try await cluster.wait(for: .services, "web", "an address") { Self.addresses($0) == ["192.0.2.1"] }
            #expect(web["status"]["loadBalancer"]["ingress"][0]["ipMode"] == "VIP")

            // A second node; one that is not to take part; one that can be reached from farther away.
            for (name, address) in [("n2", "192.0.2.2"), ("n3", "192.0.2.3")] {
                try await cluster.addNode(name)
                try await set(cluster, name, [("InternalIP", address)])
            }
            try await cluster.merge(
                .nodes, in: nil, "n3", ["metadata": ["labels": ["node.kubernetes.io/exclude-from-external-load-balancers": ""]]])
            try await cluster.wait(for: .services, "web", "two addresses") { Self.addresses($0) == ["192.0.2.1", "192.0.2.2"] }
            try await set(cluster, "n2", [("InternalIP", "192.0.2.2"), ("ExternalIP", "203.0.113.2")])
            try await cluster.wait(for: .services, "web", "the external address") { Self.addresses($0) == ["203.0.113.2"] }
            try await set(cluster, "n2", [("InternalIP", "192.0.2.2")])

            // Under the policy Local, the nodes with endpoints.
            try await make(cluster, Self.service("local", port: 81, ["externalTrafficPolicy": "Local"]))
            _ = try await cluster.client.create(
                .endpointSlices, namespace: "default",
                [
                    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                    "metadata": ["name": "local-1", "labels": ["kubernetes.io/service-name": "local"]],
                    "ports": [["port": 80]], "endpoints": [["addresses": ["10.1.0.1"], "nodeName": "n2"]],
                ])
            try await cluster.wait(for: .services, "local", "the node with an endpoint") { Self.addresses($0) == ["192.0.2.2"] }

            // Somebody else's is left alone, and what is none any more loses its addresses.
            try await make(cluster, Self.service("other", port: 82, ["loadBalancerClass": "example.com/other"]))
            try await cluster.merge(.services, "web", ["spec": ["type": "ClusterIP"]])
            try await cluster.wait(for: .services, "web", "no address") { Self.addresses($0).isEmpty }
            #expect(try await Self.addresses(cluster.client.get(.services, namespace: "default", name: "other").value).isEmpty)
        }
    }

    @Test func aPortGoesToWhoWasFirst() async throws {
        try await Cluster.with { cluster in
            try await set(cluster, "n1", [("InternalIP", "192.0.2.1")])
            try await make(cluster, Self.service("a"))
            try await cluster.wait(for: .services, "a", "an address") { !Self.addresses($0).isEmpty }
            try await make(cluster, Self.service("b"))
            try await make(cluster, Self.service("udp", port: 80, ["ports": [["port": 80, "protocol": "UDP"]]]))
            try await cluster.wait(for: .services, "udp", "an address") { !Self.addresses($0).isEmpty }
            let events = GroupVersionResource.events
            try await cluster.wait(for: events, "the conflict") {
                $0.contains {
                    $0.value["message"] == "Error syncing load balancer: port 80/TCP of the nodes is taken by default/a"
                        && $0.value["involvedObject"]["name"] == "b"
                }
            }
            #expect(try await Self.addresses(cluster.client.get(.services, namespace: "default", name: "b").value).isEmpty)
            try await cluster.delete(.services, "a")
            try await cluster.wait(for: .services, "b", "the port") { !Self.addresses($0).isEmpty }
        }
    }
}
