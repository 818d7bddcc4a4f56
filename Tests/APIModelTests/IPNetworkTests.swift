import Testing

@testable import APIModel

@Suite("Addresses and networks")
struct IPNetworkTests {
    @Test(
        "An address is written in one way",
        arguments: [
            ("10.96.0.1", "10.96.0.1"), ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"),
            ("FD00:0010:0096:0000:0000:0000:0000:000A", "fd00:10:96::a"), ("2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"),
            ("2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("fe80::", "fe80::"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
        ])
    func canonical(text: String, expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test("What is no address is none", arguments: ["", "10.96.0", "010.0.0.1", "1::2::3", "fe80::1%eth0", "10.0.0.0/8", "12345::", "g::"])
    func noAddress(text: String) { #expect(IPAddress(text) == nil) }

    @Test(
        "A network's ends and hosts",
        arguments: [
            ("10.96.0.0/16", "10.96.255.255", 65534), ("10.96.3.7/30", "10.96.3.7", 2), ("10.0.0.0/31", "10.0.0.1", 0),
            ("10.0.0.1/32", "10.0.0.1", 0), ("fd00:10:96::/112", "fd00:10:96::ffff", 65535), ("fd00::1/128", "fd00::1", 0),
            ("fd00::/127", "fd00::1", 1), ("0.0.0.0/0", "255.255.255.255", 4_294_967_294),
        ] as [(String, String, UInt128)])
    func ends(text: String, last: String, hosts: UInt128) throws {
        let network = try #require(IPNetwork(text))
        #expect(network.last.description == last)
        #expect(network.hostCount == hosts)
        #expect(network.host(0) == nil && network.host(hosts + 1) == nil)
        #expect(!network.hasHost(network.base))
        if hosts > 0 { #expect(try network.hasHost(#require(network.host(hosts)))) }
        #expect(network.hasHost(network.last) == (network.family == .ipv6 && hosts > 0))
    }

    @Test("The whole of IPv6 is a network like others")
    func everything() throws {
        let network = try #require(IPNetwork("::/0"))
        #expect(network.hostCount == .max)
        #expect(network.host(.max)?.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
        #expect(network.subnet(.max, bits: 128)?.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")
    }

    @Test("What is no network is none", arguments: ["", "10.96.0.0", "10.96.0.0/33", "fd00::/129", "fd00::/-1", "fd00::/6/4", "fd00::/"])
    func noNetwork(text: String) { #expect(IPNetwork(text) == nil) }

    @Test("A network knows what lies in it")
    func contains() throws {
        let network = try #require(IPNetwork("fd00:10:96::/112"))
        for (address, isIn) in [("fd00:10:96::", true), ("fd00:10:96::ffff", true), ("fd00:10:96::1:0", false), ("10.96.0.1", false)] {
            #expect(try network.contains(#require(IPAddress(address))) == isIn, "\(address)")
        }
        for (other, isIn, overlaps) in [
            ("fd00:10:96::/112", true, true), ("fd00:10:96::8000/113", true, true), ("fd00:10::/32", false, true),
            ("fd01::/16", false, false),
            ("::/0", false, true), ("0.0.0.0/0", false, false),
        ] {
            let other = try #require(IPNetwork(other))
            #expect(network.contains(other) == isIn, "\(other)")
            #expect(network.overlaps(other) == overlaps && other.overlaps(network) == overlaps, "\(other)")
        }
    }

    @Test("A network is cut into equal parts")
    func subnets() throws {
        let network = try #require(IPNetwork("fd00:10:244::/56"))
        #expect(network.subnet(0, bits: 64)?.description == "fd00:10:244::/64")
        #expect(network.subnet(255, bits: 64)?.description == "fd00:10:244:ff::/64")
        #expect(network.subnet(256, bits: 64) == nil)
        #expect(network.subnet(0, bits: 55) == nil)
        #expect(try #require(IPNetwork("10.244.0.0/16")).subnet(7, bits: 24)?.description == "10.244.7.0/24")
    }

    @Test("Addresses are in order, those of IPv4 first")
    func order() throws {
        let sorted = ["10.0.0.9", "10.0.0.10", "::1", "fd00::1"]
        #expect(sorted.reversed().compactMap { IPAddress($0) }.sorted().map(\.description) == sorted)
    }

    @Test("One of a family or one of each")
    func dualStack() throws {
        let both = try #require(DualStack<IPNetwork>("fd00:10:96::/112, 10.96.0.0/16"))
        #expect(both.families == [.ipv6, .ipv4])
        #expect(both[.ipv4]?.description == "10.96.0.0/16")
        #expect(both.description == "fd00:10:96::/112,10.96.0.0/16")
        #expect(try #require(DualStack<IPNetwork>("10.96.0.0/16"))[.ipv6] == nil)
        for text in ["", "10.0.0.0/8,", "10.0.0.0/8,11.0.0.0/8", "10.0.0.0/8,fd00::/8,11.0.0.0/8", "fd00::"] {
            #expect(DualStack<IPNetwork>(text) == nil, "\(text)")
        }
    }
}
