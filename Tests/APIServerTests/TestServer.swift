import APIModel
import Client
import Foundation
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import PKI
import Store
import Synchronization
import Testing

@testable import APIServer

/// An API server over a store in a directory of its own, asked in process.
final class TestServer: Sendable {
    let server: APIServer
    let store: Store
    private let directory: String

    static let tokens = """
        admin-token,admin,1,"system:masters"
        alice-token,alice,2,devs
        bob-token,bob,3
        """

    init(
        directory: String? = nil, encryption: EncryptionAtRest? = nil, options: Options = Options(),
        configure: (inout APIServer.Configuration) -> Void = { _ in }
    ) async throws {
        self.directory = directory ?? FileManager.default.temporaryDirectory.appendingPathComponent("apiserver-\(UniqueID.make())").path
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        var options = options
        options.transformer = encryption
        store = try Store(path: "\(self.directory)/store.db", options: options, log: log)
        let range = try #require(DualStack<IPNetwork>("10.96.0.0/16"))
        var configuration = APIServer.Configuration(store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log)
        configuration.tokens = [try TokenFile(Self.tokens)]
        configuration.advertise = ("10.0.0.1", 6443)
        configuration.components = [HealthCheck("scheduler") { nil }, HealthCheck("store-0") { "it is full" }]
        configuration.encryption = encryption
        configure(&configuration)
        server = APIServer(configuration)
        try await server.start()
    }

    /// Closes the store and takes everything away.
    func end() async {
        await store.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Runs `body` with a server of its own.
    static func with(
        configure: (inout APIServer.Configuration) -> Void = { _ in }, options: (inout Options) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var keeping = Options()
        options(&keeping)
        let server = try await TestServer(options: keeping, configure: configure)
        do {
            try await body(server)
        } catch {
            await server.end()
            throw error
        }
        await server.end()
    }

    /// Runs `body` with a server that serves a custom kind besides, and follows what becomes of its definition.
    static func with(kind definition: Value, _ body: (TestServer) async throws -> Void) async throws {
        try await with { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await server.server.run() }
                defer { group.cancelAll() }
                let made = await server.ask(.post, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
                try #require(made.code == 201, "\(made.text)")
                let spec = definition["spec"]
                let version = spec["versions"].elements.first { $0["served"] == true }?["name"].string ?? ""
                let path = "/apis/\(spec["group"].string ?? "")/\(version)/\(spec[path: "names", "plural"].string ?? "")"
                while await server.ask(.get, path).code != 200 { await Task.yield() }
                try await body(server)
            }
        }
    }

    struct Answer {
        var code: Int
        var headers: HTTPFields
        var body: [UInt8]
        var json: Value { (try? JSON.decode(body)) ?? .null }
        var text: String { String(decoding: body, as: UTF8.self) }
        var message: String { json["message"].string ?? "" }
        var reason: String { json["reason"].string ?? "" }
        /// All that the client was warned of, one after another.
        var warnings: String { HTTPField.Name("Warning").map { headers[values: $0].joined(separator: "\n") } ?? "" }
    }

    /// `path` may have a query.
    @discardableResult
    func ask(
        _ method: HTTPRequest.Method, _ path: String, _ body: Value? = nil, raw: [UInt8]? = nil, type: String = "application/json",
        accept: String? = nil,
        token: String? = "admin-token", headers: [String: String] = [:]
    ) async -> Answer {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        var fields = HTTPFields()
        fields[.contentType] = type
        fields[.accept] = accept
        if let token { fields[.authorization] = "Bearer \(token)" }
        for (name, value) in headers { if let name = HTTPField.Name(name) { fields[name] = value } }
        let query = parts.count > 1 ? parts[1].split(separator: "&").map { $0.split(separator: "=", maxSplits: 1).map(String.init) } : []
        let pieces = Mutex<[ByteBuffer]>(raw.map { [ByteBuffer(bytes: $0)] } ?? body.map { [ByteBuffer(bytes: JSON.encode($0))] } ?? [])
        let request = Request(
            method: method, path: parts[0],
            query: query.map { (RequestInfo.percentDecoded($0[0][...]), RequestInfo.percentDecoded(($0.count > 1 ? $0[1] : "")[...])) },
            headers: fields, body: RequestBody { pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() } }, remoteAddress: "127.0.0.1:1")
        switch await server.respond(to: request) {
        case .full(let status, let headers, let body): return Answer(code: status.code, headers: headers, body: Array(body.joined()))
        case .stream(let status, let headers, let write):
            let collected = Mutex<[UInt8]>([])
            try? await write(BodyWriter { piece in collected.withLock { $0 += piece.readableBytesView } })
            return Answer(code: status.code, headers: headers, body: collected.withLock { $0 })
        case .upgrade(let headers, _): return Answer(code: 101, headers: headers, body: [])
        }
    }

    /// The frames of a watch that ends by itself within a second.
    func watch(_ path: String) async -> [Value] {
        let answer = await ask(.get, path + (path.contains("?") ? "&" : "?") + "watch=true&timeoutSeconds=1")
        return answer.text.split(separator: "\n").map { (try? JSON.decode(Array($0.utf8))) ?? .null }
    }

    static func configMap(_ name: String, labels: Value = .null, data: Value = ["a": "b"]) -> Value {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "labels": labels], "data": data]
    }
    static func pod(_ name: String) -> Value {
        [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)],
            "spec": ["containers": [["name": "c", "image": "busybox"]]],
        ]
    }
    static func deployment(_ name: String, replicas: Int64 = 1) -> Value {
        [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
            "spec": [
                "replicas": .int(replicas), "selector": ["matchLabels": ["app": .string(name)]],
                "template": ["metadata": ["labels": ["app": .string(name)]], "spec": ["containers": [["name": "c", "image": "busybox"]]]],
            ],
        ]
    }
    static func service(_ name: String, type: String = "ClusterIP", ports: Value = [["port": 80]], extra: [String: Value] = [:]) -> Value {
        var service: Value = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)], "spec": ["type": .string(type), "ports": ports],
        ]
        for (name, value) in extra { service["spec"][name] = value }
        return service
    }
}
