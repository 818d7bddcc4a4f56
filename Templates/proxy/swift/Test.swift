internal import APIModel
internal import PluginAPI
internal import PluginKit

/// The rules for one Service; the kernel is left alone.
@main
struct Test {
    static func main() throws {
        var service = apus_service_port()
        (service.protocol, service.port) = (6, 80)
        service.cluster_ip = address(10, 96, 0, 10)
        var endpoints = [apus_endpoint(), apus_endpoint(), apus_endpoint()]
        (endpoints[0].address, endpoints[0].port) = (address(10, 244, 0, 5), 8080)
        (endpoints[1].address.family, endpoints[1].port) = (6, 8080)
        (endpoints[2].address, endpoints[2].port) = (address(10, 244, 0, 6), 8081)

        service.node_port = 30080
        let targets = " dnat ip to numgen random mod 2 map { 0 : 10.244.0.5 . 8080, 1 : 10.244.0.6 . 8081 }"
        let rules = RandomProxy.rules(service, external: [address(192, 0, 2, 7)], endpoints: endpoints)
        check(rules.contains("ip daddr 10.96.0.10 tcp dport 80" + targets), "the ClusterIP goes to both IPv4 endpoints")
        check(rules.contains("ip daddr 192.0.2.7 tcp dport 80" + targets), "so does the address from outside")
        check(rules.contains("ip daddr != 127.0.0.0/8 fib daddr type local tcp dport 30080" + targets), "and the port of the Node")
        check(RandomProxy.rules(service, external: [], endpoints: []).isEmpty, "without an endpoint there is nowhere to send it")
        check(RandomProxy.ruleset(rules).hasPrefix(RandomProxy.removal), "what was there before is replaced")
        check(RandomProxy.ruleset(rules).contains("\n    \(rules[0])\n"), "the rules are in the table")

        check(!RandomProxy.wantsMore(service), "all that this Service wants is carried")
        service.affinity_seconds = 60
        check(RandomProxy.wantsMore(service), "session affinity is not")
        print("test: ok")
    }

    static func address(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> apus_address {
        var address = apus_address()
        address.family = 4
        (address.bytes.0, address.bytes.1, address.bytes.2, address.bytes.3) = (a, b, c, d)
        return address
    }

    static func check(_ condition: Bool, _ what: String, line: Int = #line) {
        guard condition else { fatalError("line \(line): not so: \(what)") }
    }
}
