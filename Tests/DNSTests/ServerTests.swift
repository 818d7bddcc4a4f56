import APIModel
import APIServer
import Client
import Foundation
import Logging
import PKI
import Store
import Testing

@testable import DNS

/// The server over real sockets, with a real API behind it.
@Suite(.serialized) struct ServerTests {
    struct World: Sendable {
        var client: any Client
        var cache: Cache
        var dns: ClusterDNS
        var port: Int

        func ask(_ name: String, _ type: RecordType, size: UInt16? = 1232) async throws -> Message {
            let reply = try await Sockets.askByDatagram(DNSClient.query(name, type, size: size), port)
            return try #require(Message(decoding: reply))
        }

        /// Asks until the answer is as it should be.
        func ask(_ name: String, _ type: RecordType, until isRight: (Message) -> Bool) async throws -> Message {
            let end = ContinuousClock.now + .seconds(30)
            while true {
                let answer = try await ask(name, type)
                if isRight(answer) || ContinuousClock.now > end { return answer }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    /// Runs `body` with a server that asks `resolvers` about what is not the cluster's.
    private func with(_ resolvers: [FakeResolver] = [], _ body: @escaping @Sendable (World) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("dns-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer {
            try? FileManager.default.removeItem(atPath: directory)
            for resolver in resolvers { resolver.close() }
        }
        var log = Logger(label: "test")
        log.logLevel = .critical
        let store = try Store(path: directory + "/store.db", log: log)
        let range = try #require(DualStack<IPNetwork>("10.96.0.0/16"))
        let server = APIServer(
            APIServer.Configuration(store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log))
        try await server.start()
        let client = server.client(as: "admin", groups: ["system:masters"])
        let cache = Cache(client: client, log: log)
        var configuration = ClusterDNS.Configuration(addresses: ["127.0.0.1", "::1"])
        configuration.port = 0
        configuration.serviceAddresses = ["10.96.0.10"]
        configuration.name = "kube-dns-test"
        configuration.threads = 2
        let addresses = resolvers.map(\.address)
        configuration.resolvers = { addresses }
        let dns = try ClusterDNS(configuration, client: client, cache: cache, log: log)
        let world = World(client: client, cache: cache, dns: dns, port: try await dns.start())
        let result: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await cache.run() }
                group.addTask { try await dns.run() }
                group.addTask {
                    _ = try await world.ask("cluster.local", .soa) { $0.code == .noError }
                    try await body(world)
                    throw Finished()
                }
                while try await group.next() != nil {}
            }
            result = .success(())
        } catch is Finished {
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await store.close()
        try result.get()
    }

    private struct Finished: Error {}

    private static func service(_ name: String, _ spec: Value) -> Value {
        ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "namespace": "default"], "spec": spec]
    }

    private static let ports: Value = [["port": 80, "protocol": "TCP"]]

    /// What one cluster is enough for.
    @Test func theCluster() async throws {
        try await with { world in
            // A Service that was just made answers.
            let made = try await world.client.create(
                .services, namespace: "default", Self.service("web", ["clusterIP": "10.96.0.20", "ports": Self.ports]))
            let answer = try await world.ask("web.default.svc.cluster.local", .a) { $0.code == .noError }
            #expect(answer.answers.map(DNSClient.text) == ["web.default.svc.cluster.local. 30 A 10.96.0.20"])
            #expect(made.name == "web")

            // One that is gone does not.
            try await world.client.delete(.services, namespace: "default", name: "web")
            #expect(try await world.ask("web.default.svc.cluster.local", .a) { $0.code == .nameError }.code == .nameError)

            // The server is reached by a Service of its own making.
            let dns = try await world.ask("kube-dns.kube-system.svc.cluster.local", .a) { $0.code == .noError }
            #expect(dns.answers.map(DNSClient.text) == ["kube-dns.kube-system.svc.cluster.local. 30 A 10.96.0.10"])
            try await Self.keeping(world)
            try await Self.streams(world)
            try await Self.hostility(world)
        }
    }

    /// A server adds its address to the Service, and takes it out when pods are to answer. Not this one: the API takes no loopback address.
    private static func keeping(_ world: World) async throws {
        var log = Logger(label: "test")
        log.logLevel = .critical
        let keeper = ServiceKeeper(
            client: world.client, cache: world.cache, addresses: ["10.96.0.10"], hosts: ["10.244.0.1", "fd00:244::1"], port: 10053,
            name: "kube-dns-other", log: log)
        let keeping = Task { try await keeper.run() }
        defer { keeping.cancel() }
        func endpoints() async throws -> [Value]? {
            do {
                let slice = try await world.client.get(.endpointSlices, namespace: "kube-system", name: "kube-dns-other")
                return slice.value["endpoints"].elements.map { $0["addresses"] }
            } catch let error as APIError where error.reason == .notFound { return nil }
        }
        func wait(_ wanted: [Value]?) async throws {
            let end = ContinuousClock.now + .seconds(30)
            while try await endpoints() != wanted {
                try #require(ContinuousClock.now < end, "waited in vain for \(String(describing: wanted))")
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        try await wait([["10.244.0.1"]])
        let port = try await world.ask("_dns._udp.kube-dns.kube-system.svc.cluster.local", .srv)
        #expect(port.answers.map(DNSClient.text).first?.hasSuffix("SRV 0 100 53 kube-dns.kube-system.svc.cluster.local.") == true)
        for (selector, wanted) in [("{\"app\": \"coredns\"}", nil), ("null", [["10.244.0.1"]])] as [(String, [Value]?)] {
            let patch = try JSON.decode(Array("{\"spec\": {\"selector\": \(selector)}}".utf8))
            _ = try await world.client.patch(.services, namespace: "kube-system", name: "kube-dns", .merge, patch)
            try await wait(wanted)
        }
        // Somebody else's change of it does not last.
        _ = try await world.client.patch(
            .endpointSlices, namespace: "kube-system", name: "kube-dns-other", .merge, ["endpoints": [["addresses": ["10.9.9.9"]]]])
        try await wait([["10.244.0.1"]])
    }

    private static func streams(_ world: World) async throws {
        _ = try await world.client.create(.services, namespace: "default", service("many", ["clusterIP": "None", "ports": ports]))
        let endpoints = (1...200).map { ["addresses": [.string("10.1.0.\($0)")]] as Value }
        for (index, part) in [endpoints.prefix(100), endpoints.suffix(100)].enumerated() {
            _ = try await world.client.create(
                .endpointSlices, namespace: "default",
                [
                    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                    "metadata": ["name": .string("many-\(index)"), "labels": ["kubernetes.io/service-name": "many"]], "addressType": "IPv4",
                    "endpoints": .array(Array(part)), "ports": [["name": "http", "port": 80]],
                ])
        }
        let name = "many.default.svc.cluster.local"
        for last in ["10-1-0-100", "10-1-0-200"] { _ = try await world.ask("\(last).\(name)", .a) { $0.code == .noError } }
        let small = try await world.ask(name, .a)
        #expect(small.answers.count == 73)
        // The rest comes by TCP, however many ask at once over one connection.
        let queries: [[UInt8]] = (0..<200).map { (id: UInt16) in
            id % 2 == 0 ? DNSClient.query(name, .a, id: id) : DNSClient.query("cluster.local", .soa, id: id)
        }
        let answers = try await Sockets.askByStream(queries, world.port).compactMap { Message(decoding: $0) }
        #expect(Set(answers.map(\.id)).count == 200)
        for answer in answers where answer.id % 2 == 0 { #expect(answer.answers.count == 200 && !answer.isTruncated) }
    }

    /// Whatever anybody sends, the server goes on.
    private static func hostility(_ world: World) async throws {
        let query = DNSClient.query("kubernetes.default.svc.cluster.local", .a)
        try await Sockets.blocking {
            let descriptor = try Sockets.connected(SOCK_DGRAM, world.port)
            defer { close(descriptor) }
            var seed = SystemRandomNumberGenerator()
            for _ in 0..<5000 {
                var bytes = query
                for _ in 0..<Int.random(in: 0...4, using: &seed) {
                    bytes[Int.random(in: bytes.indices, using: &seed)] = .random(in: 0...255)
                }
                send(descriptor, bytes, Int.random(in: 0...bytes.count, using: &seed), 0)
            }
            // Connections: one that says it will send much and does not, one that sends what is no query, one that never reads.
            let half = try Sockets.connected(SOCK_STREAM, world.port)
            send(half, [0xff, 0xff, 1] as [UInt8], 3, Int32(MSG_NOSIGNAL))
            let wrong = try Sockets.connected(SOCK_STREAM, world.port)
            send(wrong, [0, 3, 1, 2, 3] as [UInt8], 5, Int32(MSG_NOSIGNAL))
            var byte: UInt8 = 0
            #expect(recv(wrong, &byte, 1, 0) == 0)
            let deaf = try Sockets.connected(SOCK_STREAM, world.port)
            let much = DNSClient.words([UInt16(query.count)]) + query
            for _ in 0..<20000 where send(deaf, much, much.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) < 0 { break }
            for descriptor in [half, wrong, deaf] { close(descriptor) }
        }
        #expect(try await world.ask("kubernetes.default.svc.cluster.local", .a).code == .noError)
    }

    // MARK: Others

    /// What a name is to the resolver of these tests.
    private static let sayings: FakeResolver.Say = { query, isDatagram in
        guard let question = Message(decoding: query)?.questions.first else { return [] }
        switch question.name.description.split(separator: ".").first {
        case "gone": return [FakeResolver.answer(query, authorities: [(6, 60, [0, 0] + [UInt8](repeating: 0, count: 19) + [20])], code: 3)]
        case "refused": return [FakeResolver.answer(query, code: 5)]
        case "large":
            if isDatagram { return [FakeResolver.answer(query, isTruncated: true)] }
            return [FakeResolver.answer(query, (0..<60).map { (16, 60, [63] + [UInt8](repeating: $0, count: 63)) })]
        case "forged":
            // Others' answers come first: to another number, to another question, of no sense.
            let right = FakeResolver.answer(query, [(1, 60, [1, 2, 3, 4])])
            let other = FakeResolver.answer(DNSClient.query("other.example.com", .a), [(1, 60, [6, 6, 6, 6])])
            return [
                right.replacing([right[0]], at: 0, with: [right[0] &+ 1]), Array(right[..<2] + other[2...]), [1, 2, 3],
                right.replacing([right[2]], at: 2, with: [right[2] & 0x7f]), right,
            ]
        default: return [FakeResolver.answer(query, [(1, 60, [1, 2, 3, 4])])]
        }
    }

    @Test func whatOthersKnow() async throws {
        // Both sides are asked over IPv6, too.
        let resolver = FakeResolver(.ipv6, Self.sayings)
        let stub = FakeResolver { query, _ in [FakeResolver.answer(query, [(1, 60, [9, 9, 9, 9])])] }
        defer { stub.close() }
        try await with([resolver]) { world in
            let first = try await world.ask("www.example.com", .a) { $0.code == .noError }
            #expect(first.answers.map(DNSClient.text) == ["www.example.com. 60 A 1.2.3.4"])
            #expect(!first.isAuthoritative)
            // Remembered; each of the two threads has to ask once.
            for _ in 0..<20 { #expect(try await world.ask("WWW.example.com", .a).answers.count == 1) }
            #expect((1...2).contains(resolver.questions.count { $0 == "www.example.com. 1" }))

            let overIPv6 = try await Sockets.askByDatagram(DNSClient.query("www.example.com", .a), world.port, .ipv6)
            #expect(Message(decoding: overIPv6)?.answers.count == 1)

            let gone = try await world.ask("gone.example.com", .a)
            #expect(gone.code == .nameError && gone.authorities.map(\.type) == [.soa])
            #expect(try await world.ask("refused.example.com", .a).code == .refused)
            #expect(try await world.ask("forged.example.com", .a).answers.map(DNSClient.text) == ["forged.example.com. 60 A 1.2.3.4"])

            // Too much for a datagram: asked for by TCP, and given in part.
            let large = try await world.ask("large.example.com", .txt)
            #expect(large.isTruncated && large.answers.count == 15)
            let whole = try await Sockets.askByStream([DNSClient.query("large.example.com", .txt)], world.port, .ipv6)
            #expect(Message(decoding: whole[0])?.answers.count == 60)
            #expect(resolver.questions.contains("large.example.com. 16 by TCP"))

            // A name in the cluster that stands for one outside.
            _ = try await world.client.create(
                .services, namespace: "default", Self.service("outside", ["type": "ExternalName", "externalName": "www.example.com"]))
            let alias = try await world.ask("outside.default.svc.cluster.local", .a) { $0.answers.count == 2 }
            #expect(
                alias.answers.map { DNSClient.text($0).split(separator: " ").filter { Int($0) == nil }.joined(separator: " ") } == [
                    "outside.default.svc.cluster.local. CNAME www.example.com.", "www.example.com. A 1.2.3.4",
                ])

            // Stub domains, as the ConfigMap has them.
            var map: Value = [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "cluster-dns"],
                "data": ["stubDomains": .string("{\"acme.local\": [\"\(stub.address)\"]}")],
            ]
            _ = try await world.client.create(.configMaps, namespace: "kube-system", map)
            let acme = try await world.ask("a.acme.local", .a) { $0.answers.first?.data == [9, 9, 9, 9] }
            #expect(acme.answers.first?.data == [9, 9, 9, 9])
            #expect(try await world.ask("xacme.local", .a).answers.first?.data == [1, 2, 3, 4])
            map["data"]["upstreamNameservers"] = .string("[\"\(stub.address)\"]")
            _ = try await world.client.update(.configMaps, namespace: "kube-system", name: "cluster-dns", map)
            let other = try await world.ask("www.example.com", .a) { $0.answers.first?.data == [9, 9, 9, 9] }
            #expect(other.answers.first?.data == [9, 9, 9, 9])
        }
    }

    /// One resolver says nothing, the next one knows; then nobody says anything, and the client hears so before it gives up.
    @Test func whoeverSaysNothingIsLeft() async throws {
        let silent = FakeResolver { _, _ in [] }
        let good = FakeResolver { query, _ in
            Message(decoding: query)?.questions.first?.name == Name("lost.example.com") ? [] : Self.sayings(query, true)
        }
        try await with([silent, good]) { world in
            _ = try await world.ask("www.example.com", .a) { $0.answers.count == 1 }
            let lost = try await world.ask("lost.example.com", .a)
            #expect(lost.code == .serverFailure)
            #expect(silent.questions.contains("www.example.com. 1"))
        }
    }
}
