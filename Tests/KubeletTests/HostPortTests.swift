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
                HostPort(transport: "tcp", address: nil, port: 80, podAddress: "10.1.0.5", podPort: 8080, family: .ipv4),
                HostPort(transport: "udp", address: "192.0.2.1", port: 53, podAddress: "10.1.0.5", podPort: 53, family: .ipv4),
            ])
        var host = Self.spec()
        host["hostNetwork"] = true
        #expect(HostPort.all(of: pod(host), addresses: ["10.1.0.5"]).isEmpty)
        #expect(HostPort.all(of: pod(Self.spec()), addresses: ["; drop"]).isEmpty)
    }

    /// In each family that the pod has an address of; those on one address of the node, in that one's.
    @Test func areInBothFamilies() {
        let ports: Value = [
            ["containerPort": 1, "hostPort": 81], ["containerPort": 2, "hostPort": 82, "hostIP": "2001:db8::1"],
            ["containerPort": 3, "hostPort": 83, "hostIP": "0.0.0.0"], ["containerPort": 4, "hostPort": 84, "hostIP": "::"],
        ]
        let all = HostPort.all(of: pod(Self.spec(ports)), addresses: ["10.1.0.5", "fd00::5"])
        #expect(
            all.map { "\($0.podAddress) \($0.port) \($0.address ?? "any")" } == [
                "10.1.0.5 81 any", "10.1.0.5 83 any", "fd00::5 81 any", "fd00::5 82 2001:db8::1", "fd00::5 84 any",
            ])
        let script = HostPortRules.script(all, in: "t")
        for line in [
            "table ip t {", "table ip6 t {", "elements = { 2001:db8::1 . tcp . 82 : fd00::5 . 2 }",
            "elements = { tcp . 81 : fd00::5 . 1, tcp . 84 : fd00::5 . 4 }", "ip6 daddr != ::1 fib daddr type local jump ports",
        ] { #expect(script.contains(line)) }
    }

    @Test func rules() throws {
        let script = HostPortRules.script(
            HostPort.all(of: pod(Self.spec()), addresses: ["10.1.0.5"]), in: "t", clients: [try #require(IPNetwork("10.1.0.0/24"))])
        for line in [
            "elements = { tcp . 80 : 10.1.0.5 . 8080 }", "elements = { 192.0.2.1 . udp . 53 : 10.1.0.5 . 53 }",
            "ct status dnat ip saddr 10.1.0.0/24 ip daddr @pods masquerade",
        ] { #expect(script.contains(line)) }
        #expect(HostPortRules.script([HostPort](), in: "t") == HostPortRules.removal(of: "t"))
    }

    @Test func comeAndGoWithThePod() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.spec()))
            let status = try await bench.wait("running") { $0["phase"].string == "Running" }
            let address = try #require(status["podIP"].string)
            #expect(bench.packetFilter.scripts.last?.contains("tcp . 80 : \(address) . 8080") == true)
            #expect(bench.packetFilter.others == ["conntrack -D -f ipv4 -p udp --orig-port-dst 53"])
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
