import APIModel
import Client
import ControllerManager
import Foundation
import PluginHost
import Testing

/// Pods of two nodes exchange packets. Each node is a network namespace with an instance of the plugin, in a process of its own; a bridge
/// stands for the wire between them.
@Suite struct PodRoutesTests {
    private static let setUp = [
        "ip link set lo up", "ip link add lan0 type bridge", "ip address add 192.0.2.1/24 dev lan0",
        "ip address add 2001:db8::1/64 dev lan0 nodad", "ip link set lan0 up", "ip link add apus0 type bridge",
        "ip address add 10.1.0.1/24 dev apus0", "ip address add fd00:1::1/64 dev apus0 nodad", "ip link set apus0 up",
        "sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
    ]

    @Test(.disabled(if: OwnNamespace.isInside), .enabled(if: geteuid() == 0, "network namespaces need root"), .timeLimit(.minutes(3)))
    func podsOfTwoNodesMeet() throws { try OwnNamespace.run("PodRoutesTests", "meetInsideTheNamespace", setUp: Self.setUp) }

    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        let controllers = ControllerManager(services: world.services, plugins: world.plugins, log: world.log)
        return [{ try await controllers.run() }]
    }

    private static func manifest(_ node: String) throws -> PluginManifest {
        try Built.manifest("pod-routes") { $0.config = ["node": .string(node), "checkSeconds": 1] }
    }

    @Test(
        .enabled(if: OwnNamespace.isInside && !OtherMachine.isHere, "runs in a namespace of its own"), .timeLimit(.minutes(3)))
    func meetInsideTheNamespace() async throws {
        let manifest = try Self.manifest("near")
        let pod = try NetworkNamespace()
        try pod.connect("pod", to: "apus0", addresses: ["10.1.0.2/24", "fd00:1::2/64"], gateways: ["10.1.0.1", "fd00:1::1"])
        let wire = try NetworkNamespace()
        try wire.connect("far", to: "lan0", addresses: ["192.0.2.2/24", "2001:db8::2/64"])
        let far = try OtherMachine(wire, "PodRoutesTests")

        try await World.with([manifest], loops: Self.loops) { world in
            try await Self.addBoth(world)
            try await Self.waitForRoutes("the routes") {
                $0.contains("10.1.1.0/24 via 192.0.2.2 dev lan0") && $0.contains("fd00:1:0:1::/64 via 2001:db8::2 dev lan0")
            }
            try await Self.meet(pod)
            // Somebody takes a route away, here and there.
            _ = try Command.run(["ip", "route", "del", "10.1.1.0/24"])
            _ = try wire.run("ip", "-6", "route", "del", "fd00:1::/64")
            try await Self.waitForRoutes("the route to be back") { $0.contains("10.1.1.0/24 via 192.0.2.2") }
            try await Self.meet(pod)

            // The two do not agree, until they do.
            try await Self.label("near", "VXLAN", world)
            try await Self.waitForRoutes("the routes to go") { !$0.contains("10.1.1.0/24") && !$0.contains("fd00:1:0:1::/64") }
            #expect(
                world.heard.count(
                    "pods of node far are not reached from here: its pod network is Routes, and that of this node VXLAN") == 1)
            try await Self.label("far", "VXLAN", world)
            far.say("VXLAN")
            try await Self.waitForRoutes("the routes into the link") {
                $0.contains("10.1.1.0/24 via 10.1.1.1 dev apus-vxlan") && $0.contains("fd00:1:0:1::/64 via fd00:1:0:1::1 dev apus-vxlan")
            }
            #expect(try Self.said("ip", "link", "show", "dev", "apus-vxlan").contains("mtu 1450"))
            try await Self.meet(pod)
            // The node itself is known there by its bridge's address.
            for address in Self.farPod {
                try await Self.limitedMeeting("the node to meet \(address)") { try NetworkNamespace.connects(to: address, 80) }
            }
            // Nothing of it goes by the routes of before.
            #expect(try !wire.run("ip", "route").contains("10.1.0.0/24 via 192.0.2.1"))

            // A node that leaves, and the plugin.
            try await world.client.delete(.nodes, namespace: nil, name: "far", options: .null)
            try await Self.waitForRoutes("what led there to go") { !$0.contains("dev apus-vxlan proto 170") }
            try await limited(30, "its hardware to be forgotten") {
                while try Self.neighbours().contains("lladdr") { try await Task.sleep(for: .milliseconds(20)) }
            } otherwise: {
                (try? Self.neighbours()) ?? ""
            }
            var disabled = manifest
            disabled.enabled = false
            try await world.apply(disabled, expecting: .skipped)
            #expect(try Command.run(["ip", "link", "show", "dev", "apus-vxlan"]).status != 0)
        }
        let (status, text) = far.end()
        #expect(status == 0, "\(text)")
    }

    /// The other machine, with an instance of the plugin and a cluster's objects of its own. Ends when it is told no more.
    @Test(.enabled(if: OtherMachine.isHere, "the first one starts it"), .timeLimit(.minutes(3))) func isTheOtherMachine() async throws {
        for command in [
            "ip link add apus0 type bridge", "ip address add 10.1.1.1/24 dev apus0", "ip address add fd00:1:0:1::1/64 dev apus0 nodad",
            "ip link set apus0 up", "sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
        ] { try #require(Command.run(command.split(separator: " ").map(String.init)).status == 0) }
        let pod = try NetworkNamespace()
        try pod.connect(
            "pod", to: "apus0", addresses: Self.farPod.map { $0 + ($0.contains(":") ? "/64" : "/24") },
            gateways: ["10.1.1.1", "fd00:1:0:1::1"])
        let servers = try Self.farPod.map { address in try pod.inside { try TCPServer(address, port: 80) } }
        defer { for server in servers { server.stop() } }
        try await World.with([Self.manifest("far")], loops: Self.loops) { world in
            try await Self.addBoth(world)
            for await mode in OtherMachine.orders() { for name in ["near", "far"] { try await Self.label(name, mode, world) } }
        }
    }

    /// The addresses of the pod there.
    private static let farPod = ["10.1.1.2", "fd00:1:0:1::2"]

    private static func addBoth(_ world: World) async throws {
        for (number, name) in ["near", "far"].enumerated() { try await add(name, number, world) }
    }

    private static func add(_ name: String, _ number: Int, _ world: World) async throws {
        _ = try await world.client.create(
            .nodes,
            [
                "apiVersion": "v1", "kind": "Node",
                "metadata": ["name": .string(name), "labels": ["networking.apus.dev/pod-network": "Routes"]],
                "spec": [
                    "podCIDR": .string("10.1.\(number).0/24"),
                    "podCIDRs": [.string("10.1.\(number).0/24"), .string("fd00:1:0:\(number)::/64")],
                ],
            ])
        let addresses = ["192.0.2.\(number + 1)", "2001:db8::\(number + 1)"]
        _ = try await world.client.patch(
            .nodes, namespace: nil, name: name, subresource: "status", .strategicMerge,
            ["status": ["addresses": .array(addresses.map { ["type": "InternalIP", "address": .string($0)] })]])
    }

    private static func label(_ name: String, _ mode: String, _ world: World) async throws {
        _ = try await world.client.patch(
            .nodes, namespace: nil, name: name, subresource: nil, .merge,
            ["metadata": ["labels": ["networking.apus.dev/pod-network": .string(mode)]]])
    }

    private static func meet(_ pod: NetworkNamespace) async throws {
        for address in farPod {
            try await limitedMeeting("the pod to meet \(address)") { try pod.connects(to: address, 80) }
        }
    }

    private static func limitedMeeting(_ what: String, _ meets: @escaping @Sendable () throws -> Bool) async throws {
        try await limited(30, what) {
            // No way yet is no refusal.
            while (try? meets()) != true { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: {
            (try? said("ip", "neigh")) ?? ""
        }
    }

    private static func neighbours() throws -> String { try said("ip", "neigh", "show", "dev", "apus-vxlan", "nud", "permanent") }

    private static func said(_ words: String...) throws -> String { try Command.run(words).text }

    private static func waitForRoutes(_ what: String, _ condition: @escaping @Sendable (String) -> Bool) async throws {
        @Sendable func routes() throws -> String { try said("ip", "route") + said("ip", "-6", "route") }
        try await limited(30, what) {
            // The kernel tells nobody here of its routes.
            while try !condition(routes()) { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: {
            (try? routes()) ?? ""
        }
    }
}
