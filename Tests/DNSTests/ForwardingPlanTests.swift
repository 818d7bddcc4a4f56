import APIModel
import Testing

@testable import DNS

/// What the ConfigMap may say, and what it is told otherwise.
@Suite struct ForwardingPlanTests {
    private static let resolvers = [ForwardingPlan.Server(host: "192.0.2.1")]

    @Test func servers() throws {
        let plan = try ForwardingPlan(
            [
                "data": [
                    "stubDomains": "{\"acme.local\": [\"10.0.0.1:5353\"], \"corp.acme.local.\": [\"fd00::1\", \"[fd00::2]:5353\"]}",
                    "upstreamNameservers": "[\"8.8.8.8\", \"8.8.4.4\"]",
                ]
            ], resolvers: Self.resolvers)
        func servers(_ name: String) throws -> [String] { plan.servers(for: try #require(Name(name))).map(\.description) }
        #expect(try servers("a.ACME.local") == ["10.0.0.1:5353"])
        #expect(try servers("corp.acme.local") == ["[fd00::1]:53", "[fd00::2]:5353"])
        #expect(try servers("acme.locals") == ["8.8.8.8:53", "8.8.4.4:53"])
        #expect(try ForwardingPlan(.null, resolvers: Self.resolvers).servers == Self.resolvers)
    }

    @Test(
        arguments: [
            ("stubDomains", "{", "stubDomains: is no JSON"),
            ("stubDomains", "[]", "stubDomains: is no object of domains and their servers"),
            ("stubDomains", "{\"a..b\": [\"1.1.1.1\"]}", "stubDomains: a..b is no domain"),
            ("stubDomains", "{\"a\": []}", "stubDomains: a: is no list of addresses"),
            ("stubDomains", "{\"a\": [\"dns.example\"]}", "stubDomains: a: dns.example is no address, with or without a port"),
            ("upstreamNameservers", "[\"1.1.1.1:0\"]", "upstreamNameservers: 1.1.1.1:0 is no address, with or without a port"),
            ("upstreamNameservers", "[\"1.1.1.1:99999\"]", "upstreamNameservers: 1.1.1.1:99999 is no address, with or without a port"),
            ("upstreamNameservers", "[1]", "upstreamNameservers: an element is no address, with or without a port"),
            ("upstreamNameservers", "[\"1.1.1.1\", \"1.1.1.2\", \"1.1.1.3\", \"1.1.1.4\"]", "upstreamNameservers: more than 3 servers"),
            ("Corefile", "{}", "Corefile: is neither stubDomains nor upstreamNameservers"),
        ])
    func mistakes(_ key: String, _ value: String, _ message: String) {
        let map: Value = ["data": [key: .string(value)]]
        #expect {
            try ForwardingPlan(map, resolvers: Self.resolvers)
        } throws: { ($0 as? ForwardingPlan.Mistake)?.description == message }
    }

    @Test func answersAreRememberedForTheirTimeAndNoMoreThanFit() throws {
        var cache = AnswerCache(limit: 20_000)
        func key(_ number: Int) throws -> AnswerCache.Key {
            AnswerCache.Key(
                question: Question(name: try #require(Name("n\(number).example.com")), type: .a), wantsDNSSEC: false,
                isCheckingDisabled: false)
        }
        let message = try #require(
            Message(decoding: FakeResolver.answer(DNSClient.query("n.example.com", .a), [(1, 10, [1, 2, 3, 4])])))
        cache.add(Answer(message), for: try key(0), now: 100)
        #expect(try cache.answer(key(0), now: 109)?.age == 9)
        #expect(try cache.answer(key(0), now: 110) == nil)
        #expect(try cache.answer(key(1), now: 100) == nil)
        for number in 0..<1000 { cache.add(Answer(message), for: try key(number), now: 100) }
        let kept = try (0..<1000).filter { try cache.answer(key($0), now: 100) != nil }
        #expect((10...100).contains(kept.count) && kept.last == 999)
    }
}
