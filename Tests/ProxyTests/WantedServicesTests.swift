internal import APIModel
internal import PluginAPI
internal import PluginKit
internal import Testing

@testable import Proxy

/// The C arrays that a backend is lent, which are kept from one change to the next.
struct WantedServicesTests {
    /// What a backend reads in them.
    private struct Seen: Equatable {
        var services: [WantedService] = []
        var names: [String] = []
        var changed: [UInt64] = []
        var removed: [UInt64] = []
        var nodeAddresses = 0
        var podNetworks: [IPNetwork] = []
    }

    private static func lay() -> WantedServices {
        WantedServices(
            nodeAddresses: ["192.0.2.1", "2001:db8::1"].compactMap { IPAddress($0) },
            nodePortNetworks: [IPNetwork("192.0.2.0/24")].compactMap { $0 }, podCIDR: "10.244.0.0/16")
    }

    private static func read(_ laidOut: inout WantedServices, _ wanted: ServiceTable.Wanted) -> Seen {
        laidOut.withArrays(wanted) { raw in
            let all = Services(raw)
            return Seen(
                services: all.ports.compactMap { WantedService($0, in: all) },
                names: all.ports.map { "\($0.namespace)/\($0.name.string):\($0.port_name.string)" },
                changed: all.ports.filter(\.isChanged).map(\.id), removed: Array(all.removed), nodeAddresses: all.nodeAddresses.count,
                podNetworks: all.podNetworks)
        }
    }

    private static func service(_ number: Int, _ turn: Int) -> Value {
        [
            "metadata": ["namespace": "default", "name": .string("s\(number)")],
            "spec": [
                "clusterIP": .string("10.96.0.\(number)"), "ports": [["name": "web", "port": .int(Int64(1 + turn)), "protocol": "TCP"]],
                "externalIPs": .array((0..<turn % 4).map { .string("198.51.100.\($0 + 1)") }),
                "loadBalancerSourceRanges": .array((0..<turn % 3).map { .string("203.0.113.\($0)/32") }),
            ],
            "status": ["loadBalancer": ["ingress": [["ip": .string("198.51.100.\(100 + number)")]]]],
        ]
    }

    private static func slice(_ number: Int, _ turn: Int) -> Value {
        [
            "addressType": "IPv4", "ports": [["name": "web", "port": 8080, "protocol": "TCP"]],
            "endpoints": .array((0..<(turn * 7) % 30).map { ServicePortTests.endpoint("10.244.\(number).\($0 + 1)") }),
        ]
    }

    /// However the state came about, the arrays say it as if they were made of it at once.
    @Test func changesAddUpToTheWhole() {
        var (table, laidOut) = (ServiceTable(nodeName: "a"), Self.lay())
        for turn in 0..<200 {
            let number = 1 + (turn * 13) % 20
            let isGone = turn % 5 == 4
            table.setService("default/s\(number)", isGone ? nil : Self.service(number, turn))
            table.setSlice("s\(number)-x", of: "default/s\(number)", isGone ? nil : Self.slice(number, turn))
            let wanted = table.wanted()
            let seen = Self.read(&laidOut, wanted)
            #expect(seen.changed == wanted.changed.map(\.id) && seen.removed == wanted.removed)
            table.didPutInForce(wanted)

            var (fresh, copy) = (Self.lay(), table)
            copy.forgetInForce()
            var whole = Self.read(&fresh, copy.wanted())
            #expect(whole.changed == whole.services.map(\.id))
            (whole.changed, whole.removed) = (seen.changed, seen.removed)
            #expect(seen == whole)
            #expect(seen.nodeAddresses == 2 && seen.podNetworks.count == 1)
        }
    }

    /// After a failure everything is lent anew, by the arrays that said part of it already.
    @Test func everythingAfterAFailure() {
        var (table, laidOut) = (ServiceTable(nodeName: "a"), Self.lay())
        for number in 1...3 { table.setService("default/s\(number)", Self.service(number, number)) }
        let first = Self.read(&laidOut, table.wanted())
        table.forgetInForce()
        #expect(Self.read(&laidOut, table.wanted()) == first)
        #expect(first.services.count == 3)
    }
}
