import APIModel
import TestSupport
import Testing

@testable import Kubelet

/// Ports of the node that lead into pods.
@Suite struct HostPortTests {
    private static let ports: Value = [
        ["containerPort": 8080, "hostPort": 80], ["containerPort": 53, "hostPort": 53, "protocol": "UDP", "hostIP": "192.0.2.1"],
        ["containerPort": 9000], ["containerPort": 1, "hostPort": 81, "hostIP": "::1"],
    ]

    private static func spec(_ ports: Value = ports) -> Value { ["containers": [["name": "web", "image": "web:1", "ports": ports]]] }

    @Test func areThoseOfAPodWithItsOwnNetwork() {
        let all = HostPort.all(of: pod(Self.spec()), addresses: ["10.1.0.5"])
        #expect(
            all == [
                HostPort(transport: "tcp", address: nil, port: 80, podAddress: "10.1.0.5", podPort: 8080),
                HostPort(transport: "udp", address: "192.0.2.1", port: 53, podAddress: "10.1.0.5", podPort: 53),
            ])
        var host = Self.spec()
        host["hostNetwork"] = true
        #expect(HostPort.all(of: pod(host), addresses: ["10.1.0.5"]).isEmpty)
        #expect(HostPort.all(of: pod(Self.spec()), addresses: ["; drop"]).isEmpty)
    }

    @Test func leadToThePodsAddressOfTheirFamily() {
        let ports: Value = [
            ["containerPort": 8080, "hostPort": 80], ["containerPort": 1, "hostPort": 81, "hostIP": "2001:db8::7"],
            ["containerPort": 2, "hostPort": 82, "hostIP": "0.0.0.0"], ["containerPort": 3, "hostPort": 83, "hostIP": "::"],
        ]
        let all = HostPort.all(of: pod(Self.spec(ports)), addresses: ["10.1.0.5", "fd00::5"])
        func port(_ number: Whole, _ own: Whole, _ address: String, on node: String? = nil) -> HostPort {
            HostPort(transport: "tcp", address: node, port: number, podAddress: address, podPort: own)
        }
        #expect(
            all == [
                port(80, 8080, "10.1.0.5"), port(80, 8080, "fd00::5"), port(81, 1, "fd00::5", on: "2001:db8::7"), port(82, 2, "10.1.0.5"),
                port(83, 3, "fd00::5"),
            ])
        let script = HostPortRules.script(all, in: "t", clients: ["10.1.0.0/24", "fd00::/64"])
        for line in [
            "elements = { tcp . 80 : 10.1.0.5 . 8080, tcp . 82 : 10.1.0.5 . 2 }",
            "elements = { tcp . 80 : fd00::5 . 8080, tcp . 83 : fd00::5 . 3 }",
            "elements = { 2001:db8::7 . tcp . 81 : fd00::5 . 1 }", "ct status dnat ip6 saddr fd00::/64 ip6 daddr @pods masquerade",
            "table ip6 t {", "set pods { type ipv6_addr; elements = { fd00::5 }; }",
        ] { #expect(script.contains(line), "\(line)") }
    }

    @Test func rules() {
        let script = HostPortRules.script(HostPort.all(of: pod(Self.spec()), addresses: ["10.1.0.5"]), in: "t", clients: ["10.1.0.0/24"])
        for line in [
            "elements = { tcp . 80 : 10.1.0.5 . 8080 }", "elements = { 192.0.2.1 . udp . 53 : 10.1.0.5 . 53 }",
            "ct status dnat ip saddr 10.1.0.0/24 ip daddr @pods masquerade",
        ] { #expect(script.contains(line)) }
        #expect(HostPortRules.script([], in: "t", clients: []) == HostPortRules.removal(of: "t"))
    }

    @Test func comeAndGoWithThePod() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.spec()))
            let status = try await bench.wait("running") { $0["phase"].string == "Running" }
            let address = try #require(status["podIP"].string)
            #expect(bench.packetFilter.scripts.last?.contains("tcp . 80 : \(address) . 8080") == true)
            #expect(bench.packetFilter.others == ["conntrack -D -p udp --orig-port-dst 53"])
            let told = bench.packetFilter.scripts.count
            bench.client.put(.pods, makePod("other"))
            try await bench.wait("running", of: "other") { $0["phase"].string == "Running" }
            // Whoever has no such ports costs nothing.
            #expect(bench.packetFilter.scripts.count == told)
            bench.client.markDeleted("web", grace: 1)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "web") == nil }
            #expect(bench.packetFilter.scripts.last == HostPortRules.removal(of: "apus-hostports"))
        }
    }

    @Test func aRefusalIsTold() async throws {
        let bench = Bench()
        try await bench.run {
            bench.packetFilter.refuse(true)
            bench.client.put(.pods, makePod(spec: Self.spec()))
            try await bench.eventually("told") {
                bench.events.message("FailedHostPort") == "nftables refused the rules for hostPort: Error: no"
            }
        }
    }

    /// No port of a pod that runs is missing for a moment when another kubelet takes over.
    @Test func leadOnOverARestart() throws {
        let filter = FakePacketFilter()
        let ports = HostPorts(podCIDRs: [], run: filter.run)
        let (a, b) = (
            HostPort.all(of: pod(Self.spec()), addresses: ["10.1.0.5"]),
            HostPort.all(of: pod(Self.spec([["containerPort": 1, "hostPort": 2]])), addresses: ["10.1.0.6"])
        )
        ports.seed(["a": a, "b": b])
        try ports.set(b, for: "b")
        #expect(filter.scripts.count == 1 && filter.scripts[0].contains("10.1.0.5") && filter.scripts[0].contains("10.1.0.6"))
        try ports.set(a, for: "a")
        try ports.refresh()
        #expect(filter.scripts.count == 1)
        try ports.set([], for: "a")
        #expect(filter.scripts.count == 2 && !filter.scripts[1].contains("10.1.0.5"))
    }

    @Test(arguments: [("10.1.0.5", "apus0"), ("10.1.2.5", "other"), ("192.0.2.1", nil), ("x", nil)]) func routes(
        _ address: String, _ name: String?
    ) {
        let table = """
            Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
            eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
            other\t0000010A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
            apus0\t0000010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0

            """
        #expect(Routes.interface(to: address, in: table) == name)
    }
}
