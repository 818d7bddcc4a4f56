import APIModel
import Testing

@testable import Kubelet

/// What probes and hooks send.
@Suite struct HTTPRequestTests {
    @Test(arguments: [
        ("/healthz?a=b&c=%20d", "/healthz?a=b&c=%20d"), ("/a b", "/a%20b"),
        ("/x\r\nHost: evil\r\n\r\nGET /y", "/x%0D%0AHost:%20evil%0D%0A%0D%0AGET%20/y"),
        ("/\u{e9}\0", "/%C3%A9%00"), ("/100%", "/100%25"), ("/a#b", "/a"),
    ]) func pathsAreEncoded(_ path: String, _ target: String) throws {
        let text = try HTTPRequest(path: path, authority: "10.1.0.1:80", headers: [], userAgent: "kube-probe/1.36").text()
        #expect(
            text == "GET \(target) HTTP/1.1\r\nHost: 10.1.0.1:80\r\nUser-Agent: kube-probe/1.36\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
    }

    @Test(arguments: [
        ("X-A", "1\r\nX-B: 2", "net/http: invalid header field value for \"X-A\""),
        ("X-A", "\0", "net/http: invalid header field value for \"X-A\""),
        ("X A", "1", "net/http: invalid header field name \"X A\""), ("X\nA", "1", "net/http: invalid header field name \"X\\nA\""),
        ("", "1", "net/http: invalid header field name \"\""), ("Host", "a b", "http: invalid Host header"),
    ]) func headersAreRefused(_ name: String, _ value: String, _ message: String) {
        let request = HTTPRequest(
            path: "/", authority: "10.1.0.1:80", headers: [["name": .string(name), "value": .string(value)]], userAgent: "")
        let error = #expect(throws: HTTPRequest.Invalid.self) { try request.text() }
        #expect(error?.description == message)
    }

    @Test func headersReplaceTheUsual() throws {
        let headers: [Value] = [
            ["name": "host", "value": "web.example"], ["name": "user-agent", "value": "own"], ["name": "X", "value": "a\tb"],
        ]
        let text = try HTTPRequest(path: "/", authority: "10.1.0.1:80", headers: headers, userAgent: "kube-probe/1.36").text()
        #expect(text == "GET / HTTP/1.1\r\nHost: web.example\r\nuser-agent: own\r\nX: a\tb\r\nAccept: */*\r\nConnection: close\r\n\r\n")
    }
}
