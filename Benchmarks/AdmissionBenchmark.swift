import APIModel
import APIServer
import Client
import Glibc
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import NIOSSL
import PKI
import PluginHost
import Store
import Synchronization

/// What a write pays for being judged: by nobody, by an admission plugin in this process, by one in a process of its own, by a webhook over
/// TLS on this machine. The plugin is the example, which finds no image in what it is asked about; the webhook says yes.
struct AdmissionBenchmark {
    /// Where the libraries are.
    let directory: String

    private static let log = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    private static let rules: Value = [["operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]]]

    func run() async throws {
        let bare = try await calls(isolation: nil)
        for (isolation, words) in [("None", "in the host"), ("Process", "in a process of its own")] {
            let (call, create) = try await calls(isolation: isolation)
            print("admission: the plugin asked, \(words): \(Int(call)) ns, a create takes \(Int(create - bare.create)) ns longer")
        }
        let webhook = try await webhook()
        print("admission: a webhook over TLS: a create takes \(Int(webhook - bare.create)) ns longer")
        print("admission: a create that nobody judges: \(Int(bare.create)) ns")
    }

    /// Nanoseconds of a call into the plugin, and of a create that it judges.
    private func calls(isolation: String?) async throws -> (call: Double, create: Double) {
        var configuration = PluginHost.Configuration(manifestDirectory: directory, libraryDirectories: [directory])
        configuration.childExecutable = "\(directory)/apus"
        let host = PluginHost(configuration, log: Self.log)
        let manifest = try isolation.map { isolation in
            try PluginManifest(
                object: [
                    "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "judge"],
                    "spec": [
                        "kind": "Admission", "library": "libexample-admission.so", "component": "fixed-images", "required": true,
                        "isolation": .string(isolation), "admission": ["rules": Self.rules],
                    ],
                ])
        }
        try host.load(manifest.map { [$0] } ?? [])
        try await host.start(services: HostServices(client: NoAPI(), cache: Cache(client: NoAPI(), log: Self.log)))
        var call = 0.0
        if let judge = host.admission.active.first {
            let question = AdmissionQuestion(
                .create, isDryRun: false, resource: "v1/configmaps", kind: "v1/ConfigMap", subresource: "", namespace: "default", name: "m",
                user: "jane", request: JSON.encode(["userInfo": ["username": "jane"]]), object: JSON.encode(Self.map), oldObject: [],
                namespaceObject: [])
            call = try await best(20_000) {
                guard await judge.review(.validate, question).verdict == .allowed(.none) else { throw Failure(description: "refused") }
            }
        }
        let create = try await creates { $0.admissionSource = host }
        await host.stop()
        return (call, create)
    }

    private func webhook() async throws -> Double {
        let authority = try CertificateAuthority.create(commonName: "webhooks")
        let pair = try authority.issueServer(commonName: "hook", names: ["localhost"], addresses: ["127.0.0.1"])
        var configuration = HTTPServer.Configuration(host: "127.0.0.1", port: 0)
        configuration.tls = try .server(certificateChainPEM: pair.certificatePEM, privateKeyPEM: pair.privateKeyPEM)
        let server = try HTTPServer(configuration: configuration, responder: YesSayer(), log: Self.log)
        let port = try await server.start().port ?? 0
        let hook: Value = [
            "name": "hook.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"], "rules": Self.rules,
            "clientConfig": [
                "url": .string("https://127.0.0.1:\(port)/"), "caBundle": .string(Base64.encode(Array(authority.certificatePEM.utf8))),
            ],
        ]
        let time = try await creates(count: 300) { _ in
        } prepare: { client in
            _ = try await client.create(
                GroupVersionResource("admissionregistration.k8s.io/v1/validatingwebhookconfigurations")!,
                [
                    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": ["name": "c"],
                    "webhooks": [hook],
                ])
        }
        await server.shutdown(grace: .zero)
        return time
    }

    /// Nanoseconds of a create that writes nothing: what a disk takes would hide the rest.
    private func creates(
        count: Int = 2_000, configure: (inout APIServer.Configuration) -> Void, prepare: (any Client) async throws -> Void = { _ in }
    ) async throws -> Double {
        var template = Array("/tmp/admission-benchmark-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(description: "no directory can be made in /tmp") }
        let place = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let store = try Store(path: "\(place)/store.db", log: Self.log)
        var configuration = APIServer.Configuration(
            store: store, serviceRanges: DualStack<IPNetwork>("10.96.0.0/16")!, serviceAccountKey: ServiceAccountKey(), log: Self.log)
        configure(&configuration)
        let server = APIServer(configuration)
        try await server.start()
        let client = server.client(as: "admin", groups: ["system:masters"])
        try await prepare(client)
        var options = WriteOptions()
        options.isDryRun = true
        let time = try await best(count) { [options] in
            _ = try await client.create(
                .configMaps, namespace: "default", name: nil, subresource: nil, Self.map, options: options)
        }
        await store.close()
        for suffix in ["", "-wal", "-shm", ".lock"] { unlink("\(place)/store.db\(suffix)") }
        rmdir(place)
        return time
    }

    /// Nanoseconds each, the best of five rounds: what disturbs a round only makes it longer.
    private func best(_ count: Int, _ body: () async throws -> Void) async throws -> Double {
        var best = Double.infinity
        for _ in 0..<5 {
            let time = try await ContinuousClock().measure { for _ in 0..<count { try await body() } }
            best = min(best, time / .nanoseconds(1) / Double(count))
        }
        return best
    }

    private static let map: Value = [
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "m", "namespace": "default", "labels": ["app": "cart"]],
        "data": ["a": .string(String(repeating: "x", count: 500))],
    ]

    private struct Failure: Error, CustomStringConvertible { let description: String }

    private struct YesSayer: Responder {
        func respond(to request: Request) async -> Response {
            let bytes = (try? await request.body.collect(upTo: 1 << 20)) ?? []
            let review = (try? JSON.decode(bytes)) ?? .null
            let answer: Value = [
                "kind": review["kind"], "apiVersion": review["apiVersion"],
                "response": ["uid": review["request"]["uid"], "allowed": true],
            ]
            return .full(status: .ok, headers: [:], body: [JSON.encode(answer)])
        }
    }
}
