internal import APIModel
internal import ArgumentParser
internal import HTTPServer
internal import PluginHost
internal import Proxy

/// Where a service proxy says how it is.
struct ProxyPageOptions: ParsableArguments {
    /// As upstream's.
    static let standard = (healthz: "127.0.0.1:10256", metrics: "127.0.0.1:10249")

    @Option(help: "The address and port of this component's /healthz and /livez, over HTTP; empty turns them off.")
    var healthzBindAddress = Self.standard.healthz

    @Option(help: "The address and port of this component's /proxyMode, over HTTP; empty turns it off.")
    var metricsBindAddress = Self.standard.metrics

    func validate() throws {
        _ = try Self.place(healthzBindAddress, "--healthz-bind-address")
        _ = try Self.place(metricsBindAddress, "--metrics-bind-address")
    }

    /// `nil` for nowhere.
    private static func place(_ text: String, _ flag: String) throws -> (host: String, port: Int)? {
        if text.isEmpty { return nil }
        let parts = text.wholeMatch(of: /\[(?<ipv6>[^\]]*)\]:(?<port>[0-9]+)|(?<host>[^:]*):(?<number>[0-9]+)/)
        guard let parts, let port = (parts.port ?? parts.number).flatMap({ Int($0) }), 0...65535 ~= port else {
            throw ValidationError("\(flag): \(text) is not an address and a port, as in 127.0.0.1:10256 or [::1]:10256")
        }
        return port == 0 ? nil : (String(parts.ipv6 ?? parts.host ?? ""), port)
    }

    /// The pages are there when this returns.
    func serve(_ proxy: Proxy, _ plugins: PluginHost, _ families: [IPFamily], in group: inout RoleGroup) async throws {
        try await Self.serve((healthzBindAddress, metricsBindAddress), proxy, plugins, families, in: &group)
    }

    static func serve(
        _ addresses: (healthz: String, metrics: String), _ proxy: Proxy, _ plugins: PluginHost, _ families: [IPFamily],
        in group: inout RoleGroup
    ) async throws {
        let pages: [(String, String, any Responder)] = [
            (addresses.healthz, "--healthz-bind-address", ProxyHealthPages(proxy: proxy, families: families)),
            (addresses.metrics, "--metrics-bind-address", ProxyModePages(plugins: plugins)),
        ]
        for (address, flag, responder) in pages {
            guard let (host, port) = try place(address, flag) else { continue }
            try await HealthEndpoint.serve(in: &group, host, port, nil, responder)
        }
    }
}
