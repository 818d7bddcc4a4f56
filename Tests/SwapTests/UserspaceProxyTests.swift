import APIModel
import Client
import Foundation
import PluginHost
import Proxy
import Testing

/// The proxy that relays: real sockets, in a network namespace of its own, and a swap with the other under load.
@Suite struct UserspaceProxyTests {
    /// The rule is what a node has anyway: connections that were translated keep their ends when the proxy's own rules go. The kernel
    /// follows connections only as long as a rule asks for them, and forgets how it translates them when the last such rule goes.
    private static let setUp =
        Network.setUp
        + ["ip", "ip6"].flatMap { family in
            [
                "nft add table \(family) node", "nft 'add chain \(family) node post { type nat hook postrouting priority srcnat; }'",
                "nft add rule \(family) node post meta mark 0x1 masquerade",
            ]
        }

    @Test(.disabled(if: OwnNamespace.isInside), .enabled(if: geteuid() == 0, "network namespaces need root"), .timeLimit(.minutes(3)))
    func relays() throws { try OwnNamespace.run("UserspaceProxyTests", "relaysInsideTheNamespace", setUp: Self.setUp) }

    private static let loops: @Sendable (World) throws -> [@Sendable () async throws -> Void] = { world in
        var configuration = Proxy.Configuration(
            nodeName: "n1", nodeAddresses: [Network.node, Network.node6], clusterCIDR: "10.1.0.0/16,fd00:1::/64")
        configuration.checkPeriod = .milliseconds(100)
        let proxy = Proxy(configuration, cache: world.cache, plugins: world.plugins, log: world.log)
        return [{ try await proxy.run() }]
    }

    @Test(.enabled(if: OwnNamespace.isInside, "runs in a namespace of its own"), .timeLimit(.minutes(3))) func relaysInsideTheNamespace()
        async throws
    {
        let rules = try Built.manifest("proxy-nftables")
        let relay = try Built.manifest("proxy-userspace")
        let servers = try [Network.node, Network.node6].map { try TCPServer($0, port: 8080) }
        defer { for server in servers { server.stop() } }
        try await World.with([rules], loops: Self.loops) { world in
            try await ProxySwapTests.addService(world)
            // Whoever asks before is remembered as not to be led anywhere, and so are later clients from the same port.
            try await Network.waitForRules("the Service") { $0.contains(Network.service) && $0.contains(Network.service6) }
            let (clients, clients6) = (Requests(to: Network.service, port: 80), Requests(to: Network.service6, port: 80))
            for clients in [clients, clients6] {
                try await clients.waitForFirst()
                clients.start(1)
            }
            defer { for clients in [clients, clients6] { clients.stop() } }
            var anew = relay
            anew.deadline = .seconds(25)
            var isolated = relay
            isolated.isolation = .process
            var disabled = relay
            disabled.enabled = false
            for manifest in [relay, anew, relay, disabled, relay] {
                try await clients.waitForMore(100)
                try await world.apply(manifest, expecting: manifest.enabled ? .running : .skipped)
                try await clients.waitForMore(100)
                #expect(try Network.rules().contains("apus-proxy") == !manifest.enabled)
                #expect(try Self.local().contains(Network.service) == manifest.enabled)
                #expect(clients.failures + clients6.failures == [])
            }
            for clients in [clients, clients6] { clients.stop() }
            // Of another user, it can only follow one that is gone: with a gap.
            for manifest in [isolated, relay] {
                try await world.apply(manifest)
                for service in [Network.service, Network.service6] { try await Requests(to: service, port: 80).waitForFirst() }
            }

            try await Self.bytes(world)
            try await ProxySwapTests.flows(world)
            try await Self.affinity(world)
            try await Self.places(world)
            // Somebody takes the route away.
            _ = try Command.run(["ip", "route", "del", "local", Network.service, "dev", "lo"])
            try await Self.waitForLocal("the route to be back") { $0.contains(Network.service) }
            try await Requests(to: Network.service, port: 80).waitForFirst()
            try await world.client.delete(.services, namespace: "default", name: "web", options: .null)
            try await Self.waitForLocal("the Service to go") { !$0.contains(Network.service) }
            try await world.apply(disabled, expecting: .skipped)
            #expect(try !Self.local().contains("10.96."))
            #expect(try !Self.local().contains("fd00:96:"))
        }
    }

    /// What the machine takes for its own.
    private static func local() throws -> String {
        try ["-4", "-6"].map { try Command.run(["ip", $0, "route", "show", "table", "all", "type", "local"]).text }.joined()
    }

    private static func waitForLocal(_ what: String, _ condition: @escaping @Sendable (String) -> Bool) async throws {
        try await limited(30, what) {
            // The kernel tells nobody here of its routes.
            while try !condition(local()) { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: {
            (try? local()) ?? ""
        }
    }

    /// Much both ways at once, and an end that one side says first.
    private static func bytes(_ world: World) async throws {
        let server = try EchoServer(Network.node, port: 8081)
        defer { server.stop() }
        try await ProxySwapTests.add(world, "echo", ["clusterIP": "10.96.7.20", "ports": [port(7, 8081)]], port: 8081, [Network.node])
        try await waitForLocal("the Service") { $0.contains("10.96.7.20") }
        let sent = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }
        try await limited(60, "all bytes to come back") {
            try #require(try await EchoServer.exchange("10.96.7.20", port: 7, sent) == sent)
        } otherwise: {
            "they did not"
        }
    }

    /// A client goes where it went before, while that is there; and what cannot be reached costs nobody anything.
    private static func affinity(_ world: World) async throws {
        let other = try TCPServer("10.1.0.3", port: 8080, says: "y")
        defer { other.stop() }
        let spec: Value = ["clusterIP": "10.96.7.21", "sessionAffinity": "ClientIP", "ports": [port(80, 8080)]]
        var slice = try await ProxySwapTests.add(world, "sticky", spec, port: 8080, [Network.node, "10.1.0.3"])
        let clients = Requests(to: "10.96.7.21", port: 80)
        try await clients.waitForFirst()
        let first = try clients.answer()
        for _ in 0..<20 { #expect(try clients.answer() == first) }
        // Nobody is at the new one.
        let left = first == "x" ? "10.1.0.3" : Network.node
        slice["endpoints"] = .array([left, "10.1.0.4"].map { ["addresses": [.string($0)], "conditions": ["ready": true]] })
        _ = try await world.client.update(.endpointSlices, namespace: "default", name: "sticky-1", slice)
        try await limited(30, "the other endpoint") {
            while try clients.answer() == first { try await Task.sleep(for: .milliseconds(20)) }
        } otherwise: {
            first
        }
        for _ in 0..<20 { #expect(try clients.answer() != first) }
    }

    /// Node ports, external addresses, who may come, and nobody at home.
    private static func places(_ world: World) async throws {
        let ports: Value = [["name": "talk", "port": 80, "targetPort": 8080, "nodePort": 30081]]
        try await ProxySwapTests.add(
            world, "wide", ["type": "NodePort", "clusterIP": "10.96.7.22", "externalIPs": ["198.51.100.7"], "ports": ports], port: 8080,
            [Network.node])
        for (address, port) in [("10.96.7.22", 80), (Network.node, 30081), ("198.51.100.7", 80)] as [(String, UInt16)] {
            try await Requests(to: address, port: port).waitForFirst()
        }
        try await ProxySwapTests.add(world, "empty", ["clusterIP": "10.96.7.23", "ports": [port(80, 8080)]], port: 8080, [])
        try await waitForLocal("the Service") { $0.contains("10.96.7.23") }
        let refused = try Command.run(["curl", "-s", "--max-time", "1", "http://10.96.7.23/"])
        #expect(refused.status == 7, "curl ends with 7 when it is refused: \(refused.text)")
    }

    private static func port(_ port: Int, _ target: Int) -> Value { ["name": "talk", "port": Value(port), "targetPort": Value(target)] }
}

/// Says everything again that it hears, until there is no more.
private final class EchoServer: Sendable {
    private let descriptor: Int32

    init(_ address: String, port: UInt16) throws {
        descriptor = openSocket(for: address, SOCK_STREAM)
        guard withSocketAddress(address, port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 else {
            throw Unexpected("cannot listen at \(address):\(port): \(String(cString: strerror(errno)))")
        }
        startThread(name: "test-server") { [descriptor] in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                while true {
                    let count = recv(connection, &buffer, buffer.count, 0)
                    guard count > 0, Self.sendAll(connection, buffer[..<count]) else { break }
                }
                close(connection)
            }
        }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    private static func sendAll(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// What comes back for `bytes`; the end is said after the last of them.
    static func exchange(_ address: String, port: UInt16, _ bytes: [UInt8]) async throws -> [UInt8] {
        let connection = openSocket(for: address, SOCK_STREAM)
        defer { close(connection) }
        guard withSocketAddress(address, port, { connect(connection, $0, $1) }) == 0 else {
            throw Unexpected("cannot connect: \(String(cString: strerror(errno)))")
        }
        startThread(name: "test-client") {
            _ = sendAll(connection, bytes[...])
            shutdown(connection, Int32(SHUT_WR))
        }
        return try await withCheckedThrowingContinuation { done in
            startThread(name: "test-client") {
                var back: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                while true {
                    let count = recv(connection, &buffer, buffer.count, 0)
                    guard count > 0 else { break }
                    back += buffer[..<count]
                }
                done.resume(returning: back)
            }
        }
    }
}
