import APIModel
import Client
import Foundation
import PluginHost
import Testing

// What outlives the rules: flows over UDP, and where clients went before.
extension ProxySwapTests {
    /// A client that keeps its socket is led to the endpoint that is there, and to none when the Service is gone.
    static func flows(_ world: World) async throws {
        try await flows(world, to: "10.96.7.9", by: Network.node)
        try await flows(world, to: "fd00:96::9", by: Network.node6)
    }

    private static func flows(_ world: World, to address: String, by node: String) async throws {
        let servers = [try UDPServer(node, port: 9001, says: "a"), try UDPServer(node, port: 9002, says: "b")]
        defer { for server in servers { server.stop() } }
        _ = try await world.client.create(
            .services, namespace: "default", service("talk", address, ["name": "talk", "port": 53, "protocol": "UDP"]))
        let first = try await world.client.create(.endpointSlices, namespace: "default", slice("talk", port: 9001, "UDP", [node]))
        let client = try UDPClient(address, port: 53)
        try await client.wait(for: "a")
        var moved = first.value
        moved["ports"] = [["name": "talk", "port": 9002, "protocol": "UDP"]]
        _ = try await world.client.update(.endpointSlices, namespace: "default", name: "talk-1", moved)
        try await client.wait(for: "b")
        try await world.client.delete(.services, namespace: "default", name: "talk", options: .null)
        try await client.wait(for: nil)
        try await world.client.delete(.endpointSlices, namespace: "default", name: "talk-1", options: .null)
    }

    /// The set that knows where a client went stays when other endpoints come and go.
    static func affinity(_ world: World) async throws {
        var sticky = service("sticky", "10.96.7.10", ["name": "talk", "port": 80])
        sticky["spec"]["sessionAffinity"] = "ClientIP"
        _ = try await world.client.create(.services, namespace: "default", sticky)
        let first = try await world.client.create(.endpointSlices, namespace: "default", slice("sticky", port: 8080, "TCP", [Network.node]))
        try await Requests(to: "10.96.7.10", port: 80).waitForFirst()
        #expect(try memory().contains("10.1.0.2 expires"))
        var more = first.value
        for addresses in [["10.1.0.77", Network.node], ["10.1.0.78", Network.node], [Network.node]] {
            more["endpoints"] = .array(addresses.map { ["addresses": [.string($0)], "conditions": ["ready": true]] })
            more = try await world.client.update(.endpointSlices, namespace: "default", name: "sticky-1", more).value
            try await Network.waitForRules("the endpoints \(addresses)") { rules in
                ["10.1.0.77", "10.1.0.78"].allSatisfy { address in addresses.contains(address) == rules.contains("-\(address)-8080 {") }
            }
            #expect(try memory().contains("10.1.0.2 expires"))
        }
        try await world.client.delete(.services, namespace: "default", name: "sticky", options: .null)
    }

    /// The elements of the set that remembers the clients of the endpoint on this node.
    private static func memory() throws -> String {
        let rules = try Network.rules()
        guard let set = rules.firstRange(of: /set c-[0-9]+-10\.1\.0\.2-8080 \{/), let end = rules[set.upperBound...].firstRange(of: "\t}")
        else { throw Unexpected("no set remembers clients: \(rules)") }
        let text = rules[set.upperBound..<end.lowerBound]
        return text.firstRange(of: "elements").map { String(text[$0.lowerBound...]) } ?? ""
    }

    /// A Service of that spec with these endpoints; returns their slice.
    @discardableResult
    static func add(_ world: World, _ name: String, _ spec: Value, port: Int, _ addresses: [String]) async throws -> Value {
        _ = try await world.client.create(
            .services, namespace: "default",
            ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"], "spec": spec])
        return try await world.client.create(.endpointSlices, namespace: "default", slice(name, port: port, "TCP", addresses)).value
    }

    private static func service(_ name: String, _ address: String, _ port: Value) -> Value {
        [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"],
            "spec": ["clusterIP": .string(address), "ipFamilies": [address.contains(":") ? "IPv6" : "IPv4"], "ports": [port]],
        ]
    }

    private static func slice(_ service: String, port: Int, _ networkProtocol: String, _ addresses: [String]) -> Value {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "addressType": addresses.first?.contains(":") == true ? "IPv6" : "IPv4",
            "metadata": [
                "name": .string("\(service)-1"), "namespace": "default", "labels": ["kubernetes.io/service-name": .string(service)],
            ],
            "ports": [["name": "talk", "port": Value(port), "protocol": .string(networkProtocol)]],
            "endpoints": .array(addresses.map { ["addresses": [.string($0)], "conditions": ["ready": true]] }),
        ]
    }
}

/// Answers every packet with its word.
private final class UDPServer: Sendable {
    private let descriptor: Int32

    init(_ address: String, port: UInt16, says word: String) throws {
        descriptor = openSocket(for: address, SOCK_DGRAM)
        guard withSocketAddress(address, port, { bind(descriptor, $0, $1) }) == 0 else {
            throw Unexpected("cannot listen at \(address):\(port): \(String(cString: strerror(errno)))")
        }
        startThread(name: "test-server") { [descriptor] in
            var buffer = [UInt8](repeating: 0, count: 64)
            while true {
                var from = sockaddr_storage()
                var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                let count = withUnsafeMutablePointer(to: &from) { from in
                    from.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length) }
                }
                // Ended: what is received then is nothing, from nobody.
                guard count > 0 else { return }
                _ = withUnsafePointer(to: &from) { from in
                    from.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(descriptor, word, word.utf8.count, 0, $0, length) }
                }
            }
        }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }
}

/// One socket that asks and asks.
private final class UDPClient: Sendable {
    private let descriptor: Int32

    init(_ address: String, port: UInt16) throws {
        descriptor = openSocket(for: address, SOCK_DGRAM)
        guard withSocketAddress(address, port, { connect(descriptor, $0, $1) }) == 0 else { throw Unexpected("cannot connect") }
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    private func ask() -> String? {
        guard send(descriptor, "?", 1, Int32(MSG_NOSIGNAL)) == 1 else { return nil }
        var answer: UInt8 = 0
        return recv(descriptor, &answer, 1, 0) == 1 ? String(UnicodeScalar(answer)) : nil
    }

    /// Asks until the answer is `word`; `nil` is no answer.
    func wait(for word: String?) async throws {
        try await limited(30, "the answer \(word ?? "to stop")") { [self] in
            while ask() != word { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: { [self] in
            "the answer is \(ask() ?? "nothing")"
        }
    }
}
