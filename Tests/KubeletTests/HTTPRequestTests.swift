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

    @Test func whatIsToBeNothingIsNotSent() throws {
        let headers: [Value] = [["name": "Accept", "value": ""], ["name": "User-Agent", "value": ""]]
        let text = try HTTPRequest(path: "/", authority: "10.1.0.1:80", headers: headers, userAgent: "kube-probe/1.36").text()
        #expect(text == "GET / HTTP/1.1\r\nHost: 10.1.0.1:80\r\nConnection: close\r\n\r\n")
    }

    /// Where an answer to `http://10.1.0.1:8080/a/b?c` sends on to.
    @Test(
        arguments: [
            ("302 Found", "/x?y", "http://10.1.0.1:8080/x?y"), ("301 Moved", "http://10.1.0.1/x", "http://10.1.0.1:80/x"),
            ("307 Temporary", "https://10.1.0.1", "https://10.1.0.1:443/"),
            ("308 P", "HTTPS://10.1.0.1:8443?q", "https://10.1.0.1:8443/?q"),
            ("303 See", "//10.1.0.1:81/x", "http://10.1.0.1:81/x"), ("302 Found", "x", "http://10.1.0.1:8080/a/x"),
            ("302 Found", "?d", "http://10.1.0.1:8080/a/b?d"), ("302 Found", "http://elsewhere.example/", nil),
            ("302 Found", "http://10.1.0.10/", nil), ("302 Found", "http://10.1.0.1:0/", nil), ("302 Found", "ftp:x", nil),
            ("302 Found", "", nil), ("304 Not", "/x", nil), ("200 OK", "/x", nil), ("500 No", "/x", nil),
        ] as [(String, String, String?)])
    func redirects(_ status: String, _ location: String, _ url: String?) {
        let target = HTTPTarget(host: "10.1.0.1", port: 8080, path: "/a/b?c")
        #expect(target.redirected(by: "HTTP/1.1 \(status)\r\nLocation: \(location)\r\n\r\n")?.url == url)
    }

    @Test func namesOfTheNewFamilyAreInBrackets() {
        let target = HTTPTarget(host: "fd00::1", port: 8080, path: "/")
        #expect(target.redirected(by: "HTTP/1.1 302\r\nlocation: https://[fd00::1]/x\r\n\r\n")?.url == "https://[fd00::1]:443/x")
    }
}
