import APIModel
import Client
import ControllerManager
import Foundation
import PluginHost
import Testing

/// Pods of two nodes exchange packets: network namespaces, one of them another machine on a bridge that stands for the wire.
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

    @Test(.enabled(if: OwnNamespace.isInside, "runs in a namespace of its own"), .timeLimit(.minutes(3)))
    func meetInsideTheNamespace() async throws {
        let manifest = try Built.manifest("pod-routes") { $0.config = ["node": "near", "checkSeconds": 1] }
        let pod = try NetworkNamespace()
        try pod.connect("pod", to: "apus0", addresses: ["10.1.0.2/24", "fd00:1::2/64"], gateways: ["10.1.0.1", "fd00:1::1"])
        // The other machine, with a pod that is itself, and the way back by its operator.
        let far = try NetworkNamespace()
        try far.connect("far", to: "lan0", addresses: ["192.0.2.2/24", "2001:db8::2/64", "10.1.1.2/32", "fd00:1:0:1::2/128"])
        let servers = try ["10.1.1.2", "fd00:1:0:1::2"].map { address in try far.inside { try TCPServer(address, port: 80) } }
        defer { for server in servers { server.stop() } }

        try await World.with([manifest], loops: Self.loops) { world in
            for (number, name) in ["near", "far"].enumerated() { try await Self.add(name, number, world) }
            try await Self.waitForRoutes("the routes") {
                $0.contains("10.1.1.0/24 via 192.0.2.2 dev lan0") && $0.contains("fd00:1:0:1::/64 via 2001:db8::2 dev lan0")
            }
            _ = try far.run("ip", "route", "add", "10.1.0.0/24", "via", "192.0.2.1", "src", "10.1.1.2")
            _ = try far.run("ip", "route", "add", "fd00:1::/64", "via", "2001:db8::1", "src", "fd00:1:0:1::2")
            try await Self.meet(pod)
            // Somebody takes a route away.
            _ = try Command.run(["ip", "route", "del", "10.1.1.0/24"])
            try await Self.waitForRoutes("the route to be back") { $0.contains("10.1.1.0/24 via 192.0.2.2") }

            // The two do not agree, until they do.
            try await Self.label("near", "VXLAN", world)
            try await Self.waitForRoutes("the routes to go") { !$0.contains("10.1.1.0/24") && !$0.contains("fd00:1:0:1::/64") }
            #expect(
                world.heard.count(
                    "pods of node far are not reached from here: its pod network is Routes, and that of this node VXLAN") == 1)
            try await Self.label("far", "VXLAN", world)
            try await Self.waitForRoutes("the routes into the link") {
                $0.contains("10.1.1.0/24 via 10.1.1.1 dev apus-vxlan") && $0.contains("fd00:1:0:1::/64 via fd00:1:0:1::1 dev apus-vxlan")
            }
            #expect(try Self.said("ip", "link", "show", "dev", "apus-vxlan").contains("mtu 1450"))
            try Self.join(far)
            try await Self.meet(pod)
            // The node itself is known there by its bridge's address.
            try await Self.limitedMeeting("the node to meet the pod") { try NetworkNamespace.connects(to: "10.1.1.2", 80) }

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

    /// Has the other machine take part in the VXLAN network: with the hardware that is expected of it, and no route beside.
    private static func join(_ far: NetworkNamespace) throws {
        let expected = try #require(said("ip", "neigh", "show", "10.1.1.1", "dev", "apus-vxlan").firstMatch(of: /lladdr ([0-9a-f:]+)/)).1
        let near = try #require(said("ip", "link", "show", "dev", "apus-vxlan").firstMatch(of: /ether ([0-9a-f:]+)/)).1
        for command in [
            "ip route del 10.1.0.0/24", "ip -6 route del fd00:1::/64",
            "ip link add vx type vxlan id 1 local 192.0.2.2 remote 192.0.2.1 dstport 8472 nolearning dev eth0",
            "ip link set vx address \(expected)",
            "ip link set vx up", "ip neigh add 10.1.0.1 lladdr \(near) dev vx nud permanent",
            "ip neigh add fd00:1::1 lladdr \(near) dev vx nud permanent",
            "ip route add 10.1.0.0/24 via 10.1.0.1 dev vx onlink src 10.1.1.2",
            "ip route add fd00:1::/64 via fd00:1::1 dev vx onlink src fd00:1:0:1::2",
        ] {
            let text = try far.run("sh", "-c", "\(command) || echo failed")
            try #require(!text.contains("failed"), "\(command): \(text)")
        }
    }

    private static func meet(_ pod: NetworkNamespace) async throws {
        for address in ["10.1.1.2", "fd00:1:0:1::2"] {
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
