import APIModel
import HTTPTypes
import Testing

/// Objects that only the whole server can judge, and what upstream answers: each line of `Fixtures/refusals.json` has an object, the code,
/// and the causes or, where there are none, the message.
@Suite struct RefusalTests {
    @Test func answersAreUpstreams() async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            for test in try fixture("refusals") {
                let answer = await server.ask(.post, "\(test["url"].string ?? "")?dryRun=All", test["object"])
                let causes = answer.json["details"]["causes"].elements.map { "\($0["field"].string ?? ""): \($0["message"].string ?? "")" }
                let given = Comment(rawValue: String(decoding: JSON.encode(test["object"]), as: UTF8.self))
                #expect(answer.code == test["code"].int.map { Int($0) }, given)
                if let message = test["message"].string { #expect(answer.message == message, given) }
                if test["code"].int == 422 { #expect(Set(causes) == Set(test["causes"].elements.compactMap(\.string)), given) }
            }
        }
    }
}
