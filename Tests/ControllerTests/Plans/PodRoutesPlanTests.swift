import APIModel
import KernelNetwork
import Testing

@testable import ControllerPodRoutes

/// What one node's kernel has to know of another node.
struct PodRoutesPlanTests {
    private static func node(_ name: String, _ number: Int, _ mode: String?, addresses: [String]? = nil, pods: [String]? = nil)
        -> NodeNetwork
    {
        NodeNetwork([
            "metadata": ["name": .string(name), "labels": mode.map { ["networking.apus.dev/pod-network": .string($0)] } ?? .null],
            "spec": ["podCIDRs": .array((pods ?? ["10.1.\(number).0/24", "fd00:1:0:\(number)::/64"]).map { .string($0) })],
            "status": [
                "addresses": .array(
                    [["type": "Hostname", "address": .string(name)]]
                        + (addresses ?? ["192.0.2.\(number)", "2001:db8::\(number)"]).map {
                            ["type": "InternalIP", "address": .string($0)]
                        })
            ],
        ])
    }

    /// The machine is on both networks of the nodes.
    private static func links() -> [LinkAddresses.Address] {
        [("192.0.2.1", 24), ("2001:db8::1", 64), ("10.1.1.1", 24)].map { address, prefix in
            LinkAddresses.Address(link: 7, address: IPAddress(address)!.bytes, prefix: UInt8(prefix), isOurs: false)
        }
    }

    private static func way(to other: NodeNetwork, _ mode: String) -> Way {
        Way(from: node("a", 1, mode), to: other, links: links(), vxlan: mode == "VXLAN" ? 9 : nil)
    }

    private static func text(_ way: Way) -> Set<String> {
        func place(_ bytes: [UInt8]) -> String { IPAddress(bytes: bytes)!.description }
        return Set(
            way.routes.map { route in
                "\(place(route.network))/\(route.bits) by \(place(route.gateway)) on \(route.link)"
                    + (route.source.map { " from \(place($0))" } ?? "")
            }
                + way.neighbours.map { entry in
                    switch entry {
                    case .address(let address, _): "\(place(address)) is there"
                    case .machine(let machine, _): "there is \(place(machine))"
                    }
                })
    }

    @Test func routesLeadByTheNodesAddresses() {
        let way = Self.way(to: Self.node("b", 2, "Routes"), "Routes")
        #expect(Self.text(way) == ["10.1.2.0/24 by 192.0.2.2 on 7", "fd00:1:0:2::/64 by 2001:db8::2 on 7"])
        #expect(way.problem == nil)
    }

    @Test func packetsGoInsideOfOthers() {
        let way = Self.way(to: Self.node("b", 2, "VXLAN"), "VXLAN")
        #expect(
            Self.text(way) == [
                "10.1.2.0/24 by 10.1.2.1 on 9 from 10.1.1.1", "fd00:1:0:2::/64 by fd00:1:0:2::1 on 9 from fd00:1:0:1::1",
                "10.1.2.1 is there", "fd00:1:0:2::1 is there", "there is 192.0.2.2",
            ])
        #expect(way.problem == nil)
        // A hardware address that nobody was given, and another for each.
        let (one, other) = (Self.node("a", 1, nil).hardware, Self.node("b", 1, nil).hardware)
        #expect(one != other && one.count == 6 && one[0] & 3 == 2)
    }

    @Test(
        arguments: [
            (node("b", 2, "VXLAN"), "Routes", "its pod network is VXLAN, and that of this node Routes"),
            (node("b", 2, "Carrier"), "VXLAN", "its pod network is Carrier, and that of this node VXLAN"),
            (
                node("b", 2, "Routes", addresses: ["198.51.100.2"], pods: ["10.1.2.0/24"]), "Routes",
                "its address 198.51.100.2 is on no network of this node's: only VXLAN leads there"
            ),
            (
                node("b", 2, "Routes", addresses: ["192.0.2.2"], pods: ["fd00:1:0:2::/64"]), "Routes",
                "it has no IPv6 address that leads to fd00:1:0:2::/64"
            ),
            (node("b", 2, "VXLAN", addresses: ["2001:db8::2"]), "VXLAN", "it has no address of the family of this node's first"),
            (
                node("b", 2, "Routes", pods: ["10.1.1.0/24"]), "Routes",
                "its pods have the network 10.1.1.0/24, and those of this node 10.1.1.0/24"
            ),
        ] as [(NodeNetwork, String, String)])
    func whatCannotBeReachedIsSaid(_ other: NodeNetwork, _ mode: String, _ problem: String) {
        let way = Self.way(to: other, mode)
        #expect(way.problem == problem)
        #expect(way.routes.isEmpty && way.neighbours.isEmpty)
    }

    @Test(arguments: [("None", "VXLAN"), ("VXLAN", "None")])
    func whoeverLeavesItToOthersIsLeftAlone(_ one: String, _ other: String) {
        #expect(Way(from: Self.node("a", 1, one), to: Self.node("b", 2, other), links: Self.links(), vxlan: 9) == Way())
        #expect(Way(from: Self.node("a", 1, "Routes"), to: Self.node("b", 2, nil), links: Self.links(), vxlan: nil) == Way())
    }
}
