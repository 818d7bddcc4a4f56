internal import APIModel
internal import Glibc
internal import HTTPServer
internal import HTTPTypes
internal import Logging
internal import Synchronization

/// Tells load balancers outside, at the health-check node port of a Service, whether this node has endpoints for it: 200 when it has, 503
/// when not. What upstream's kube-proxy says, in its words.
final class HealthCheckPorts: Sendable {
    struct Check: Equatable, Sendable {
        var namespace: String
        var service: String
        /// Addresses of ready endpoints on this node.
        var endpoints: Set<IPAddress>

        /// Whoever asks over one family hears of that one.
        func count(_ family: IPFamily) -> Int { endpoints.count { $0.family == family } }
    }

    /// A port that cannot be listened on is tried again after this.
    private static let patience = Duration.seconds(30)

    private let host: String
    private let isHealthy: @Sendable () -> Bool
    private let log: Logger
    private let wanted = Mutex<[Int: Check]>([:])
    private let changes: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// - Parameter isHealthy: whether the proxy itself is.
    init(host: String = HealthCheckPorts.everywhere, isHealthy: @escaping @Sendable () -> Bool, log: Logger) {
        self.host = host
        self.isHealthy = isHealthy
        self.log = log
        (changes, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Every address of the machine, of both families where it has both.
    static var everywhere: String { access("/proc/net/if_inet6", F_OK) == 0 ? "::" : "0.0.0.0" }

    /// Which ports to listen on from now on, and what to say there.
    func set(_ ports: [ServicePort]) {
        let checks = Self.checks(ports)
        let isOther = wanted.withLock { wanted in
            defer { wanted = checks }
            return Set(wanted.keys) != Set(checks.keys)
        }
        if isOther { signal.yield() }
    }

    static func checks(_ ports: [ServicePort]) -> [Int: Check] {
        var checks: [Int: Check] = [:]
        for port in ports where port.healthCheckNodePort != 0 {
            let here = port.endpoints.filter { $0.isReady && $0.isLocal }.map(\.address)
            checks[
                Int(port.healthCheckNodePort),
                default: Check(namespace: port.namespace, service: port.service, endpoints: [])
            ].endpoints.formUnion(here)
        }
        return checks
    }

    /// Listens and answers until the task is cancelled. To be called once.
    func run() async {
        var servers: [Int: HTTPServer] = [:]
        await withDiscardingTaskGroup { group in
            for await _ in changes {
                let ports = wanted.withLock { Set($0.keys) }
                for port in servers.keys where !ports.contains(port) { await servers.removeValue(forKey: port)?.shutdown(grace: .zero) }
                for port in ports where servers[port] == nil {
                    do {
                        servers[port] = try await listen(port)
                    } catch {
                        log.error("proxy: the health-check node port \(port) is not served: \(error)")
                        group.addTask { [signal] in
                            try? await Task.sleep(for: Self.patience)
                            signal.yield()
                        }
                    }
                }
            }
            group.cancelAll()
        }
        for server in servers.values { await server.shutdown(grace: .zero) }
    }

    private func listen(_ port: Int) async throws -> HTTPServer {
        let server = try HTTPServer(
            configuration: HTTPServer.Configuration(host: host, port: port), responder: Answering(ports: self, port: port), log: log)
        try await server.start()
        return server
    }

    private struct Answering: Responder {
        let ports: HealthCheckPorts
        let port: Int

        func respond(to request: Request) async -> Response {
            let check = ports.wanted.withLock { $0[port] }
            return HealthCheckPorts.answer(check, HealthCheckPorts.family(of: request), isHealthy: ports.isHealthy())
        }
    }

    /// Over which it came. One of IPv4 that came in by a socket for both is written as one of IPv6.
    private static func family(of request: Request) -> IPFamily {
        let client = request.remoteAddress
        guard client.hasPrefix("["), let end = client.firstIndex(of: "]") else { return .ipv4 }
        return IPAddress(String(client[..<end].dropFirst()))?.family ?? .ipv6
    }

    private static func answer(_ check: Check?, _ family: IPFamily, isHealthy: Bool) -> Response {
        let count = check?.count(family) ?? 0
        let body = """
            {
            \t"service": {
            \t\t"namespace": "\(check?.namespace ?? "")",
            \t\t"name": "\(check?.service ?? "")"
            \t},
            \t"localEndpoints": \(count),
            \t"serviceProxyHealthy": \(isHealthy)
            }
            """
        var headers: HTTPFields = [.contentType: "application/json"]
        headers[.xContentTypeOptions] = "nosniff"
        if let weight = HTTPField.Name("X-Load-Balancing-Endpoint-Weight") { headers[weight] = String(count) }
        return .full(
            status: count > 0 && isHealthy ? .ok : .serviceUnavailable, headers: headers, body: [Array(body.utf8)])
    }
}
