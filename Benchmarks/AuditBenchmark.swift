import APIModel
import APIServer
import Client
import HTTPServer
import Logging
import NIOCore
import NIOSSL
import PKI
import Store

/// What a request over TLS costs an API server that writes down who did what, against one that does not: gets and creates by 32 at once.
struct AuditBenchmark {
    let path: String

    private static let log = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    private static let gets = 40_000
    private static let creates = 6_000

    func run() async throws {
        let without = try await serve(nil) { try await measure($0, words: "", against: nil) }
        var configuration = AuditConfiguration(
            policy: try AuditPolicy("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}"))
        configuration.log = AuditConfiguration.Log(path: path + "/audit.log")
        let auditing = try Auditing(configuration)
        _ = try await serve(auditing) { try await measure($0, words: ", written down", against: without) }
    }

    private typealias Figures = (get: Double, create: Double)

    private func measure(_ client: any Client, words: String, against base: Figures?) async throws -> Figures {
        // Both servers have one store.
        let prefix = base == nil ? "m" : "w"
        let create = try await Benchmarks.rate("audit: creates\(words)", Self.creates, against: base?.create) {
            try await Benchmarks.together(0..<Self.creates) { number in
                _ = try await client.create(
                    .configMaps, namespace: "default", ["metadata": ["name": .string("\(prefix)\(number)")], "data": ["a": "b"]])
            }
        }
        let get = try await Benchmarks.rate("audit: gets\(words)", Self.gets, against: base?.get) {
            try await Benchmarks.together(0..<Self.gets) { number in
                _ = try await client.get(.configMaps, namespace: "default", name: "\(prefix)\(number % Self.creates)")
            }
        }
        return (get, create)
    }

    /// Runs `body` with a client of a server in this process, over a connection as any client has one.
    private func serve<Result: Sendable>(_ auditing: Auditing?, _ body: (any Client) async throws -> Result) async throws -> Result {
        let store = try Store(path: path + "/store.db", log: Self.log)
        guard let range = DualStack<IPNetwork>("10.96.0.0/16") else {
            throw SelectionBenchmark.Failure(description: "no range for Services")
        }
        var configuration = APIServer.Configuration(
            store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: Self.log)
        configuration.tokens = [try TokenFile("token,admin,1,\"system:masters\"")]
        configuration.audit = auditing
        let server = APIServer(configuration)
        try await server.start()
        let authority = try CertificateAuthority.create(commonName: "benchmark")
        let pair = try authority.issueServer(commonName: "server", names: ["localhost"], addresses: ["127.0.0.1"])
        var listening = HTTPServer.Configuration(host: "127.0.0.1", port: 0)
        listening.tls = try .server(certificateChainPEM: pair.certificatePEM, privateKeyPEM: pair.privateKeyPEM)
        let listener = try HTTPServer(configuration: listening, responder: server, log: Self.log)
        let port = try await listener.start().port ?? 0
        var access = ClientConfiguration(server: "https://127.0.0.1:\(port)")
        access.certificateAuthority = Array(authority.certificatePEM.utf8)
        access.credential = .token("token")
        let client = try HTTPSClient(configuration: access)
        let result = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            defer { group.cancelAll() }
            return try await body(client)
        }
        await listener.shutdown(grace: .zero)
        await store.close()
        return result
    }
}
