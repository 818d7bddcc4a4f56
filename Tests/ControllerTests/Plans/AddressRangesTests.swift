import APIModel
import PluginKit
import Testing

@testable import ControllerServiceLB

@Suite struct AddressRangesTests {
    private static func service(_ name: String, has: [String] = [], wants: String? = nil, created: Int = 0, families: [String] = ["IPv4"])
        -> Value
    {
        var service: Value = [
            "metadata": ["namespace": "d", "name": .string(name), "creationTimestamp": .string("2026-01-01T00:00:0\(created)Z")],
            "spec": ["type": "LoadBalancer", "ipFamilies": .array(families.map { .string($0) })],
            "status": ["loadBalancer": ["ingress": .array(has.map { ["ip": .string($0)] })]],
        ]
        if let wants { service["spec"]["loadBalancerIP"] = .string(wants) }
        return service
    }

    private static func answer(_ ranges: [String], _ service: Value, _ others: [Value] = []) throws -> String {
        let ranges = try AddressRanges(.array(ranges.map { .string($0) }))
        do {
            return try ranges.addresses(for: service, among: others + [service]).map(\.description).joined(separator: ",")
        } catch {
            return error.reason
        }
    }

    @Test(
        arguments: [
            (["192.0.2.240-192.0.2.241"], [], nil, [], "192.0.2.240"),
            (["192.0.2.240-192.0.2.241"], [], nil, ["192.0.2.240"], "192.0.2.241"),
            (["192.0.2.240"], [], nil, ["192.0.2.240"], "all addresses are taken"),
            (["192.0.2.128/30"], [], nil, ["192.0.2.129", "192.0.2.130"], "all addresses are taken"),
            (["192.0.2.128/30"], [], nil, [], "192.0.2.129"),
            (["192.0.2.129/31"], [], nil, ["192.0.2.128"], "192.0.2.129"),
            (["192.0.2.7/32", "192.0.2.5-192.0.2.5"], [], nil, ["192.0.2.5"], "192.0.2.7"),
            (["192.0.2.1-192.0.2.9", "192.0.2.3-192.0.2.4"], ["192.0.2.4"], nil, [], "192.0.2.4"),
            (["192.0.2.1-192.0.2.9"], ["198.51.100.1"], nil, [], "192.0.2.1"),
            (["192.0.2.1-192.0.2.9"], ["192.0.2.4"], "192.0.2.6", [], "192.0.2.6"),
            (["192.0.2.1-192.0.2.9"], [], "192.0.2.6", ["192.0.2.6"], "192.0.2.6 is taken by d/other"),
            (["192.0.2.1-192.0.2.9"], [], "192.0.2.60", [], "192.0.2.60 is not one of the addresses to give out"),
            (["192.0.2.1-192.0.2.9"], [], "fd00::1", [], "fd00::1 is not one of the addresses to give out"),
            (["255.255.255.255"], [], nil, [], "255.255.255.255"),
        ] as [([String], [String], String?, [String], String)])
    func givesOneThatIsFree(ranges: [String], has: [String], wants: String?, taken: [String], answer: String) throws {
        #expect(
            try Self.answer(ranges, Self.service("s", has: has, wants: wants, created: 1), [Self.service("other", has: taken)]) == answer)
    }

    @Test(
        arguments: [
            (["2001:db8::/64"], ["IPv6"], [], nil, "2001:db8::1"),
            (["2001:db8::/64", "192.0.2.7"], ["IPv6", "IPv4"], [], nil, "2001:db8::1,192.0.2.7"),
            (["192.0.2.7", "2001:db8::7-2001:db8::9"], ["IPv4", "IPv6"], ["2001:db8::8"], nil, "192.0.2.7,2001:db8::8"),
            (["192.0.2.7", "2001:db8::7-2001:db8::9"], ["IPv4", "IPv6"], [], "2001:db8::9", "192.0.2.7,2001:db8::9"),
            (["192.0.2.7"], ["IPv4", "IPv6"], [], nil, "192.0.2.7"),
            (["192.0.2.7"], ["IPv6"], [], nil, "there are no addresses of IPv6 to give out"),
            (["192.0.2.7", "2001:db8::7"], ["IPv4"], [], "2001:db8::7", "2001:db8::7 is not one of the addresses to give out"),
            (["2001:db8::6/127"], ["IPv6"], [], nil, "2001:db8::6"),
        ] as [([String], [String], [String], String?, String)])
    func givesOneOfEachFamily(ranges: [String], families: [String], has: [String], wants: String?, answer: String) throws {
        #expect(try Self.answer(ranges, Self.service("s", has: has, wants: wants, families: families)) == answer)
    }

    /// Of two that were given the same, the later one moves.
    @Test func whoWasFirstKeepsIt() throws {
        let both = (0...1).map { Self.service("s\($0)", has: ["192.0.2.1"], created: $0) }
        #expect(try Self.answer(["192.0.2.1-192.0.2.2"], both[0], [both[1]]) == "192.0.2.1")
        #expect(try Self.answer(["192.0.2.1-192.0.2.2"], both[1], [both[0]]) == "192.0.2.2")
    }

    @Test(arguments: [
        "", "x", "192.0.2.0/0", "192.0.2.0/33", "192.0.2.9-192.0.2.1", "192.0.2.1-192.0.2.2-192.0.2.3", "::/0", "192.0.2.1-fd00::1",
        "fd00::/129",
        "192.0.2.1-",
    ])
    func refusesWhatIsNoRange(_ text: String) {
        #expect(throws: ComponentError.self) { try AddressRanges([.string(text)]) }
    }

    @Test func oneNodeAnswers() {
        let nodes = (1...3).map { number -> Value in
            [
                "metadata": ["name": .string("n\(number)")],
                "status": [
                    "addresses": [["type": "InternalIP", "address": .string("192.0.2.\(number)")]],
                    "conditions": [["type": "Ready", "status": "True"]],
                ],
            ]
        }
        let addresses = (10..<110).map { "198.51.100.\($0)" }
        let chosen = addresses.map { Announcer.node(for: $0, among: nodes, hosts: nil) }
        for node in ["n1", "n2", "n3"] { #expect(chosen.count { $0 == node } > 15) }
        // One that goes takes along only what it had.
        for (address, before) in zip(addresses, chosen) where before != "n3" {
            #expect(Announcer.node(for: address, among: Array(nodes.prefix(2)), hosts: nil) == before)
        }
        #expect(Announcer.node(for: addresses[0], among: nodes, hosts: ["n2", "elsewhere"]) == "n2")
        #expect(Announcer.node(for: addresses[0], among: nodes, hosts: []) == nil)
        #expect(Announcer.addresses(of: Self.service("s", has: ["192.0.2.2", "198.51.100.9"]), nodes: nodes) == ["198.51.100.9"])
    }
}
