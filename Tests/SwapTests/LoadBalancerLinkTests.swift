import APIModel
import Client
import ControllerManager
import Foundation
import PluginHost
import Testing

/// Addresses of load balancers on a link: somebody on that network reaches them.
@Suite struct LoadBalancerLinkTests {
    private static let setUp = [
        "ip link set lo up", "ip link add lan0 type bridge", "ip address add 192.0.2.1/24 dev lan0",
        "ip address add 2001:db8::1/64 dev lan0 nodad", "ip link set lan0 up",
    ]

    @Test(.disabled(if: OwnNamespace.isInside), .enabled(if: geteuid() == 0, "network namespaces need root"), .timeLimit(.minutes(3)))
    func addressesAreAnsweredFor() throws {
        try OwnNamespace.run("LoadBalancerLinkTests", "answersInsideTheNamespace", setUp: Self.setUp)
    }

    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        let controllers = ControllerManager(services: world.services, plugins: world.plugins, log: world.log)
        return [{ try await controllers.run() }]
    }

    @Test(.enabled(if: OwnNamespace.isInside, "runs in a namespace of its own"), .timeLimit(.minutes(3)))
    func answersInsideTheNamespace() async throws {
        let giver = try Built.manifest("service-lb") { $0.config = ["addresses": ["192.0.2.240-192.0.2.241", "2001:db8::240/128"]] }
        let link = try Built.manifest("service-lb-link") { $0.config = ["node": "n0"] }
        // Of both families.
        let server = try TCPServer("::", port: 80)
        defer { server.stop() }
        let neighbour = try NetworkNamespace()
        try neighbour.connect("outside", to: "lan0", addresses: ["192.0.2.9/24", "2001:db8::9/64"])
        // What somebody remembers of the time when another had the address.
        let elsewhere = "02:00:00:00:00:99"
        for address in ["192.0.2.240", "2001:db8::240"] {
            _ = try neighbour.run("ip", "neigh", "replace", address, "lladdr", elsewhere, "dev", "eth0", "nud", "stale")
        }
        #expect(try neighbour.run("ip", "neigh").contains(elsewhere))
        try await World.with([giver, link], loops: Self.loops) { [link] world in
            var link = link
            try await world.addNodes(1)
            _ = try await world.client.patch(
                .nodes, namespace: nil, name: "n0", subresource: "status", .strategicMerge,
                [
                    "status": [
                        "addresses": [["type": "InternalIP", "address": "192.0.2.1"]],
                        "conditions": [["type": "Ready", "status": "True"]],
                    ]
                ])
            for name in ["a", "b", "c"] {
                try await Self.make(name, world, isDual: name == "a")
                if name != "c" { try await Self.wait(name, world) { !$0.isEmpty } }
            }
            let first = try await Self.wait("a", world) { $0 == ["192.0.2.240", "2001:db8::240"] }
            try await limited(30, "the neighbour to hear of it") {
                while try neighbour.run("ip", "neigh").contains(elsewhere) { try await Task.sleep(for: .milliseconds(20)) }
            }
            for address in first { try await Self.reach(neighbour, address) }
            try await Self.reach(neighbour, "192.0.2.241")
            try await world.wait(for: .events, "the third to be told") {
                $0.contains { $0.value["message"] == "Error syncing load balancer: all addresses are taken" }
            }

            // What one gives back, the other gets.
            try await world.client.delete(.services, namespace: "default", name: "a", options: .null)
            try await Self.wait("c", world) { $0 == ["192.0.2.240"] }
            try await world.client.delete(.services, namespace: "default", name: "b", options: .null)
            try await Self.waitForAddresses("192.0.2.241 to go") { $0.contains("192.0.2.240/32") && !$0.contains("192.0.2.241") }

            // Somebody takes the address away, which nobody says.
            link.deadline = .seconds(25)
            _ = try Command.run(["ip", "address", "del", "192.0.2.240/32", "dev", "lan0"])
            try await world.apply(link)
            try await Self.waitForAddresses("the address to be back") { $0.contains("192.0.2.240/32") }
            link.enabled = false
            try await world.apply(link, expecting: .skipped)
            #expect(try !Self.addresses().contains("192.0.2.240") && !Self.addresses().contains("2001:db8::240"))
            #expect(try Self.addresses().contains("192.0.2.1/24"))
        }
    }

    private static func make(_ name: String, _ world: World, isDual: Bool) async throws {
        _ = try await world.client.create(
            .services, namespace: "default",
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"],
                "spec": [
                    "type": "LoadBalancer", "ports": [["port": 80]], "ipFamilyPolicy": isDual ? "RequireDualStack" : "SingleStack",
                ],
            ])
    }

    @discardableResult
    private static func wait(_ name: String, _ world: World, _ condition: @escaping @Sendable ([String]) -> Bool) async throws -> [String] {
        let services = try await world.wait(for: .services, "the address of \(name)", seconds: 30) { services in
            services.contains { $0.name == name && condition(ingress($0.value)) }
        }
        return services.filter { $0.name == name }.flatMap { ingress($0.value) }
    }

    private static func ingress(_ service: Value) -> [String] {
        service["status"]["loadBalancer"]["ingress"].elements.compactMap { $0["ip"].string }
    }

    private static func reach(_ neighbour: NetworkNamespace, _ address: String) async throws {
        try await limited(30, "\(address) to be reached from the network") {
            while try !neighbour.connects(to: address, 80) { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: {
            (try? addresses()) ?? ""
        }
    }

    private static func addresses() throws -> String { try Command.run(["ip", "address", "show", "dev", "lan0"]).text }

    private static func waitForAddresses(_ what: String, _ condition: @escaping @Sendable (String) -> Bool) async throws {
        try await limited(30, what) {
            while try !condition(addresses()) { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: {
            (try? addresses()) ?? ""
        }
    }
}
