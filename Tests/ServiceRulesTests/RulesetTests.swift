import APIModel
import KernelNetwork
import PluginKit
import Testing

@testable import ServiceRules

/// The commands for services, in both families from one table.
///
/// In what is expected `IP` is how rules name the family, `T` the table, and `A1` to `A9` are addresses; `[A1]` has brackets where they are
/// wanted.
struct RulesetTests {
    struct Scenario: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var change: @Sendable (inout WantedService, (Int) -> String) -> Void
        var expected: [String]

        init(_ what: String, _ change: @escaping @Sendable (inout WantedService, (Int) -> String) -> Void, _ expected: [String]) {
            (testDescription, self.change, self.expected) = (what, change, expected)
        }
    }

    static let pods: [IPFamily: String] = [.ipv4: "10.244.0.0/16", .ipv6: "fd00:244::/56"]

    static func address(_ number: Int, _ family: IPFamily) -> String { family == .ipv4 ? "192.0.2.\(number)" : "2001:db8::\(number)" }

    static func write(_ template: String, _ family: IPFamily) -> String {
        var text = template.replacing("IP ", with: family == .ipv4 ? "ip " : "ip6 ").replacing(
            "TYPE", with: FilterFamily(family).addressType
        )
        .replacing(" T ", with: family == .ipv4 ? " ip test " : " ip6 test ").replacing("PODS", with: pods[family]!)
        for number in 1...9 {
            let address = address(number, family)
            text = text.replacing("[A\(number)]", with: family == .ipv4 ? address : "[\(address)]")
                .replacing("-A\(number)-", with: "-\(address.replacing(":", with: "."))-").replacing("A\(number)", with: address)
        }
        return text
    }

    static func ruleset(_ family: IPFamily, nodePorts: [String] = []) -> Ruleset {
        Ruleset(
            table: "test", family: family, podNetwork: IPNetwork(pods[family]!), nodePortNetworks: nodePorts.compactMap { IPNetwork($0) },
            crossesBridge: true)
    }

    static func service(_ family: IPFamily, id: UInt64 = 7) throws -> WantedService {
        WantedService(id: id, "tcp", try #require(IPAddress(address(1, family))), port: 80)
    }

    private static let toOne = [
        "add chain T svc-7", "add rule T svc-7 IP saddr != PODS jump masquerade-later",
        "add rule T svc-7 meta l4proto tcp dnat to [A2]:8080",
        "add element T service-ips { A1 . tcp . 80 : goto svc-7 }",
    ]
    private static let counted = ["add element T cluster-ips { A1 }", "add element T hairpin { A2 . A2 }"]

    static let scenarios = [
        Scenario("nobody is there", { _, _ in }, ["add element T no-endpoint-ips { A1 . tcp . 80 : goto refuse }", counted[0]]),
        Scenario("one endpoint", { service, address in service.endpoints = [.init(address: address(2), port: 8080)] }, toOne + counted),
        Scenario(
            "two endpoints",
            { service, address in service.endpoints = [2, 3].map { .init(address: address($0), port: 8080) } },
            [
                toOne[0], toOne[1], "add rule T svc-7 meta l4proto tcp dnat to numgen random mod 2 offset 0 map @endpoints-tcp-7",
                "add element T endpoints-tcp-7 { 0 : A2 . 8080, 1 : A3 . 8080 }", toOne[3], counted[0],
                "add element T hairpin { A2 . A2, A3 . A3 }",
            ]),
        Scenario(
            "affinity",
            { service, address in
                (service.endpoints, service.affinitySeconds) = ([.init(address: address(2), port: 8080)], 60)
            },
            [
                "add set T c-7-A2-8080 { type TYPE; flags dynamic,timeout; timeout 60s; }", "add chain T c-7-A2-8080", "add chain T svc-7",
                "add rule T c-7-A2-8080 update @c-7-A2-8080 { IP saddr }", "add rule T c-7-A2-8080 meta l4proto tcp dnat to [A2]:8080",
                toOne[1], "add rule T svc-7 IP saddr @c-7-A2-8080 goto c-7-A2-8080",
                "add rule T svc-7 numgen random mod 1 vmap { 0 : goto c-7-A2-8080 }", toOne[3],
            ] + counted),
        Scenario(
            "a node port and an external address",
            { service, address in
                (service.endpoints, service.nodePort) = ([.init(address: address(2), port: 8080)], 30080)
                service.externalAddresses = [address(5)]
            },
            [
                toOne[0], "add chain T ext-7", toOne[1], toOne[2], "add rule T ext-7 jump masquerade-later", "add rule T ext-7 goto svc-7",
                "add element T service-ips { A1 . tcp . 80 : goto svc-7, A5 . tcp . 80 : goto ext-7 }",
                "add element T service-ports { tcp . 30080 : goto ext-7 }",
            ] + counted),
        Scenario(
            "policy Local outside, endpoints elsewhere",
            { service, address in
                (service.endpoints, service.nodePort, service.isExternalLocal) = ([.init(address: address(2), port: 8080)], 30080, true)
            },
            [
                toOne[0], "add chain T ext-7", toOne[1], toOne[2], "add rule T ext-7 IP saddr PODS goto svc-7",
                "add rule T ext-7 fib saddr type local jump masquerade-later", "add rule T ext-7 fib saddr type local goto svc-7", toOne[3],
                "add element T service-ports { tcp . 30080 : goto ext-7 }",
                "add element T no-endpoint-ports { tcp . 30080 : goto discard }",
            ] + counted),
        Scenario(
            "policy Local inside, one endpoint of two here",
            { service, address in
                service.endpoints = [.init(address: address(2), port: 8080, isLocal: true), .init(address: address(3), port: 8080)]
                service.isInternalLocal = true
            }, toOne + [counted[0], "add element T hairpin { A2 . A2, A3 . A3 }"]),
        Scenario(
            "policy Local inside, none here",
            { service, address in
                (service.endpoints, service.isInternalLocal) = ([.init(address: address(2), port: 8080)], true)
            }, ["add element T no-endpoint-ips { A1 . tcp . 80 : goto discard }"] + counted),
        Scenario(
            "who may come to a balancer",
            { service, address in
                service.endpoints = [.init(address: address(2), port: 8080)]
                (service.externalAddresses, service.balancerAddresses) = ([address(6)], [address(6)])
                service.sourceRanges = [address(9)]
            },
            [
                toOne[0], "add chain T ext-7", "add chain T fw-7", toOne[1], toOne[2], "add rule T ext-7 jump masquerade-later",
                "add rule T ext-7 goto svc-7", "add rule T fw-7 IP saddr A9 return", "add rule T fw-7 drop",
                "add element T service-ips { A1 . tcp . 80 : goto svc-7, A6 . tcp . 80 : goto ext-7 }",
                "add element T firewall-ips { A6 . tcp . 80 : jump fw-7 }",
            ] + counted),
    ]

    @Test(arguments: scenarios, IPFamily.allCases) func commands(scenario: Scenario, family: IPFamily) throws {
        var service = try Self.service(family)
        scenario.change(&service) { Self.address($0, family) }
        var rules = RulesInForce(Self.ruleset(family))
        let script = rules.change(gone: [], changes: [service])
        #expect(Self.lines(script).sorted() == scenario.expected.map { Self.write($0, family) }.sorted())
        // What was put there is all that is to be taken away.
        #expect(rules.change(gone: [], changes: [service]) == "")
        #expect(Self.lines(rules.change(gone: [7], changes: [])).allSatisfy { !$0.hasPrefix("add") })
        #expect(rules.isEmpty)
        #expect(rules.shape == Self.ruleset(family).base.shape)
    }

    /// What two services have stays until the second goes.
    @Test(arguments: IPFamily.allCases) func sharedElements(family: IPFamily) throws {
        var rules = RulesInForce(Self.ruleset(family))
        var services = [try Self.service(family), try Self.service(family, id: 8)]
        services[1].port = 443
        for index in 0..<2 { services[index].endpoints = [.init(address: Self.address(2, family), port: 8080)] }
        let shared = ["cluster-ips", "hairpin"]
        func isShared(_ script: String) -> [Bool] { shared.map { script.contains(" \($0) ") } }
        #expect(isShared(rules.change(gone: [], changes: services)) == [true, true])
        #expect(isShared(rules.change(gone: [7], changes: [])) == [false, false])
        services[1].endpoints = []
        #expect(isShared(rules.change(gone: [], changes: [services[1]])) == [false, true])
        #expect(isShared(rules.change(gone: [8], changes: [])) == [true, false])
    }

    /// Endpoints that come and go leave the memory of the others alone.
    @Test(arguments: IPFamily.allCases) func affinityOutlivesOthers(family: IPFamily) throws {
        var rules = RulesInForce(Self.ruleset(family))
        var service = try Self.service(family)
        service.affinitySeconds = 60
        service.endpoints = [2, 3].map { .init(address: Self.address($0, family), port: 8080) }
        _ = rules.change(gone: [], changes: [service])
        service.endpoints.remove(at: 0)
        let script = rules.change(gone: [], changes: [service])
        #expect(!script.contains(Self.write(" set T c-7-A3-8080", family)))
        #expect(script.contains(Self.write("delete set T c-7-A2-8080", family)))
        #expect(!script.contains(Self.write("chain T c-7-A3-8080", family)))
    }

    /// An endpoint that takes another's place costs two elements, and no rule.
    @Test(arguments: IPFamily.allCases) func anEndpointInPlaceOfAnother(family: IPFamily) throws {
        var rules = RulesInForce(Self.ruleset(family))
        var service = try Self.service(family)
        service.endpoints = [2, 3].map { .init(address: Self.address($0, family), port: 8080) }
        _ = rules.change(gone: [], changes: [service])
        service.endpoints[1].address = Self.address(4, family)
        let expected = [
            "delete element T endpoints-tcp-7 { 1 }", "delete element T hairpin { A3 . A3 }",
            "add element T endpoints-tcp-7 { 1 : A4 . 8080 }",
            "add element T hairpin { A4 . A4 }",
        ]
        #expect(Self.lines(rules.change(gone: [], changes: [service])) == expected.map { Self.write($0, family) })
    }

    /// A map's type names its protocol, and nftables takes no rule of another that names it.
    @Test(arguments: IPFamily.allCases, ["tcp", "udp", "sctp"]) func endpointsOfOneProtocolShareMaps(family: IPFamily, what: String) throws
    {
        var rules = RulesInForce(Self.ruleset(family))
        var service = WantedService(id: 1_000, what, try #require(IPAddress(Self.address(1, family))), port: 53)
        service.endpoints = [2, 3].map { .init(address: Self.address($0, family), port: 53) }
        let rule = try #require(Self.lines(rules.change(gone: [], changes: [service])).first { $0.contains(" map @") })
        let map = try #require(rule.split(separator: "@").last)
        #expect(rule.contains("meta l4proto \(what) "))
        let declared = try #require(Self.ruleset(family).base.sets[String(map)])
        #expect(declared.type.hasSuffix(" : \(family == .ipv4 ? "ip" : "ip6") daddr . \(what) dport"))
    }

    /// Nobody's numbers are another's, and those of a service that went are given out again.
    @Test func numbersOfEndpoints() {
        var numbers = NumberRuns()
        let first = numbers.first(of: "a", count: 3)
        let second = numbers.first(of: "b", count: 5)
        #expect(second >= first + 4 || first >= second + 8)
        #expect(numbers.first(of: "a", count: 4) == first && numbers.first(of: "a", count: 2) == first)
        let moved = numbers.first(of: "a", count: 9)
        #expect(moved >= second + 8)
        #expect(numbers.first(of: "c", count: 4) == first)
        numbers.giveBack("b")
        #expect(numbers.first(of: "d", count: 6) == second)
    }

    @Test func nodePortsStandWhereTheyAreAskedFor() throws {
        for (family, expected) in [
            (IPFamily.ipv4, "ip daddr != 127.0.0.0/8 ip daddr { 192.0.2.0/24 } fib daddr type local meta l4proto"),
            (.ipv6, "ip6 daddr != ::1 ip6 daddr { 2001:db8::/32, fd00::1/128 } fib daddr type local meta l4proto"),
        ] {
            let rules = Self.ruleset(family, nodePorts: ["2001:db8::/32", "192.0.2.0/24", "fd00::1/128"])
            #expect(rules.base.chains["services"]?.last?.hasPrefix(expected) == true)
        }
        for (networks, isOnLoopback) in [
            ("127.0.0.0/8", true), ("192.0.2.0/24 127.0.0.1/32", true), ("0.0.0.0/0", false), ("::1/128", false), ("", false),
        ] {
            let rules = Self.ruleset(.ipv4, nodePorts: networks.split(separator: " ").map(String.init)).base.chains
            #expect(rules["services"]?.last?.contains("daddr != 127") == !isOnLoopback, "\(networks)")
            // What comes to loopback from elsewhere is let in by nobody.
            #expect(rules["filter-input"]?.last?.hasSuffix("daddr 127.0.0.0/8 ct state new drop") == isOnLoopback, "\(networks)")
        }
        #expect(Self.ruleset(.ipv6).base.chains["services"]?.last?.hasPrefix("ip6 daddr != ::1 fib daddr type local ") == true)
    }

    private static func lines(_ script: String) -> [String] { script.split(separator: "\n").map(String.init) }
}
