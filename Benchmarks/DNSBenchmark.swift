import APIModel
import Client
import DNS

/// What a name server's thread does for a query, among 10,000 Services: everything but the socket.
struct DNSBenchmark {
    private static let services = 10_000
    private static let rounds = 20

    func run() async throws {
        let objects = (0..<Self.services).map { count in
            let value: Value = [
                "metadata": ["name": .string("service-\(count)"), "namespace": .string("namespace-\(count % 50)")],
                "spec": [
                    "clusterIP": .string("10.96.\(count / 250).\(count % 250 + 1)"),
                    "ports": [["name": "http", "port": 80, "protocol": "TCP"]],
                ],
            ]
            return (GroupVersionResource.services, Object(value))
        }
        var server = OfflineServer(domain: "cluster.local", objects: objects)
        let zone = "svc.cluster.local"
        try await answers("address", &server, prefix: "", zone, 1)
        try await answers("no address of that family", &server, prefix: "", zone, 28)
        try await answers("service record", &server, prefix: "_http._tcp.", zone, 33)
        try await answers("no such name", &server, prefix: "", "\(zone).namespace-0.\(zone)", 1)
    }

    private func answers(_ what: String, _ server: inout OfflineServer?, prefix: String, _ zone: String, _ type: UInt8) async throws {
        let queries = (0..<Self.services).map { Self.query("\(prefix)service-\($0).namespace-\($0 % 50).\(zone)", type) }
        await Benchmarks.rate("dns: \(what)", Self.rounds * queries.count) {
            for _ in 0..<Self.rounds { for query in queries { precondition(server?.answer(query) != nil, "a query without an answer") } }
        }
    }

    /// As resolver libraries ask: with EDNS.
    private static func query(_ name: String, _ type: UInt8) -> [UInt8] {
        let labels = name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        return [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1] + labels + [0, 0, type, 0, 1] + [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]
    }
}
