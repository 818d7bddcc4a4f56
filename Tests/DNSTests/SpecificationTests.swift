import APIModel
import Client
import Testing

@testable import DNS

/// The DNS specification 1.1.0 of Kubernetes, case by case: what is asked, and the answer.
@Suite struct SpecificationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var type: RecordType
        var code = ResponseCode.noError
        var answers: [String]
        var additionals: [String] = []

        init(_ name: String, _ type: RecordType, _ answers: [String] = [], _ code: ResponseCode = .noError, additionals: [String] = []) {
            (self.name, self.type, self.answers, self.code, self.additionals) = (name, type, answers, code, additionals)
        }
        var testDescription: String { "\(name) \(type.rawValue)" }
    }

    static let zone = "cluster.local"

    static let cases: [Case] = [
        // 2.2 Schema version
        Case("dns-version.cluster.local", .txt, ["dns-version.cluster.local. 28800 TXT 1.1.0"]),
        // 2.3 Services with a cluster address
        Case("web.default.svc.cluster.local", .a, ["web.default.svc.cluster.local. 30 A 10.96.0.20"]),
        Case("web.default.svc.cluster.local", .aaaa),
        Case("dual.default.svc.cluster.local", .aaaa, ["dual.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:21"]),
        Case("dual.default.svc.cluster.local", .a, ["dual.default.svc.cluster.local. 30 A 10.96.0.21"]),
        Case("six.default.svc.cluster.local", .a),
        Case("six.default.svc.cluster.local", .aaaa, ["six.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:22"]),
        Case(
            "_http._tcp.dual.default.svc.cluster.local", .srv,
            ["_http._tcp.dual.default.svc.cluster.local. 30 SRV 0 100 80 dual.default.svc.cluster.local."],
            additionals: [
                "dual.default.svc.cluster.local. 30 A 10.96.0.21", "dual.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:21",
            ]),
        Case("WEB.Default.SVC.cluster.LOCAL", .a, ["web.default.svc.cluster.local. 30 A 10.96.0.20"]),
        Case(
            "_https._tcp.web.default.svc.cluster.local", .srv,
            ["_https._tcp.web.default.svc.cluster.local. 30 SRV 0 100 443 web.default.svc.cluster.local."],
            additionals: ["web.default.svc.cluster.local. 30 A 10.96.0.20"]),
        Case(
            "_dns._udp.web.default.svc.cluster.local", .srv,
            ["_dns._udp.web.default.svc.cluster.local. 30 SRV 0 100 53 web.default.svc.cluster.local."],
            additionals: ["web.default.svc.cluster.local. 30 A 10.96.0.20"]),
        Case("_dns._tcp.web.default.svc.cluster.local", .srv, [], .nameError),
        Case("_https._tcp.web.default.svc.cluster.local", .a),
        Case("_tcp.web.default.svc.cluster.local", .srv),
        Case("20.0.96.10.in-addr.arpa", .ptr, ["20.0.96.10.in-addr.arpa. 30 PTR web.default.svc.cluster.local."]),
        Case(
            "1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", .ptr,
            ["1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. 30 PTR dual.default.svc.cluster.local."]),
        Case("20.0.96.10.in-addr.arpa", .a),
        Case("10-244-0-9.web.default.svc.cluster.local", .a, ["10-244-0-9.web.default.svc.cluster.local. 30 A 10.244.0.9"]),
        // 2.4 Headless Services
        Case(
            "db.default.svc.cluster.local", .a,
            ["10.244.0.5", "10.244.0.6", "10.244.0.8"].map { "db.default.svc.cluster.local. 30 A \($0)" }),
        Case("db.default.svc.cluster.local", .aaaa, ["db.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:5"]),
        Case("db-0.db.default.svc.cluster.local", .a, ["db-0.db.default.svc.cluster.local. 30 A 10.244.0.5"]),
        Case("db-0.db.default.svc.cluster.local", .aaaa, ["db-0.db.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:5"]),
        Case("10-244-0-6.db.default.svc.cluster.local", .a, ["10-244-0-6.db.default.svc.cluster.local. 30 A 10.244.0.6"]),
        Case("10-244-0-5.db.default.svc.cluster.local", .a, [], .nameError),
        Case("db-2.db.default.svc.cluster.local", .a, [], .nameError),
        Case(
            "_sql._tcp.db.default.svc.cluster.local", .srv,
            ["10-244-0-6", "db-0", "db-3"].map {
                "_sql._tcp.db.default.svc.cluster.local. 30 SRV 0 100 5432 \($0).db.default.svc.cluster.local."
            },
            additionals: [
                "10-244-0-6.db.default.svc.cluster.local. 30 A 10.244.0.6", "db-0.db.default.svc.cluster.local. 30 A 10.244.0.5",
                "db-0.db.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:5", "db-3.db.default.svc.cluster.local. 30 A 10.244.0.8",
            ]),
        Case("db6.default.svc.cluster.local", .a),
        Case(
            "db6.default.svc.cluster.local", .aaaa,
            ["6", "7"].map { "db6.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:\($0)" }),
        Case("fd00--6.db6.default.svc.cluster.local", .aaaa, ["fd00--6.db6.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:6"]),
        Case("fd00--7.db6.default.svc.cluster.local", .aaaa, [], .nameError),
        Case(
            "_sql._tcp.db6.default.svc.cluster.local", .srv,
            ["db6-0", "fd00--6"].map { "_sql._tcp.db6.default.svc.cluster.local. 30 SRV 0 100 5432 \($0).db6.default.svc.cluster.local." },
            additionals: [
                "db6-0.db6.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:7",
                "fd00--6.db6.default.svc.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:6",
            ]),
        Case(
            "6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", .ptr,
            ["6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. 30 PTR fd00--6.db6.default.svc.cluster.local."]),
        Case(
            "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", .ptr,
            ["5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. 30 PTR db-0.db.default.svc.cluster.local."]),
        Case("2.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", .aaaa),
        Case("5.0.244.10.in-addr.arpa", .ptr, ["5.0.244.10.in-addr.arpa. 30 PTR db-0.db.default.svc.cluster.local."]),
        Case("6.0.244.10.in-addr.arpa", .ptr, ["6.0.244.10.in-addr.arpa. 30 PTR 10-244-0-6.db.default.svc.cluster.local."]),
        Case("quiet.default.svc.cluster.local", .a, [], .nameError),
        Case("orphan.default.svc.cluster.local", .a, [], .nameError),
        // 2.5 ExternalName
        Case("outside.default.svc.cluster.local", .cname, ["outside.default.svc.cluster.local. 30 CNAME www.example.com."]),
        Case(
            "inside.default.svc.cluster.local", .a,
            ["inside.default.svc.cluster.local. 30 CNAME web.default.svc.cluster.local.", "web.default.svc.cluster.local. 30 A 10.96.0.20"]),
        Case(
            "nowhere.default.svc.cluster.local", .a,
            ["nowhere.default.svc.cluster.local. 30 CNAME gone.default.svc.cluster.local."], .nameError),
        Case("number.default.svc.cluster.local", .a, [], .nameError),
        // Pods
        Case("10-244-0-5.default.pod.cluster.local", .a, ["10-244-0-5.default.pod.cluster.local. 30 A 10.244.0.5"]),
        Case("fd00--5.default.pod.cluster.local", .aaaa, ["fd00--5.default.pod.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:5"]),
        Case("fd00-0-1--.default.pod.cluster.local", .aaaa, ["fd00-0-1--.default.pod.cluster.local. 30 AAAA fd00:0:1:0:0:0:0:0"]),
        Case("fd00--5.default.pod.cluster.local", .a),
        Case("fd00--9.default.pod.cluster.local", .aaaa, [], .nameError),
        Case("10-244-0-5.empty.pod.cluster.local", .a, [], .nameError),
        Case("10-244-0-77.default.pod.cluster.local", .a, [], .nameError),
        // What exists without records, and what does not exist
        Case("default.svc.cluster.local", .a), Case("empty.svc.cluster.local", .a), Case("empty.pod.cluster.local", .a),
        Case("svc.cluster.local", .a), Case("cluster.local", .a), Case("gone.svc.cluster.local", .a, [], .nameError),
        Case("web.default.cluster.local", .a, [], .nameError), Case("web.empty.svc.cluster.local", .a, [], .nameError),
        Case("cluster.local", .ns, ["cluster.local. 30 NS ns.dns.cluster.local."]),
        Case("ns.dns.cluster.local", .a, ["ns.dns.cluster.local. 30 A 10.96.0.10"]),
        Case("ns.dns.cluster.local", .aaaa, ["ns.dns.cluster.local. 30 AAAA fd00:0:0:0:0:0:0:a"]),
        Case("cluster.local", .soa, ["cluster.local. 5 SOA"]),
    ]

    @Test(arguments: cases) func answers(_ query: Case) throws {
        var responder = Responder(zone: try Objects.cluster().zone)
        let message = try #require(responder.answer(DNSClient.query(query.name, query.type)).flatMap { Message(decoding: $0) })
        #expect(message.code == query.code)
        #expect(message.isResponse && message.isAuthoritative && !message.isTruncated && message.id == 7)
        #expect(message.answers.map(DNSClient.text).sorted() == query.answers.sorted())
        #expect(message.additionals.map(DNSClient.text).sorted() == query.additionals.sorted())
        // Whoever is told that there is nothing is told how long to remember it.
        let isNegative = query.code == .nameError || query.answers.isEmpty
        #expect(message.authorities.map(DNSClient.text) == (isNegative ? ["cluster.local. 5 SOA"] : []))
    }

    @Test func whatOthersKnowIsAskedThere() throws {
        var responder = Responder(zone: try Objects.cluster().zone)
        var reply = [UInt8](repeating: 0, count: Query.largestSize)
        func elsewhere(_ name: String, _ type: RecordType) -> Responder.Elsewhere? {
            let outcome = DNSClient.query(name, type).withUnsafeBytes { message in
                reply.withUnsafeMutableBytes { responder.respond(to: message, into: $0, isDatagram: true) }
            }
            return if case .elsewhere(let elsewhere) = outcome { elsewhere } else { nil }
        }
        #expect(elsewhere("Example.com", .mx)?.question == Question(name: try #require(Name("example.com")), type: .mx))
        #expect(elsewhere("9.9.244.10.in-addr.arpa", .ptr)?.aliases == [])
        let alias = try #require(elsewhere("outside.default.svc.cluster.local", .aaaa))
        #expect(alias.question == Question(name: try #require(Name("www.example.com")), type: .aaaa))
        #expect(alias.aliases.map(DNSClient.text) == ["outside.default.svc.cluster.local. 30 CNAME www.example.com."])
    }

    @Test func aliasesInACircleEnd() throws {
        var responder = Responder(zone: try Objects.cluster().zone)
        let answer = try #require(responder.answer(DNSClient.query("loop.default.svc.cluster.local", .a)).flatMap { Message(decoding: $0) })
        #expect(answer.code == .serverFailure)
    }

    /// Every answer begins with another record, so that clients that take the first do not all take the same.
    @Test func recordsTakeTurns() throws {
        var responder = Responder(zone: try Objects.cluster().zone)
        let firsts = try (0..<3).map { _ in
            let answer = responder.answer(DNSClient.query("db.default.svc.cluster.local", .a))
            return try #require(answer.flatMap { Message(decoding: $0) }?.answers.first).data
        }
        #expect(Set(firsts).count == 3)
    }

    @Test func beforeThereIsAZoneThereIsNoTelling() throws {
        var responder = Responder()
        let answer = try #require(responder.answer(DNSClient.query("web.default.svc.cluster.local", .a)).flatMap { Message(decoding: $0) })
        #expect(answer.code == .serverFailure)
    }
}
