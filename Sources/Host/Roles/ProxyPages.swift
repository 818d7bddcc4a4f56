internal import APIModel
internal import HTTPServer
internal import HTTPTypes
internal import PluginHost
internal import Proxy

/// What a service proxy says of itself, as upstream's: whether traffic may come to its node (`/healthz`) and whether it is well itself
/// (`/livez`), in JSON.
struct ProxyHealthPages: Responder {
    let proxy: Proxy
    let families: [IPFamily]

    /// Whether the page counts the node as well.
    private static let countsNode = ["/healthz": true, "/livez": false]

    func respond(to request: Request) async -> Response {
        guard let countsNode = Self.countsNode[request.path] else { return HealthEndpoint.text("404 page not found\n", .notFound) }
        let health = proxy.health
        let isWell = health.problem == nil && (health.isNodeEligible || !countsNode)
        let page = health.page(families, now: Timestamp.nowMicro(), tellsOfNode: countsNode)
        return .full(
            status: isWell ? .ok : .serviceUnavailable, headers: [.contentType: "application/json", .xContentTypeOptions: "nosniff"],
            body: [JSON.encode(page)])
    }
}

/// Which kind of proxy it is, for those who look after the node: `/proxyMode`, and a `/healthz` that says no more than that somebody is there.
struct ProxyModePages: Responder {
    let plugins: PluginHost

    func respond(to request: Request) async -> Response {
        let pages = ["/proxyMode": plugins.proxy?.mode ?? "", "/healthz": "ok"]
        guard let page = pages[request.path] else { return HealthEndpoint.text("404 page not found\n", .notFound) }
        return HealthEndpoint.text(page, .ok)
    }
}
