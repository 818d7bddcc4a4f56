import APIModel
import HTTPServer
import HTTPTypes
import Testing

@testable import APIServer

@Suite struct RequestInfoTests {
    struct Row: Sendable {
        var method: HTTPRequest.Method
        var path: String
        var query: [(String, String)] = []
        /// verb, group, version, namespace, resource, subresource, name
        var expected: [String]
    }

    static let rows: [Row] = [
        Row(method: .get, path: "/api/v1/namespaces/a/pods", expected: ["list", "", "v1", "a", "pods", "", ""]),
        Row(
            method: .get, path: "/api/v1/namespaces/a/pods", query: [("watch", "true")], expected: ["watch", "", "v1", "a", "pods", "", ""]),
        Row(
            method: .get, path: "/api/v1/namespaces/a/pods", query: [("fieldSelector", "metadata.name=x")],
            expected: ["list", "", "v1", "a", "pods", "", "x"]),
        Row(method: .get, path: "/api/v1/watch/namespaces/a/pods/x", expected: ["watch", "", "v1", "a", "pods", "", "x"]),
        Row(method: .get, path: "/api/v1/namespaces/a", expected: ["get", "", "v1", "a", "namespaces", "", "a"]),
        Row(method: .put, path: "/api/v1/namespaces/a/finalize", expected: ["update", "", "v1", "a", "namespaces", "finalize", "a"]),
        Row(method: .get, path: "/api/v1/namespaces", expected: ["list", "", "v1", "", "namespaces", "", ""]),
        Row(method: .post, path: "/apis/apps/v1/namespaces/a/deployments", expected: ["create", "apps", "v1", "a", "deployments", "", ""]),
        Row(
            method: .patch, path: "/apis/apps/v1/namespaces/a/deployments/x/scale",
            expected: ["patch", "apps", "v1", "a", "deployments", "scale", "x"]),
        Row(
            method: .delete, path: "/apis/apps/v1/namespaces/a/deployments",
            expected: ["deletecollection", "apps", "v1", "a", "deployments", "", ""]),
        Row(method: .delete, path: "/api/v1/nodes/n%2D1", expected: ["delete", "", "v1", "", "nodes", "", "n-1"]),
        Row(method: .head, path: "/api/v1/pods/", query: [("watch", "0")], expected: ["list", "", "v1", "", "pods", "", ""]),
        Row(method: .get, path: "/api/v1/pods", query: [("watch", "")], expected: ["watch", "", "v1", "", "pods", "", ""]),
        Row(
            method: .get, path: "/api/v1/namespaces/a/pods/x", query: [("watch", "true")],
            expected: ["get", "", "v1", "a", "pods", "", "x"]),
        // Only what selects one object by its name is authorized by the name.
        Row(
            method: .get, path: "/api/v1/namespaces/a/pods", query: [("fieldSelector", "metadata.name!=x")],
            expected: ["list", "", "v1", "a", "pods", "", ""]),
        Row(
            method: .get, path: "/api/v1/namespaces/a/pods", query: [("fieldSelector", "spec.nodeName=y\\,metadata.name\\=x")],
            expected: ["list", "", "v1", "a", "pods", "", ""]),
        Row(
            method: .delete, path: "/api/v1/namespaces/a/pods", query: [("fieldSelector", "metadata.name=x")],
            expected: ["deletecollection", "", "v1", "a", "pods", "", ""]),
        Row(method: .get, path: "/healthz", expected: ["get", "", "", "", "", "", ""]),
        Row(method: .get, path: "/apis/apps/v1", expected: ["get", "apps", "v1", "", "", "", ""]),
    ]

    @Test(arguments: rows) func parses(_ row: Row) throws {
        let info = try RequestInfo(Request(method: row.method, path: row.path, query: row.query.map { (name: $0.0, value: $0.1) }))
        #expect([info.verb, info.group, info.version, info.namespace, info.resource, info.subresource, info.name] == row.expected)
        #expect(info.isResource == !row.expected[4].isEmpty)
    }

    @Test(arguments: [
        ("x/y/", "x/y/"), ("", ""), ("a%2Fb//c", "a%2Fb/c"), ("../../x", "x"), ("a/%2e%2E/./b", "b"), ("%zz/%00", "%zz/%00"),
    ])
    func keepsTheRestOfAProxyPath(_ asked: String, _ rest: String) throws {
        let info = try RequestInfo(Request(method: .get, path: "/api/v1/namespaces/a/services/https:web:443/proxy/\(asked)"))
        #expect(info.name == "https:web:443")
        #expect(info.subresource == "proxy")
        #expect(info.rest == rest)
    }

    /// What one reader of a path takes for one thing and another for another.
    static let tricks: [(HTTPRequest.Method, String, Int)] = [
        (.get, "/api/v1/namespaces/default/pods/a%2Fb", 404), (.get, "/api/v1/namespaces/default%2Fpods/x", 404),
        (.get, "/api/v1/namespaces/../secrets", 404), (.get, "/api/v1/namespaces/default/pods/..", 404),
        (.get, "/api/v1/namespaces/default/pods/%2e%2e", 404), (.get, "/api/v1/namespaces/default/pods/.", 404),
        (.get, "//api/v1/pods", 404), (.get, "/api/v1//pods", 404), (.get, "/api/v1/namespaces//pods", 404), (.get, "/api/v1/pods//", 404),
        (.get, "/api/v1/namespaces/default/pods/x/log/more", 404), (.get, "/api/v1/namespaces/default/pods/x/status/proxy", 404),
        (.get, "/healthz%2F..%2Fmetrics", 404), (.get, "/livez/../metrics", 404), (.get, "api/v1/pods", 400), (.get, "", 400),
        (.get, "*", 400), (.get, "/api/v1/pods%00", 400), (.get, "/api/v1/pods%0d%0a", 400), (.get, "/api/v1/pods%", 400),
        (.get, "/api/v1/pods%2", 400), (.get, "/api/v1/%zz", 400), (.get, "/api/v1/%ff%fe", 400),
        (.get, "/api/v1/namespaces/default/pods/a%25b", 404), (.post, "/api/v1/watch/namespaces/default/pods", 405),
        (.options, "/api/v1/pods", 405), (.trace, "/api/v1/pods", 405), (.connect, "/api/v1/pods", 405),
    ]

    @Test(arguments: tricks) func refuses(_ method: HTTPRequest.Method, _ path: String, _ code: Int) {
        #expect { try RequestInfo(Request(method: method, path: path)) } throws: { ($0 as? APIError)?.code == code }
    }

    @Test(arguments: ["get", "Get", "LIST", "WATCH", "DELETECOLLECTION", "ESCALATE"]) func refusesMethods(_ name: String) throws {
        let method = try #require(HTTPRequest.Method(name))
        #expect { try RequestInfo(Request(method: method, path: "/api/v1/pods")) } throws: { ($0 as? APIError)?.code == 405 }
    }

    @Test(arguments: ["watch", "fieldSelector"]) func refusesWhatIsSaidTwice(_ name: String) {
        let query = [(name: name, value: "false"), (name: name, value: "metadata.name=x")]
        #expect { try RequestInfo(Request(method: .get, path: "/api/v1/pods", query: query)) } throws: { ($0 as? APIError)?.code == 400 }
    }
}
