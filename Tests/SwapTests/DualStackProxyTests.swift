import APIModel
import Client
import Foundation
import PluginHost
import Proxy
import Testing

/// Services of both families between pods that are network namespaces on one bridge: real packets and the kernel's real nftables.
@Suite struct DualStackProxyTests {
    /// On which what is for a Service gets lost, unless the proxy catches it.
    private static let routes = [
        "ip link add hole0 type bridge", "ip link set hole0 up", "ip route add 10.96.0.0/16 dev hole0",
        "ip route add fd00:96::/112 dev hole0",
    ]

    @Test(.disabled(if: OwnNamespace.isInside), .enabled(if: geteuid() == 0, "network namespaces need root"), .timeLimit(.minutes(3)))
    func carriesBothFamilies() throws {
        try OwnNamespace.run("DualStackProxyTests", "carriesInsideTheNamespace", setUp: NetworkPod.setUp + Self.routes)
    }

    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        let proxy = Proxy(
            Proxy.Configuration(nodeName: "n1", nodeAddresses: ["10.1.0.1", "fd00:1::1"], clusterCIDR: "10.1.0.0/24,fd00:1::/64"),
            cache: world.cache, plugins: world.plugins, log: world.log)
        return [{ try await proxy.run() }]
    }

    private static let node: [IPFamily: String] = [.ipv4: "10.1.0.1", .ipv6: "fd00:1::1"]
    private static func clusterIP(_ number: Int, _ family: IPFamily) -> String {
        family == .ipv4 ? "10.96.9.\(number)" : "fd00:96::9\(number)"
    }

    @Test(.enabled(if: OwnNamespace.isInside, "runs in a namespace of its own"), .timeLimit(.minutes(3))) func carriesInsideTheNamespace()
        async throws
    {
        try await World.with([try Built.manifest("proxy-nftables")], loops: Self.loops) { world in
            try await world.addServiceAccount()
            let web = try await NetworkPod("web", 2, app: "web", world)
            let client = try await NetworkPod("client", 3, app: "client", world)
            try await Self.add(world, "web", 1, nodePort: 30080, [web])
            try await Self.add(world, "four", 2, nodePort: 30081, families: [.ipv4], [web])
            try await Self.add(world, "sticky", 3, affinity: true, [web])
            try await Self.add(world, "empty", 4, [])
            try await Network.waitForRules("all Services") { rules in
                IPFamily.allCases.allSatisfy { family in
                    [(1, "svc-"), (3, "svc-"), (4, "refuse")].allSatisfy {
                        rules.contains("\(Self.clusterIP($0, family)) . tcp . 80 : goto \($1)")
                    }
                } && rules.contains("\(Self.clusterIP(2, .ipv4)) . tcp . 80 : goto svc-")
            }
            for family in IPFamily.allCases {
                for (address, port) in [
                    (Self.clusterIP(1, family), 80), (Self.node[family]!, 30080), (Self.clusterIP(3, family), 80),
                ] as [(String, UInt16)] {
                    #expect(try client.reaches(address, port), "\(address)")
                    #expect(try web.reaches(address, port), "to itself, by way of \(address)")
                    #expect(try NetworkNamespace.connects(to: address, port), "\(address)")
                }
                // A Service without endpoints, and a port that a Service has not.
                try await Self.waitUntilRefused(client, Self.clusterIP(4, family), 80)
                try await Self.waitUntilRefused(client, Self.clusterIP(1, family), 81)
            }
            #expect(try client.reaches(Self.node[.ipv4]!, 30081))
            #expect(throws: Unexpected.self, "the Service has no address of that family") { try client.reaches(Self.node[.ipv6]!, 30081) }

            // What takes the place of an endpoint is reached in the family where it does.
            let other = try await NetworkPod("other", 4, app: "other", world)
            _ = try await world.client.patch(
                .endpointSlices, namespace: "default", name: "web-ipv6", .merge,
                ["endpoints": [["addresses": [.string(other.addresses[.ipv6]!)], "conditions": ["ready": true]]]])
            for (family, word) in [(IPFamily.ipv6, "o"), (.ipv4, "w")] {
                let requests = Requests(to: Self.clusterIP(1, family), port: 80)
                try await limited(30, "the endpoint \(word)") {
                    while try requests.answer() != word { try await Task.sleep(for: .milliseconds(20)) }
                }
            }
        }
    }

    /// The kernel does not say more often than it likes that somebody is refused.
    private static func waitUntilRefused(_ client: NetworkPod, _ address: String, _ port: UInt16) async throws {
        try await limited(30, "\(address):\(port) to be refused") {
            do {
                while true {
                    guard try !client.reaches(address, port) else { throw Reached() }
                    try await Task.sleep(for: .milliseconds(20))
                }
            } catch is Unexpected {}
        }
    }

    private struct Reached: Error {}

    private static func add(
        _ world: World, _ name: String, _ number: Int, nodePort: Int? = nil, families: [IPFamily] = IPFamily.allCases,
        affinity: Bool = false, _ pods: [NetworkPod]
    ) async throws {
        var port: Value = ["name": "http", "port": 80, "targetPort": 80]
        if let nodePort { port["nodePort"] = Value(nodePort) }
        var spec: Value = [
            "clusterIPs": .array(families.map { .string(clusterIP(number, $0)) }), "clusterIP": .string(clusterIP(number, families[0])),
            "ipFamilyPolicy": families.count > 1 ? "RequireDualStack" : "SingleStack", "ports": [port],
            "type": nodePort == nil ? "ClusterIP" : "NodePort",
        ]
        if affinity { spec["sessionAffinity"] = "ClientIP" }
        _ = try await world.client.create(
            .services, namespace: "default",
            ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"], "spec": spec])
        for family in families {
            _ = try await world.client.create(
                .endpointSlices, namespace: "default",
                [
                    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": .string(family.rawValue),
                    "metadata": [
                        "name": .string("\(name)-\(family.rawValue.lowercased())"), "namespace": "default",
                        "labels": ["kubernetes.io/service-name": .string(name)],
                    ],
                    "ports": [["name": "http", "port": 80, "protocol": "TCP"]],
                    "endpoints": .array(
                        pods.map { ["addresses": [.string($0.addresses[family]!)], "conditions": ["ready": true], "nodeName": "n1"] }),
                ])
        }
    }
}
