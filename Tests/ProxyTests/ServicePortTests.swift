internal import APIModel
internal import Testing

@testable import Proxy

/// What of Services and EndpointSlices reaches a proxy backend.
struct ServicePortTests {
    static func service(_ spec: Value) -> Value { ["metadata": ["namespace": "default", "name": "web"], "spec": spec] }

    static func slice(_ endpoints: Value...) -> Value {
        ["addressType": "IPv4", "ports": [["name": "", "port": 8080, "protocol": "TCP"]], "endpoints": .array(endpoints)]
    }

    static func endpoint(_ address: String, ready: Bool = true, serving: Bool? = nil, terminating: Bool = false, node: String = "a")
        -> Value
    {
        [
            "addresses": [.string(address)], "nodeName": .string(node),
            "conditions": ["ready": .bool(ready), "serving": .bool(serving ?? ready), "terminating": .bool(terminating)],
        ]
    }

    static let plain: Value = ["clusterIP": "10.96.0.7", "ports": [["port": 80, "protocol": "TCP", "nodePort": 30080]]]

    @Test(
        arguments: [
            ["clusterIP": "None", "ports": [["port": 80]]], ["clusterIP": "10.96.0.7", "type": "ExternalName", "ports": [["port": 80]]],
            ["ports": [["port": 80]]],
        ] as [Value])
    func headlessAndExternalNamesHaveNoPorts(spec: Value) {
        #expect(ServicePort.ports(of: Self.service(spec), slices: [], nodeName: "a").isEmpty)
    }

    @Test func onePortWithItsEndpoints() throws {
        let slices = [Self.slice(Self.endpoint("10.244.0.9", node: "b"), Self.endpoint("10.244.0.2"))]
        let port = try #require(ServicePort.ports(of: Self.service(Self.plain), slices: slices, nodeName: "a").first)
        #expect(port.clusterIP.description == "10.96.0.7")
        #expect(port.port == 80)
        #expect(port.nodePort == 30080)
        #expect(port.endpoints.map(\.address.description) == ["10.244.0.2", "10.244.0.9"])
        #expect(port.endpoints.map(\.isLocal) == [true, false])
        #expect(port.endpoints.map(\.port) == [8080, 8080])
    }

    /// Terminating endpoints get traffic only when no ready one is left.
    @Test(
        arguments: [
            ([endpoint("10.0.0.1"), endpoint("10.0.0.2", ready: false, serving: true, terminating: true)], ["10.0.0.1"]),
            ([endpoint("10.0.0.1", ready: false), endpoint("10.0.0.2", ready: false, serving: true, terminating: true)], ["10.0.0.2"]),
            ([endpoint("10.0.0.1", ready: false, serving: false, terminating: true)], []),
            ([], []),
        ] as [([Value], [String])])
    func choosesEndpoints(endpoints: [Value], expected: [String]) {
        var slice = Self.slice()
        slice["endpoints"] = .array(endpoints)
        let ports = ServicePort.ports(of: Self.service(Self.plain), slices: [slice], nodeName: "a")
        #expect(ports.first?.endpoints.map(\.address.description) == expected)
    }

    private static func hinted(_ address: String, nodes: [String] = [], zones: [String] = [], ready: Bool = true, node: String = "b")
        -> Value
    {
        var endpoint = Self.endpoint(address, ready: ready, node: node)
        func list(_ names: [String]) -> Value { .array(names.map { ["name": .string($0)] }) }
        endpoint["hints"] = ["forNodes": list(nodes), "forZones": list(zones)]
        return endpoint
    }

    /// The node is `a`, in zone `z`.
    @Test(
        arguments: [
            ([hinted("10.0.0.1", zones: ["z"]), hinted("10.0.0.2", zones: ["y"])], "Cluster", ["10.0.0.1"]),
            ([hinted("10.0.0.1", zones: ["y", "z"]), hinted("10.0.0.2", zones: ["y"])], "Cluster", ["10.0.0.1"]),
            // None for the zone, or one without a hint: they say nothing.
            ([hinted("10.0.0.1", zones: ["x"]), hinted("10.0.0.2", zones: ["y"])], "Cluster", ["10.0.0.1", "10.0.0.2"]),
            ([hinted("10.0.0.1", zones: ["z"]), endpoint("10.0.0.2")], "Cluster", ["10.0.0.1", "10.0.0.2"]),
            // What is not ready has no say.
            (
                [hinted("10.0.0.1", zones: ["z"]), hinted("10.0.0.2", zones: ["y"]), endpoint("10.0.0.3", ready: false)], "Cluster",
                ["10.0.0.1"]
            ),
            // The node before the zone, and the zone where no endpoint is for the node.
            (
                [hinted("10.0.0.1", nodes: ["a"], zones: ["z"]), hinted("10.0.0.2", nodes: ["b"], zones: ["z"])], "Cluster", ["10.0.0.1"]
            ),
            (
                [hinted("10.0.0.1", nodes: ["c"], zones: ["y"]), hinted("10.0.0.2", nodes: ["b"], zones: ["z"])], "Cluster", ["10.0.0.2"]
            ),
            // A policy for this node's own is not told by hints.
            (
                [hinted("10.0.0.1", zones: ["y"], node: "a"), hinted("10.0.0.2", zones: ["z"])], "Local", ["10.0.0.1", "10.0.0.2"]
            ),
        ] as [([Value], String, [String])])
    func followsHints(endpoints: [Value], policy: String, expected: [String]) {
        var (slice, spec) = (Self.slice(), Self.plain)
        slice["endpoints"] = .array(endpoints)
        spec["externalTrafficPolicy"] = .string(policy)
        let ports = ServicePort.ports(of: Self.service(spec), slices: [slice], nodeName: "a", zone: "z")
        #expect(ports.first?.endpoints.map(\.address.description) == expected)
        // A node without a zone goes by the hints for nodes alone.
        let anywhere = ServicePort.ports(of: Self.service(spec), slices: [slice], nodeName: "c", zone: "")
        #expect(anywhere.first?.endpoints.isEmpty == false)
    }

    /// A policy that wants endpoints of this node falls back among them alone.
    @Test(
        arguments: [
            (
                [endpoint("10.0.0.1", node: "b"), endpoint("10.0.0.2", ready: false, serving: true, terminating: true)],
                ["10.0.0.1", "10.0.0.2"]
            ),
            (
                [endpoint("10.0.0.1", node: "b"), endpoint("10.0.0.2", ready: false, serving: true, terminating: true, node: "b")],
                ["10.0.0.1"]
            ),
            (
                [endpoint("10.0.0.1"), endpoint("10.0.0.2", ready: false, serving: true, terminating: true)], ["10.0.0.1"]
            ),
        ] as [([Value], [String])], ["externalTrafficPolicy", "internalTrafficPolicy"])
    func choosesEndpointsOfThisNode(choice: ([Value], [String]), policy: String) {
        var (slice, spec) = (Self.slice(), Self.plain)
        slice["endpoints"] = .array(choice.0)
        spec[policy] = "Local"
        let ports = ServicePort.ports(of: Self.service(spec), slices: [slice], nodeName: "a")
        #expect(ports.first?.endpoints.map(\.address.description) == choice.1)
    }

    @Test func aLoadBalancerThatIsAProxyIsNotGonePast() throws {
        var service = Self.service(Self.plain)
        service["status"] = [
            "loadBalancer": [
                "ingress": [["ip": "192.0.2.1"], ["ip": "192.0.2.2", "ipMode": "Proxy"], ["ip": "192.0.2.3", "ipMode": "VIP"]]
            ]
        ]
        let port = try #require(ServicePort.ports(of: service, slices: [], nodeName: "a").first)
        #expect(port.balancerAddresses.map(\.description) == ["192.0.2.1", "192.0.2.3"])
    }

    /// One for each family, with what is of that family.
    @Test func bothFamilies() throws {
        var spec = Self.plain
        spec["clusterIPs"] = ["10.96.0.7", "fd00:96::7"]
        spec["externalIPs"] = ["2001:db8::1", "192.0.2.1", "::ffff:192.0.2.2"]
        spec["loadBalancerSourceRanges"] = [" 2001:db8::/32 ", "0.0.0.0/0", "192.0.2.0/24"]
        var six = Self.slice(Self.endpoint("fd00:244::2"))
        six["addressType"] = "IPv6"
        let ports = ServicePort.ports(of: Self.service(spec), slices: [six, Self.slice(Self.endpoint("10.244.0.2"))], nodeName: "a")
        #expect(ports.map(\.family) == [.ipv4, .ipv6])
        #expect(ports.map(\.clusterIP.description) == ["10.96.0.7", "fd00:96::7"])
        #expect(ports.map { $0.externalIPs.map(\.description) } == [["192.0.2.1", "192.0.2.2"], ["2001:db8::1"]])
        #expect(ports.map { $0.sourceRanges.map(\.description) } == [[], ["2001:db8::/32"]])
        #expect(ports.map { $0.endpoints.map(\.address.description) } == [["10.244.0.2"], ["fd00:244::2"]])
        #expect(ports.allSatisfy { $0.nodePort == 30080 })
        #expect(Set(ports.map(\.identity)).count == 2)
    }

    @Test func affinityAndPolicies() throws {
        var spec = Self.plain
        spec["sessionAffinity"] = "ClientIP"
        spec["externalTrafficPolicy"] = "Local"
        let port = try #require(ServicePort.ports(of: Self.service(spec), slices: [], nodeName: "a").first)
        #expect(port.affinitySeconds == 10800)
        #expect(port.externalLocal)
        #expect(!port.internalLocal)
    }
}
