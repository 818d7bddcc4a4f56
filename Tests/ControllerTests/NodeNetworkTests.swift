import APIModel
import Client
import Testing

@Suite(.serialized) struct NodeNetworkTests {
    @Test func eachNodeGetsItsPart() async throws {
        var setup = Cluster.Setup(only: ["node-ipam", "ttl"])
        setup.config["node-ipam"] = ["clusterCIDR": "10.244.0.0/23,fd00:10:244::/48"]
        try await Cluster.with(setup) { cluster in
            let first = try await cluster.wait(for: .nodes, "n1", "a network") { !($0?["spec"]["podCIDRs"].isEmpty ?? true) }
            #expect(first["spec"]["podCIDR"] == "10.244.0.0/24" && first["spec"]["podCIDRs"] == ["10.244.0.0/24", "fd00:10:244::/64"])
            try await cluster.wait(for: .nodes, "n1", "a TTL") { $0?["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"] == "0" }
            try await cluster.addNode("n2")
            try await cluster.wait(for: .nodes, "n2", "the other") { $0?["spec"]["podCIDR"] == "10.244.1.0/24" }
            try await cluster.addNode("n3")
            try await cluster.wait(for: .events, "an Event") { $0.contains { $0.value["reason"] == "CIDRNotAvailable" } }
            // What a Node leaves behind is for the next, where there is no other.
            try await cluster.delete(.nodes, in: nil, "n2")
            try await cluster.wait(for: .nodes, "n3", "what n2 had") { $0?["spec"]["podCIDRs"] == ["10.244.1.0/24", "fd00:10:244:2::/64"] }
        }
    }
}
