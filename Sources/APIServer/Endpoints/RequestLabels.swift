import APIModel
import HTTPServer
import HTTPTypes

/// What requests are counted by, in upstream's words.
///
/// Each combination is kept for good, so the values are those of what is served: what a client made up counts under none.
struct RequestLabels: Hashable, Sendable {
    var verb: String
    var group = ""
    var version = ""
    var resource = ""
    /// For what is no resource, its path.
    var subresource = ""
    var scope = ""
    var dryRun = ""

    private static let verbs = [
        "get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE",
        "deletecollection": "DELETE", "post": "POST", "put": "PUT",
    ]
    /// Where a request becomes a connection to something else.
    private static let connections: Set = ["exec", "attach", "portforward", "proxy", "log"]

    init(_ request: Request, _ info: RequestInfo, _ served: Served) {
        verb = Self.verbs[info.verb] ?? "OTHER"
        guard info.isResource else {
            if Endpoints.paths.contains(info.path) { subresource = info.path }
            return
        }
        let storage = served.storage(GroupVersionResource(group: info.group, version: info.version, resource: info.resource))
        guard let storage, info.subresource.isEmpty || storage.type.subresource(info.subresource) != nil else { return }
        (group, version, resource, subresource) = (info.group, info.version, info.resource, info.subresource)
        scope = !info.name.isEmpty || info.verb == "create" ? "resource" : info.namespace.isEmpty ? "cluster" : "namespace"
        if Self.connections.contains(subresource) { verb = "CONNECT" }
        if verb == "PATCH", request.header(.contentType)?.hasPrefix("application/apply-patch") == true { verb = "APPLY" }
        if request.query("dryRun") == "All" { dryRun = "All" }
    }

    /// Whether it asks for what there is.
    var isRead: Bool { verb == "GET" || verb == "LIST" }

    /// Without whether it was a dry run.
    var plainPairs: [(String, String)] { pairs.filter { $0.0 != "dry_run" } }

    /// With who asked, of those that `component` knows.
    func pairs(client: String) -> [(String, String)] {
        var pairs = pairs
        pairs.insert(("system_client", client), at: pairs.count - 2)
        return pairs
    }

    private static let components: Set = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "cluster-policy-controller"]

    /// The component of Kubernetes that asks, by what it calls itself; empty for anybody else.
    static func component(_ request: Request) -> String {
        let agent = request.header(.userAgent) ?? ""
        guard let slash = agent.firstIndex(of: "/"), components.contains(String(agent[..<slash])) else { return "" }
        return String(agent[..<slash])
    }

    /// In the order of their names.
    var pairs: [(String, String)] {
        [
            ("component", "apiserver"), ("dry_run", dryRun), ("group", group), ("resource", resource), ("scope", scope),
            ("subresource", subresource), ("verb", verb), ("version", version),
        ]
    }
}
