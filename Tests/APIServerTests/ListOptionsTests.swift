import APIModel
import HTTPTypes
import Testing

/// What a query of a list or a watch comes to: each line of `Fixtures/list-options.json` has upstream's code and, of a refusal that says no
/// number, its message.
@Suite struct ListOptionsTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"

    @Test func answersAreUpstreams() async throws {
        try await TestServer.with { server in
            for test in try fixture("list-options") {
                let (query, message) = (test["query"].string ?? "", test["message"].string ?? "")
                let answer = await server.ask(.get, "\(Self.maps)?\(query.replacing("+", with: "%20"))")
                #expect(answer.code == test["code"].int.map { Int($0) }, "\(query): \(answer.message)")
                if !message.isEmpty { #expect(answer.message == message, "\(query)") }
            }
        }
    }

    @Test func whatIsReadIsNotOlderThanWhatWasSeen() async throws {
        try await TestServer.with { server in
            await server.ask(.post, Self.maps, TestServer.configMap("m"))
            #expect(await server.ask(.get, "\(Self.maps)/m?resourceVersion=0").code == 200)
            #expect(await server.ask(.get, "\(Self.maps)/m?resourceVersion=99999999").code == 504)
            #expect(await server.ask(.get, "\(Self.maps)/m?resourceVersion=x").code == 500)
        }
    }
}
