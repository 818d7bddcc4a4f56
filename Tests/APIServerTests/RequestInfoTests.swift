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
        Row(method: .delete, path: "/api/v1/nodes/n%2F1", expected: ["delete", "", "v1", "", "nodes", "", "n/1"]),
        Row(method: .get, path: "/healthz", expected: ["get", "", "", "", "", "", ""]),
        Row(method: .get, path: "/apis/apps/v1", expected: ["get", "apps", "v1", "", "", "", ""]),
    ]

    @Test(arguments: rows) func parses(_ row: Row) {
        let info = RequestInfo(Request(method: row.method, path: row.path, query: row.query.map { (name: $0.0, value: $0.1) }))
        #expect([info.verb, info.group, info.version, info.namespace, info.resource, info.subresource, info.name] == row.expected)
        #expect(info.isResource == !row.expected[4].isEmpty)
    }

    @Test func keepsTheRestOfAProxyPath() {
        let info = RequestInfo(Request(method: .get, path: "/api/v1/namespaces/a/services/https:web:443/proxy/x/y/"))
        #expect(info.name == "https:web:443")
        #expect(info.rest == "x/y/")
    }
}
