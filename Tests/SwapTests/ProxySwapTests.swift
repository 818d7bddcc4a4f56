import APIModel
import Client
import Foundation
import OrderedCollections
import PluginHost
import Proxy
import Testing

/// The proxy changes while clients keep asking: real sockets and the kernel's real nftables, in a network namespace of its own.
@Suite struct ProxySwapTests {
    @Test(.disabled(if: OwnNamespace.isInside), .enabled(if: geteuid() == 0, "network namespaces need root"), .timeLimit(.minutes(3)))
    func noRequestIsLostInASwap() throws { try OwnNamespace.run("ProxySwapTests", "swapsInsideTheNamespace", setUp: Network.setUp) }

    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        var configuration = Proxy.Configuration(
            nodeName: "n1", nodeAddresses: [Network.node, Network.node6], clusterCIDR: "10.1.0.0/16,fd00:1::/64")
        configuration.checkPeriod = .milliseconds(100)
        let proxy = Proxy(configuration, cache: world.cache, plugins: world.plugins, log: world.log)
        return [{ try await proxy.run() }]
    }

    @Test(.enabled(if: OwnNamespace.isInside, "runs in a namespace of its own"), .timeLimit(.minutes(3))) func swapsInsideTheNamespace()
        async throws
    {
        let libraries = FileManager.default.temporaryDirectory.appendingPathComponent("swaps-libraries-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: libraries, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: libraries) }
        try Built.compile(fixture: "proxy-idle", into: libraries)
        let standard = try Built.manifest("proxy-nftables")
        let other = try Built.manifest("proxy-nftables") { ($0.name, $0.replaces) = ("proxy-other", "proxy-nftables") }
        let servers = try [Network.node, Network.node6].map { try TCPServer($0, port: 8080) }
        defer { for server in servers { server.stop() } }
        try await World.with([standard], libraries: [libraries], loops: Self.loops) { world in
            try await Self.addService(world)
            let (clients, clients6) = (Requests(to: Network.service, port: 80), Requests(to: Network.service6, port: 80))
            // Until the rules are there nothing answers: what counts begins with the first answer.
            for clients in [clients, clients6] {
                try await clients.waitForFirst()
                clients.start(1)
            }
            defer { for clients in [clients, clients6] { clients.stop() } }
            var isolated = other
            isolated.isolation = .process
            var anew = standard
            anew.deadline = .seconds(25)
            var disabled = other
            disabled.enabled = false
            for manifest in [anew, other, isolated, disabled] {
                try await clients.waitForMore(100)
                try await world.apply(manifest, expecting: manifest.enabled ? .running : .skipped)
                try await clients.waitForMore(100)
                #expect(world.plugins.plugins.count { $0.kind == .proxy && $0.state == .running } == 1)
                #expect(clients.failures + clients6.failures == [])
            }
            clients6.stop()
            try await Self.losses(clients, world)
            try await Self.flows(world)
            try await Self.affinity(world)
            try await Self.policies(world)
            try await Self.labels(world)
            // Services that change meanwhile are the new one's to carry.
            try await world.client.delete(.services, namespace: "default", name: "web", options: .null)
            clients.stop()
            try await Network.waitForRules("the Service to go") { !$0.contains(Network.service) }

            // One of another kind finds what the one before made gone.
            var idle = standard
            (idle.name, idle.library, idle.component, idle.replaces) = ("proxy-idle", "libproxy-idle.so", "fixture", "proxy-nftables")
            #expect(try Network.rules().contains("apus-proxy"))
            try await world.apply(idle)
            #expect(try !Network.rules().contains("apus-proxy"))
            idle.enabled = false
            try await world.apply(idle, expecting: .skipped)
            try await Network.waitForRules("the rules to be back") { $0.contains("apus-proxy") }
        }
    }

    /// Somebody takes away all rules, those of one chain, a chain, a table; and adds a rule. Each time they are put back, and that is said.
    private static func losses(_ clients: Requests, _ world: World) async throws {
        clients.stop()
        let whole = Network.tables(try Network.rules())
        let said = "the rules of Services are put back"
        for (harm, tables) in [
            ("flush ruleset", 2), ("flush table ip apus-proxy", 1), ("flush chain ip apus-proxy services", 1),
            ("delete chain ip apus-proxy nat-output", 1), ("delete table ip apus-proxy", 1), ("delete table ip6 apus-proxy", 1),
            ("flush chain ip6 apus-proxy services", 1), ("add rule ip apus-proxy services accept", 1),
        ] {
            let before = world.heard.count(said)
            #expect(try Command.run(["nft", harm]).status == 0, "\(harm)")
            try await Network.waitForRules("the rules to be back after `\(harm)`") {
                Network.tables($0) == whole && world.heard.count(said) == before + tables
            }
            try await Requests(to: Network.service, port: 80).waitForFirst()
        }
    }

    /// Endpoints elsewhere, and policies that want them here: inside, the node port leads to them all the same, the ClusterIP does not.
    private static func policies(_ world: World) async throws {
        var service: Value = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "far", "namespace": "default"],
            "spec": [
                "type": "NodePort", "clusterIP": "10.96.7.8", "externalTrafficPolicy": "Local",
                "ports": [["name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080]],
            ],
        ]
        let made = try await world.client.create(.services, namespace: "default", service)
        try await addSlice(world, "far", node: "elsewhere")
        for address in [(Network.node, 30080), ("10.96.7.8", 80)] as [(String, UInt16)] {
            let clients = Requests(to: address.0, port: address.1)
            try await clients.waitForFirst()
        }
        try await balancers(world)
        service = made.value
        service["spec"]["internalTrafficPolicy"] = "Local"
        service["spec"]["externalTrafficPolicy"] = "Cluster"
        _ = try await world.client.update(.services, namespace: "default", name: "far", service)
        // Nobody hears that it is not answered.
        try await Network.waitForRules("the ClusterIP to be shut") { $0.contains("10.96.7.8 . tcp . 80 : goto discard") }
        let clients = Requests(to: Network.node, port: 30080)
        try await clients.waitForFirst()
    }

    /// A Service that another proxy is to carry, and a slice that is for names alone, are as if they were not there.
    private static func labels(_ world: World) async throws {
        func label(_ resource: GroupVersionResource, _ name: String, _ label: String, _ value: Value) async throws {
            _ = try await world.client.patch(
                // A literal would leave out what is null.
                resource, namespace: "default", name: name, subresource: nil, .merge,
                ["metadata": ["labels": .object(["service.kubernetes.io/\(label)": value])]])
        }
        try await label(.endpointSlices, "far-ipv4", "headless", "")
        try await Network.waitForRules("nobody to be there") { $0.contains("10.96.7.8 . tcp . 80 : goto refuse") }
        try await label(.services, "far", "service-proxy-name", "other")
        try await Network.waitForRules("the Service to go") { !$0.contains("10.96.7.8") }
        try await label(.services, "far", "service-proxy-name", .null)
        try await label(.endpointSlices, "far-ipv4", "headless", .null)
        try await Requests(to: Network.node, port: 30080).waitForFirst()
    }

    /// Who may come to a load balancer's address, and who may not: the node comes by its own.
    private static func balancers(_ world: World) async throws {
        for (index, range) in ["10.1.0.0/16", "192.0.2.0/24"].enumerated() {
            let name = "balanced-\(index)"
            var service: Value = [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"],
                "spec": [
                    "type": "LoadBalancer", "ports": [["name": "http", "port": 80, "targetPort": 8080]],
                    "loadBalancerSourceRanges": ["198.51.100.0/24", .string(range)], "loadBalancerClass": "example.com/test",
                ],
            ]
            service = try await world.client.create(.services, namespace: "default", service).value
            try await addSlice(world, name, node: "n1")
            service["status"]["loadBalancer"] = ["ingress": [["ip": .string("10.96.8.\(index)")]]]
            _ = try await world.client.updateStatus(.services, namespace: "default", name: name, service)
        }
        try await Requests(to: "10.96.8.0", port: 80).waitForFirst()
        try await Network.waitForRules("the ranges") { $0.contains("ip saddr 192.0.2.0/24 return") }
        let shut = try Command.run(["curl", "-s", "--max-time", "1", "http://10.96.8.1/"])
        #expect(shut.status == 28, "curl ends with 28 when nobody answers: \(shut.text)")
    }

    static func addService(_ world: World) async throws {
        _ = try await world.client.create(
            .services, namespace: "default",
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "namespace": "default"],
                "spec": [
                    "clusterIPs": [.string(Network.service), .string(Network.service6)], "ipFamilyPolicy": "RequireDualStack",
                    "clusterIP": .string(Network.service), "ports": [["name": "http", "port": 80, "targetPort": 8080]],
                ],
            ])
        try await addSlice(world, "web", node: "n1")
        try await addSlice(world, "web", node: "n1", Network.node6)
    }

    private static func addSlice(_ world: World, _ service: String, node: String, _ address: String = Network.node) async throws {
        let family = address.contains(":") ? "IPv6" : "IPv4"
        _ = try await world.client.create(
            .endpointSlices, namespace: "default",
            [
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": .string(family),
                "metadata": [
                    "name": .string("\(service)-\(family.lowercased())"), "namespace": "default",
                    "labels": ["kubernetes.io/service-name": .string(service)],
                ],
                "ports": [["name": "http", "port": 8080, "protocol": "TCP"]],
                "endpoints": [["addresses": [.string(address)], "conditions": ["ready": true], "nodeName": .string(node)]],
            ])
    }
}

/// A namespace with addresses of both families, and a way on which what is for a Service gets lost, unless the proxy catches it.
enum Network {
    static let node = "10.1.0.2"
    static let service = "10.96.7.7"
    static let (node6, service6) = ("fd00:1::2", "fd00:96::7")

    static let setUp = [
        // A new namespace has it as the machine has it, and with it clients would come from loopback.
        "sysctl -qw net.ipv4.conf.all.route_localnet=0",
        "ip link set lo up", "ip address add \(node)/32 dev lo", "ip address add 10.1.0.3/32 dev lo", "ip route add 10.96.0.0/16 dev lo",
        "ip address add \(node6)/128 dev lo nodad", "ip route add fd00:96::/112 dev lo",
    ]

    static func rules() throws -> String { try Command.run(["nft", "list", "ruleset"]).text }

    /// The tables of a listing: one that is made anew comes last.
    static func tables(_ rules: String) -> Set<String> {
        Set("\n\(rules)".components(separatedBy: "\ntable ").map { $0.trimmingCharacters(in: .newlines) })
    }

    static func waitForRules(_ what: String, _ condition: @escaping @Sendable (String) -> Bool) async throws {
        try await limited(30, what) {
            // The kernel tells nobody here of its rules.
            while try !condition(rules()) { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: {
            (try? rules()) ?? ""
        }
    }
}
