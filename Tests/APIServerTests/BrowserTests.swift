import HTTPTypes
import Testing

@testable import APIServer

/// Pages in browsers that come from elsewhere.
@Suite struct BrowserTests {
    private static let allowed = ["//example\\.com(:|$)", "^https://.*\\.example\\.org$"]

    @Test(
        arguments: [
            ("https://example.com", true), ("https://example.com:8443", true), ("https://example.com.evil.org", false),
            ("https://a.example.org", true), ("http://a.example.org", false), ("https://other", false), ("", false),
        ]) func pagesFromElsewhere(origin: String, isAdmitted: Bool) async throws
    {
        try await TestServer.with {
            $0.browsers = (try? BrowserPolicy(origins: Self.allowed)) ?? BrowserPolicy()
        } _: { server in
            let name = try #require(HTTPField.Name("Origin"))
            for path in ["/version", "/api/v1/namespaces/none", "/nowhere"] {
                let answer = await server.ask(.get, path, headers: origin.isEmpty ? [:] : [name.rawName: origin])
                #expect(answer.headers[.accessControlAllowOrigin] == (isAdmitted ? origin : nil), "\(path)")
                #expect((answer.headers[.accessControlAllowCredentials] == "true") == isAdmitted)
                #expect((answer.headers[.accessControlExposeHeaders] == "Date") == isAdmitted)
            }
            // A browser asks without credentials what the page may do.
            let asked = await server.ask(.options, "/api/v1/namespaces", token: nil, headers: origin.isEmpty ? [:] : [name.rawName: origin])
            #expect((asked.code == 204) == isAdmitted)
            #expect((asked.headers[.accessControlAllowMethods]?.contains("PATCH") == true) == isAdmitted)
        }
    }

    @Test func everyAnswerSaysThatTLSIsSpoken() async throws {
        try await TestServer.with {
            $0.browsers = (try? BrowserPolicy(directives: ["max-age=31536000", "preload"])) ?? BrowserPolicy()
        } _: { server in
            for path in ["/version", "/api/v1/namespaces", "/nowhere"] {
                #expect(await server.ask(.get, path).headers[.strictTransportSecurity] == "max-age=31536000; preload", "\(path)")
            }
        }
        try await TestServer.with { server in
            #expect(await server.ask(.get, "/version").headers[.strictTransportSecurity] == nil)
        }
    }
}
